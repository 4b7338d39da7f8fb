/**
 * Which resolvers there are, and in which order to ask them.
 *
 * The order is the operator's. A resolver that was down is set aside for a while, so that
 * not every question waits for it. Without configured addresses the list is that of
 * resolv.conf, which is read again when it has changed; while it cannot be read, the list stays.
 *
 * @module
 */

import type { Log, Metrics } from "../monitor/types.ts";
import type { Clock } from "../resolver/clock.ts";
import { formatServerAddress, parseResolvConf, parseServerAddress } from "./resolv_conf.ts";
import type { ServerAddress } from "./resolv_conf.ts";
import { WireConnection } from "./wire_connection.ts";

/** A resolver that was down is asked again after this, ms: soon after a restart, too seldom to be felt. */
const SET_ASIDE_MS = 30_000;

/** resolv.conf is looked at for changes no more often than this, ms. */
const RECHECK_MS = 10_000;

/** A file above this size is no resolv.conf, octets. */
const MAX_RESOLV_CONF_BYTES = 64 * 1024;

/** A time of change no file has. */
const NEVER = -1;

/** One resolver. */
export interface Server {
  readonly address: ServerAddress;
  /** `address:port`, for people. */
  readonly label: string;
  readonly wire: WireConnection;
  /** Set aside until this time of the clock, ms; 0 when it is not. */
  downUntil: number;
}

/** Options of {@link ServerList}. */
export interface ServerListOptions {
  /** `address:port`, in order of preference; empty: those of resolv.conf. */
  readonly servers: readonly string[];
  readonly resolvConfPath: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** The resolvers in use. */
export class ServerList {
  readonly #options: ServerListOptions;
  #servers: readonly Server[] = [];
  /** Time of the next look at resolv.conf, ms of the clock; infinite when there is nothing to look for. */
  #checkAt: number;
  /** Time of change of the file that was read, ms; `undefined` when it could not be read. */
  #fileTime: number | undefined = NEVER;

  /** @throws {TypeError} If a configured address is none. */
  constructor(options: ServerListOptions) {
    this.#options = options;
    options.metrics.gaugeFn(
      "mta_sts_dns_resolvers_down",
      "Resolvers set aside because they could not be reached or were silent.",
      () => this.#servers.filter((server) => this.isDown(server)).length,
    );
    const configured = options.servers.map((text) => {
      const address = parseServerAddress(text);
      if (address === undefined) throw new TypeError(`Not the address of a resolver: '${text}'`);
      return address;
    });
    this.#checkAt = configured.length > 0 ? Infinity : 0;
    this.#use(configured.length > 0 ? configured : parseResolvConf(""));
    this.#followFile();
  }

  /** All resolvers, in order of preference. */
  all(): readonly Server[] {
    this.#followFile();
    return this.#servers;
  }

  /**
   * The resolvers to ask next, in order.
   *
   * @param tried Those that are not to be asked again.
   * @returns Those not set aside; when none is left, those set aside, which may be up again.
   */
  candidates(tried: ReadonlySet<Server>): readonly Server[] {
    const left = this.all().filter((server) => !tried.has(server));
    const up = left.filter((server) => !this.isDown(server));
    return up.length > 0 ? up : left;
  }

  /** Whether a resolver is set aside. */
  isDown(server: Server): boolean {
    return server.downUntil > this.#options.clock.now();
  }

  /** Sets a resolver aside, if it is still one of the list. `detail` is one line for the log. */
  setAside(server: Server, detail: string): void {
    const { clock, log } = this.#options;
    if (!this.#servers.includes(server)) return;
    if (server.downUntil === 0) log.warn("resolver is down", { server: server.label, detail });
    server.downUntil = clock.now() + SET_ASIDE_MS;
  }

  /** Notes that a resolver has answered. */
  setUp(server: Server): void {
    if (server.downUntil === 0) return;
    this.#options.log.info("resolver is up again", { server: server.label });
    server.downUntil = 0;
  }

  /** Reads resolv.conf now, changed or not. */
  reload(): void {
    if (this.#checkAt === Infinity) return;
    this.#checkAt = 0;
    this.#fileTime = NEVER;
    this.#followFile();
  }

  /** Ends all connections and forgets the resolvers. */
  close(): void {
    this.#checkAt = Infinity;
    this.#use([]);
  }

  /** The file is small and local: reading it here and now is simpler than letting two lists overlap. */
  #followFile(): void {
    const { resolvConfPath: path, clock, log } = this.#options;
    if (clock.now() < this.#checkAt) return;
    this.#checkAt = clock.now() + RECHECK_MS;
    try {
      const { mtime, size } = Deno.statSync(path);
      const fileTime = mtime?.getTime() ?? 0;
      if (fileTime === this.#fileTime) return;
      if (size > MAX_RESOLV_CONF_BYTES) throw new RangeError(`${size} octets are too many`);
      this.#use(parseResolvConf(Deno.readTextFileSync(path)));
      this.#fileTime = fileTime;
      log.info("resolvers read", {
        path,
        servers: this.#servers.map(({ label }) => label).join(" "),
      });
    } catch (error) {
      if (this.#fileTime !== undefined) {
        log.warn("resolvers not read", { path, detail: String(error) });
      }
      this.#fileTime = undefined;
    }
  }

  /** Goes over to a list; a resolver that is on the old one keeps its connection and its state. */
  #use(addresses: readonly ServerAddress[]): void {
    const old = new Map(this.#servers.map((server) => [server.label, server]));
    const { clock } = this.#options;
    this.#servers = addresses.map((address) => {
      const label = formatServerAddress(address);
      const kept = old.get(label);
      old.delete(label);
      return kept ?? { address, label, wire: new WireConnection(address, { clock }), downUntil: 0 };
    });
    for (const { wire } of old.values()) wire.close();
  }
}
