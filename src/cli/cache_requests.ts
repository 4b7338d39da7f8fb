/**
 * What the `cache` commands share: how they ask, and how they read replies.
 *
 * @module
 */

import { UsageError } from "../config/usage_error.ts";
import type { HeldEntry } from "../daemon/cache_entry.ts";
import type { ListPage, ListRequest } from "../daemon/control_list.ts";
import { toDomainName } from "../sts/domain.ts";
import type { CacheSource } from "./cache_source.ts";
import { formatEntry } from "./cache_text.ts";
import type { CommandArgs, Io } from "./command.ts";

/** Exit status if the cache does not have what was asked for. */
export const EXIT_NOT_FOUND = 1;

/** Reads a domain from the command line. @throws {UsageError} If it is none. */
export function readCacheDomain(operand: string): string {
  const domain = toDomainName(operand);
  if (domain !== undefined) return domain;
  throw new UsageError(`not a domain: ${JSON.stringify(operand.slice(0, 80))}`);
}

/**
 * The JSON of a reply.
 *
 * @returns `undefined` for `NOTFOUND`.
 * @throws {Error} With the reason of a `TEMP`.
 */
export function jsonOf(reply: string | undefined): string | undefined {
  if (reply?.startsWith("OK ")) return reply.slice("OK ".length);
  if (reply?.startsWith("NOTFOUND")) return undefined;
  throw new Error((reply ?? "no reply").replace(/^[A-Z]+ /, ""));
}

/**
 * Asks about one domain.
 *
 * @returns The entry and its JSON; `undefined` if the cache does not have the domain.
 * @throws {Error} With one line that names the domain.
 */
export async function askAbout(
  source: CacheSource,
  { command, domain }: { readonly command: string; readonly domain: string },
): Promise<{ readonly entry: HeldEntry; readonly json: string } | undefined> {
  const [reply] = await source.ask(command, [domain]);
  try {
    const json = jsonOf(reply);
    return json === undefined ? undefined : { entry: JSON.parse(json), json };
  } catch (error) {
    throw new Error(`${domain}: ${(error as Error).message}`);
  }
}

/**
 * Asks about one domain, and prints its entry, or that there is none.
 *
 * @returns The exit status.
 * @throws {Error} With one line that names the domain.
 */
export async function printEntry(
  source: CacheSource,
  { command, domain, args, io }: {
    readonly command: string;
    readonly domain: string;
    readonly args: CommandArgs;
    readonly io: Io;
  },
): Promise<number> {
  const found = await askAbout(source, { command, domain });
  if (found === undefined) {
    io.err(`${domain} is not in the cache`);
    return EXIT_NOT_FOUND;
  }
  io.out(args.flag("json") ? `${found.json}\n` : formatEntry(found.entry));
  return 0;
}

/**
 * All of a list, a part at a time.
 *
 * @throws {Error} With one line at the end, if the daemon could not read its file.
 */
export async function* listParts(
  source: CacheSource,
  request: ListRequest,
): AsyncGenerator<ListPage["entries"]> {
  let fault: string | undefined;
  let after: string | undefined = "";
  while (after !== undefined) {
    const [reply] = await source.ask("list", [JSON.stringify({ ...request, after })]);
    const page: ListPage = JSON.parse(jsonOf(reply) ?? "{}");
    yield page.entries;
    fault ??= page.fault;
    after = page.next;
  }
  if (fault !== undefined) {
    throw new Error(`the list is incomplete, because the file cannot be read now: ${fault}`);
  }
}
