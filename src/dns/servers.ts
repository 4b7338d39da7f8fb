/**
 * Which DNS resolvers there are, and in which order to ask them.
 *
 * The order is the operator's. A DNS resolver that is down is set aside, so that no question waits for it while there
 * is another one. It is asked for a sign of life every now and then. Without configured addresses, the list is that of
 * resolv.conf, which is read again when it has changed. As long as it cannot be read, the list stays the same.
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

/** A DNS resolver that is down is asked for a sign of life after this, ms: soon after a restart, and at no cost. */
const SET_ASIDE_MS = 30_000;

/** The shortest time between two looks at resolv.conf, ms. */
const RECHECK_MS = 10_000;

/** The largest resolv.conf, octets. A larger file is something else. */
const MAX_RESOLV_CONF_BYTES = 64 * 1024;

/** A modification time that no file has. */
const NEVER = -1;

/** One DNS resolver. */
export interface Server {
  /** Where it listens. */
  readonly address: ServerAddress;
  /** `address:port`, for log and display. */
  readonly label: string;
  /** Asks it, over UDP or TCP. */
  readonly transport: Transport;
  /** It is asked over TCP alone, as resolv.conf says. */
  readonly usesTcp: boolean;
  /** If it is set aside: when to ask it for a sign of life, ms of the clock. Otherwise 0. */
  lookAt: number;
}

/** Options of {@link ServerList}. */
export interface ServerListOptions {
  /** `address:port`, in order of preference; empty: those of resolv.conf. */
  readonly servers: readonly string[];
  /** File that names the DNS resolvers if `servers` is empty. */
  readonly resolvConfPath: string;
  /** Decides when to look at resolv.conf, and at a DNS resolver that is down. */
  readonly clock: Clock;
  /** Where a changed list, and DNS resolvers that go down or come up, are logged. */
  readonly log: Log;
  /** Where those that are down are counted. */
  readonly metrics: Metrics;
  /** A DNS resolver is new, or up again and perhaps another program. */
  onRenewed?(server: Server): void;
}

/** The DNS resolvers in use. */
export class ServerList {
  readonly #options: ServerListOptions;
  #servers: readonly Server[] = [];
  /** When to look at resolv.conf next, ms of the clock; infinite if it is not used. */
  #checkAt: number;
  /** Modification time of the file that was read, ms; `undefined` if it could not be read. */
  #fileTime: number | undefined = NEVER;

  /**
   * Reads resolv.conf if no address is configured. Asks nothing yet.
   *
   * @throws {TypeError} If a configured address is not one.
   */
  constructor(options: ServerListOptions) {
    this.#options = options;
    options.metrics.gaugeFn(
      "mta_sts_dns_resolvers_down",
      "DNS resolvers set aside because they were unreachable or silent.",
      () => this.#servers.filter((server) => this.isDown(server)).length,
    );
    const configured = options.servers.map((text) => {
      const address = parseServerAddress(text);
      if (address === undefined) {
        throw new TypeError(`Not the address of a DNS resolver: '${text}'`);
      }
      return address;
    });
    this.#checkAt = configured.length > 0 ? Infinity : 0;
    this.#use(configured.length > 0 ? configured : parseResolvConf(""), { usesTcp: false });
    this.#followFile();
  }

  /** All DNS resolvers, in order of preference. */
  all(): readonly Server[] {
    this.#followFile();
    return this.#servers;
  }

  /**
   * The DNS resolvers to ask next, in order.
   *
   * @param tried Those not to ask again.
   * @returns Those not set aside. If none is left, those set aside, which may be up again.
   */
  candidates(tried: ReadonlySet<Server>): readonly Server[] {
    const left = this.all().filter((server) => !tried.has(server));
    for (const server of left) this.#lookAgain(server);
    const up = left.filter((server) => !this.isDown(server));
    return up.length > 0 ? up : left;
  }

  /** Whether a DNS resolver is set aside. */
  isDown(server: Server): boolean {
    return server.lookAt !== 0;
  }

  /** Sets a DNS resolver aside if it is still in the list. `detail` is one line for the log. */
  setAside(server: Server, detail: string): void {
    const { clock, log } = this.#options;
    if (!this.#servers.includes(server)) return;
    if (server.lookAt === 0) log.warn("dns resolver is down", { server: server.label, detail });
    server.lookAt = clock.now() + SET_ASIDE_MS;
  }

  /** Notes that a DNS resolver has answered. */
  setUp(server: Server): void {
    if (server.lookAt === 0) return;
    this.#options.log.info("dns resolver is up again", { server: server.label });
    server.lookAt = 0;
    this.#options.onRenewed?.(server);
  }

  #lookAgain(server: Server): void {
    const now = this.#options.clock.now();
    if (server.lookAt === 0 || now < server.lookAt) return;
    server.lookAt = now + SET_ASIDE_MS;
    server.transport.look().then((isAlive) => isAlive && this.setUp(server));
  }

  /** Closes all connections and empties the list. */
  close(): void {
    this.#checkAt = Infinity;
    this.#use([], { usesTcp: false });
  }

  /** Reads resolv.conf if it has changed. It is small and local, so a synchronous read costs little. */
  #followFile(): void {
    const { resolvConfPath: path, clock, log } = this.#options;
    if (clock.now() < this.#checkAt) return;
    this.#checkAt = clock.now() + RECHECK_MS;
    try {
      const { mtime, size } = Deno.statSync(path);
      const fileTime = mtime?.getTime() ?? 0;
      if (fileTime === this.#fileTime) return;
      if (size > MAX_RESOLV_CONF_BYTES) {
        throw new RangeError(`${size} octets, more than ${MAX_RESOLV_CONF_BYTES}`);
      }
      const text = Deno.readTextFileSync(path);
      this.#use(parseResolvConf(text), { usesTcp: parseUsesTcp(text) });
      this.#fileTime = fileTime;
      log.info("resolv.conf read", {
        path,
        servers: this.#servers.map(({ label }) => label).join(" "),
      });
    } catch (error) {
      if (this.#fileTime !== undefined) {
        log.warn("resolv.conf not read: the dns resolvers stay the same", {
          path,
          detail: String(error),
        });
      }
      this.#fileTime = undefined;
    }
  }

  /** Changes to another list. A DNS resolver that stays keeps its sockets and its state. */
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

/** Log events about a DNS resolver. */
const CHANGES = {
  udp: {
    lost: "dns resolver does not answer over udp: asking over tcp",
    again: "dns resolver answers over udp again",
  },
  edns: {
    lost: "dns resolver does not take edns: asking without",
    again: "dns resolver takes edns again",
  },
};
