/**
 * Which resolvers there are, and in which order to ask them.
 *
 * The order is the operator's. A resolver that was down is set aside, so that no question waits
 * for it while there is another; every now and then it is asked for a sign of life. Without configured addresses the list is that of
 * resolv.conf, which is read again when it has changed; while it cannot be read, the list stays.
 *
 * @module
 */

import type { Log } from "../base/log.ts";
import type { Metrics } from "../base/metrics.ts";
import type { Clock } from "../base/clock.ts";
import {
  formatServerAddress,
  parseResolvConf,
  parseServerAddress,
  parseUsesTcp,
} from "./resolv_conf.ts";
import type { ServerAddress } from "./resolv_conf.ts";
import { Transport } from "./transport.ts";

/** A resolver that was down is asked for a sign of life after this, ms: soon after a restart, seldom enough to cost nothing. */
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
  readonly transport: Transport;
  /** It is asked by TCP alone, as resolv.conf wants it. */
  readonly usesTcp: boolean;
  /** Set aside, to be asked for a sign of life at this time of the clock, ms; 0 when it is not. */
  lookAt: number;
}

/** Options of {@link ServerList}. */
export interface ServerListOptions {
  /** `address:port`, in order of preference; empty: those of resolv.conf. */
  readonly servers: readonly string[];
  readonly resolvConfPath: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** A resolver is new, or up again: it may be another program now. */
  onRenewed?(server: Server): void;
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
    this.#use(configured.length > 0 ? configured : parseResolvConf(""), { usesTcp: false });
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
    for (const server of left) this.#lookAgain(server);
    const up = left.filter((server) => !this.isDown(server));
    return up.length > 0 ? up : left;
  }

  /** Whether a resolver is set aside. */
  isDown(server: Server): boolean {
    return server.lookAt !== 0;
  }

  /** Sets a resolver aside, if it is still one of the list. `detail` is one line for the log. */
  setAside(server: Server, detail: string): void {
    const { clock, log } = this.#options;
    if (!this.#servers.includes(server)) return;
    if (server.lookAt === 0) log.warn("resolver is down", { server: server.label, detail });
    server.lookAt = clock.now() + SET_ASIDE_MS;
  }

  /** Notes that a resolver has answered. */
  setUp(server: Server): void {
    if (server.lookAt === 0) return;
    this.#options.log.info("resolver is up again", { server: server.label });
    server.lookAt = 0;
    this.#options.onRenewed?.(server);
  }

  #lookAgain(server: Server): void {
    const now = this.#options.clock.now();
    if (server.lookAt === 0 || now < server.lookAt) return;
    server.lookAt = now + SET_ASIDE_MS;
    server.transport.look().then((isAlive) => isAlive && this.setUp(server));
  }

  /** Ends all connections and forgets the resolvers. */
  close(): void {
    this.#checkAt = Infinity;
    this.#use([], { usesTcp: false });
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
      const text = Deno.readTextFileSync(path);
      this.#use(parseResolvConf(text), { usesTcp: parseUsesTcp(text) });
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

  /** Goes over to a list; a resolver that is on the old one keeps its sockets and its state. */
  #use(addresses: readonly ServerAddress[], { usesTcp }: { usesTcp: boolean }): void {
    const old = new Set(this.#servers);
    const fresh: Server[] = [];
    this.#servers = addresses.map((address) => {
      const label = formatServerAddress(address);
      const kept = [...old].find((each) => each.label === label && each.usesTcp === usesTcp);
      if (kept !== undefined) {
        old.delete(kept);
        return kept;
      }
      const server = this.#create(address, usesTcp);
      fresh.push(server);
      return server;
    });
    for (const { transport } of old) transport.close();
    for (const server of fresh) this.#options.onRenewed?.(server);
  }

  #create(address: ServerAddress, usesTcp: boolean): Server {
    const { clock, log } = this.#options;
    const label = formatServerAddress(address);
    const server: Server = {
      address,
      label,
      usesTcp,
      lookAt: 0,
      transport: new Transport(address, {
        clock,
        usesTcp,
        onDown: (detail) => this.setAside(server, detail),
        onChange(what, works): void {
          const event = CHANGES[what][works ? "again" : "lost"];
          log[works ? "info" : "warn"](event, { server: label });
        },
      }),
    };
    return server;
  }
}

/** What the log says of a resolver. */
const CHANGES = {
  udp: {
    lost: "resolver does not answer over udp: it is asked over tcp",
    again: "resolver answers over udp again",
  },
  edns: {
    lost: "resolver refuses edns: it is asked without",
    again: "resolver takes edns again",
  },
};
