/**
 * Sets of open addresses that a reload changes in two steps: first everything new is opened, which can
 * fail, then everything that is no longer wanted is closed, which cannot.
 *
 * @module
 */

import { type Endpoint, formatEndpoint } from "../base/address.ts";
import { messageOf } from "../base/error_text.ts";
import type { Log } from "../base/log.ts";
import type { ListenAddress } from "../config/types.ts";

/** New addresses are open. Call one of the functions, once. */
export interface AddressChange {
  /** Closes what is open and no longer wanted, and gives the sockets that stay their new modes. Does not throw. */
  apply(): void;
  /** Closes what was opened, so that everything is as before. */
  withdraw(): void;
}

/** Makes several changes as one. @throws What one of them throws; those before it are withdrawn. */
export async function changeAll(
  changes: readonly (() => Promise<AddressChange>)[],
): Promise<AddressChange> {
  const done: AddressChange[] = [];
  const withdraw = () => done.toReversed().forEach((change) => change.withdraw());
  try {
    for (const change of changes) done.push(await change());
  } catch (error) {
    withdraw();
    throw error;
  }
  return { apply: () => done.forEach((change) => change.apply()), withdraw };
}

/** Addresses that are open. */
export class OpenAddresses<Opened extends { close(): void }> {
  readonly #openOne: (address: ListenAddress) => Promise<Opened>;
  readonly #log: Pick<Log, "error">;
  readonly #open = new Map<string, { readonly opened: Opened; readonly address: ListenAddress }>();

  /**
   * None is open yet.
   *
   * @param openOne Opens one, or throws an error with one line for the operator.
   * @param log Where a mode that cannot be set is reported.
   */
  constructor(openOne: (address: ListenAddress) => Promise<Opened>, log: Pick<Log, "error">) {
    this.#openOne = openOne;
    this.#log = log;
  }

  /** Opens each wanted address that is not open yet. @throws {Error} What opening one throws. */
  async change(wanted: readonly ListenAddress[]): Promise<AddressChange> {
    const names = new Set(wanted.map(formatEndpoint));
    const before = [...this.#open.keys()];
    return await changeAll([
      ...wanted.map((address) => () => this.#add(address)),
      () =>
        Promise.resolve({
          apply: () => {
            for (const name of before) if (!names.has(name)) this.#close(name);
            for (const address of wanted) this.#setMode(address);
          },
          withdraw() {},
        }),
    ]);
  }

  /** Closes all. */
  close(): void {
    for (const name of [...this.#open.keys()]) this.#close(name);
  }

  async #add(address: ListenAddress): Promise<AddressChange> {
    const name = formatEndpoint(address);
    if (this.#open.has(name)) return { apply() {}, withdraw() {} };
    this.#open.set(name, { opened: await this.#openOne(address), address });
    return { apply() {}, withdraw: () => this.#close(name) };
  }

  #setMode(wanted: ListenAddress): void {
    const name = formatEndpoint(wanted);
    const found = this.#open.get(name);
    if (found === undefined || !changesMode(found.address, { wanted, log: this.#log })) return;
    this.#open.set(name, { ...found, address: wanted });
  }

  #close(name: string): void {
    this.#open.get(name)?.opened.close();
    this.#open.delete(name);
  }
}

/**
 * Gives the socket of an address the mode of another, if that differs. A file that is gone is left to the
 * watchdog, which finds that the socket does not answer. Any other failure is logged, and the next reload tries
 * again: by now the new configuration is in force.
 *
 * @returns Whether the mode counts as changed.
 */
export function changesMode(
  open: Endpoint | ListenAddress,
  { wanted, log }: { readonly wanted: ListenAddress; readonly log: Pick<Log, "error"> },
): boolean {
  if (wanted.kind !== "unix" || !("mode" in open) || open.mode === wanted.mode) return false;
  try {
    // Whoever owns the directory could have any file of ours opened to others.
    if (Deno.lstatSync(wanted.path).isSymlink) throw new Error("a symbolic link is in its place");
    Deno.chmodSync(wanted.path, wanted.mode);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return true;
    const address = formatEndpoint(wanted);
    log.error("mode of a socket not changed", { address, reason: messageOf(error) });
    return false;
  }
  return true;
}
