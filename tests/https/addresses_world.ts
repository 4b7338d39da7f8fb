/**
 * A policy host with real addresses of loopback, each of them alive, dead or closed, and the way to it
 * that the program takes: DNS as a table, the address guard, the relay.
 *
 * @module
 */

import { explain } from "../../src/cli/explain.ts";
import { formatExplanation } from "../../src/cli/lookup_report.ts";
import { loadConfig } from "../../src/config/load.ts";
import { createAddressGuard } from "../../src/base/address_guard.ts";
import type { PolicyFetcherOptions } from "../../src/https/policy_fetch.ts";
import type { FetchPolicy } from "../../src/https/types.ts";
import type { DnsClient } from "../../src/dns/types.ts";
import { type Clock, createClock } from "../../src/base/clock.ts";
import { createFakeDns, type FakeReply } from "../fakes/fake_dns.ts";
import { createCertificate } from "../fakes/certificates.ts";
import { respond, SocketGroup, startPolicyHosts } from "../fakes/policy_host.ts";
import { ZONE } from "../fakes/world.ts";
import { createTestFetcher } from "./harness.ts";

export const DOMAIN = "x.test";
export const HOST = `mta-sts.${DOMAIN}`;

/** Domains whose policy hosts have the same certificate as {@link DOMAIN}'s. */
export const MANY: readonly string[] = Array.from({ length: 60 }, (_, index) => `x${index}.test`);

const POLICY = "version: STSv1\r\nmode: enforce\r\nmx: mx.x.test\r\nmax_age: 86400\r\n";

/** Connections that fill the queue of a listener with a backlog of one. */
const QUEUE_LENGTH = 2;

/** The addresses of a test. */
export interface AddressesWorld extends AsyncDisposable {
  /** Addresses connected to, in order. */
  readonly dialled: readonly string[];
  /** Comes once there has been an attempt to connect. */
  readonly firstDial: Promise<void>;
  /** Puts a web server with the policy there. */
  live(address: string): void;
  /** Drops every SYN from now on, as a firewall does. */
  dead(address: string): Promise<void>;
  /** Fetches with these DNS replies. @returns The outcome with what `lookup` says. */
  lookUp(
    table: Record<string, FakeReply>,
    options?: Partial<PolicyFetcherOptions> & { readonly domain?: string },
  ): Promise<{
    readonly text: string;
    readonly ms: number;
  }>;
}

/** Starts without any address: connections are refused. */
export function startAddresses(): AddressesWorld {
  const hosts = startPolicyHosts();
  const sockets = new SocketGroup();
  const fillers: Deno.Conn[] = [];
  const dialled: string[] = [];
  const firstDial = Promise.withResolvers<void>();
  const probe = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = probe.addr;
  probe.close();
  const { certPem, keyPem } = createCertificate({
    subject: HOST,
    dns: [HOST, ...MANY.map((domain) => `mta-sts.${domain}`)],
    issuer: hosts.authority,
  });

  function fetcher(options: Partial<PolicyFetcherOptions>): FetchPolicy {
    return createTestFetcher({
      hosts,
      guard: createAddressGuard(["127.0.0.0/8", "::1/128"]),
      ...options,
      direct: {
        relay: hosts.direct.relay,
        dial: ({ address }, signal) => {
          dialled.push(address);
          firstDial.resolve();
          return Deno.connect({ hostname: address, port, signal, autoSelectFamily: false });
        },
      },
    });
  }

  return {
    dialled,
    firstDial: firstDial.promise,
    live(hostname): void {
      const listener = Deno.listenTls({ hostname, port, cert: certPem, key: keyPem });
      sockets.accept(listener, async (conn) => {
        await conn.read(new Uint8Array(65_536));
        await respond(POLICY)(conn, "");
      });
    },
    async dead(hostname): Promise<void> {
      const listener = Deno.listen({ hostname, port, tcpBacklog: 1 });
      fillers.push({ close: () => listener.close() } as Deno.Conn);
      for (let made = 0; made < QUEUE_LENGTH; made++) {
        fillers.push(await Deno.connect({ hostname, port }));
      }
    },
    async lookUp(table, { domain = DOMAIN, ...options } = {}) {
      const timers = new Set<() => void>();
      const real = createClock();
      const clock: Clock = {
        now: real.now,
        setTimer(callback, delay) {
          const cancel = real.setTimer(callback, delay);
          timers.add(cancel);
          return cancel;
        },
      };
      const dns = createFakeDns({
        [`TXT _mta-sts.${domain}`]: ["v=STSv1; id=1;"],
        [`MX ${domain}`]: [{ preference: 10, exchange: "mx.x.test" }],
        ...table,
      }, { clock });
      const start = performance.now();
      const explanation = await explain({ domain, bracketed: false, port: 25 }, {
        config: embeddedDefaults(),
        zone: ZONE,
        network: {
          dns: dns as DnsClient,
          fetchPolicy: fetcher({ lookup: dns.lookup, ...options }),
        },
        clock,
        validates: true,
        cached: { kind: "read", from: "nobody", policy: undefined },
      });
      // What the resolver still has in mind is for queries that do not come.
      for (const cancel of timers) cancel();
      return { text: formatExplanation(explanation), ms: performance.now() - start };
    },
    async [Symbol.asyncDispose](): Promise<void> {
      for (const conn of fillers) conn.close();
      await sockets.close();
      await hosts[Symbol.asyncDispose]();
    },
  };
}

function embeddedDefaults() {
  const { config } = loadConfig({
    readTextFile: () => {
      throw new Deno.errors.NotFound();
    },
    env: () => undefined,
  });
  return config;
}
