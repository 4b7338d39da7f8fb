/**
 * A policy fetcher as tests want it: everything real but the parts they hand in.
 *
 * @module
 */

import { createAddressGuard } from "../../src/base/address_guard.ts";
import { createPolicyFetcher, type PolicyFetcherOptions } from "../../src/https/policy_fetch.ts";
import type { FetchOutcome, FetchPolicy } from "../../src/https/types.ts";
import { createMetrics } from "../../src/base/metrics.ts";
import { createClock } from "../../src/base/clock.ts";
import { createFakeDns, type FakeReply } from "../fakes/fake_dns.ts";
import type { PolicyHosts } from "../fakes/policy_host.ts";

/** Ends a test that hangs, ms; no test waits for it. */
const GENEROUS_MS = 10_000;

/** A public address. Nothing connects to it: the test's client goes to loopback whatever the address. */
export const PUBLIC_ADDRESS = "9.9.9.9";

/** Makes a fetcher with generous limits, for which every policy host has {@link PUBLIC_ADDRESS}. */
export function createTestFetcher(
  { hosts, ...options }: Partial<PolicyFetcherOptions> & {
    readonly hosts: Pick<PolicyHosts, "client" | "direct">;
  },
): FetchPolicy {
  return createPolicyFetcher({
    client: hosts.client,
    direct: hosts.direct,
    lookup: createFakeDns(everyHost([PUBLIC_ADDRESS])).lookup,
    guard: createAddressGuard([]),
    timeout: GENEROUS_MS,
    concurrency: 10,
    perAddress: 10,
    clock: createClock(),
    metrics: createMetrics(),
    ...options,
  });
}

/** A DNS table in which every name has the same A records. */
export function everyHost(addresses: readonly string[]): Record<string, FakeReply> {
  return new Proxy({}, {
    get: (_, question) => String(question).startsWith("A ") ? addresses : undefined,
  });
}

/** An outcome in one line: `fetched` and the size, or the reason and the detail. */
export function describe(outcome: FetchOutcome): string {
  return outcome.kind === "fetched"
    ? `fetched ${outcome.bytes}`
    : `${outcome.reason}: ${outcome.detail}`;
}
