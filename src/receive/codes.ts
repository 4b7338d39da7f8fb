/**
 * Words of closed lists as the small numbers that the file has for them, and networks as numbers.
 *
 * A list may grow at its end; nothing else of it ever changes, because files have the numbers.
 *
 * @module
 */

import ipaddr from "ipaddr.js";
import type { ResultType } from "../tlsrpt/result_type.ts";
import type { OutcomeRow, Way } from "./types.ts";

const POLICIES: readonly OutcomeRow["policy"][] = ["unknown", "sts", "tlsa", "no-policy-found"];

const WAYS: readonly Way[] = ["mail", "https", "file"];

const RESULTS: readonly (ResultType | "unknown")[] = [
  "unknown",
  "starttls-not-supported",
  "certificate-host-mismatch",
  "certificate-expired",
  "certificate-not-trusted",
  "validation-failure",
  "tlsa-invalid",
  "dnssec-invalid",
  "dane-required",
  "sts-policy-fetch-error",
  "sts-policy-invalid",
  "sts-webpki-invalid",
];

/** Bits of the network of an IPv4 sender that are kept: which site it is, not which host. */
const IPV4_BITS = 24;

/** Bits of the network of an IPv6 sender that are kept. */
const IPV6_BITS = 48;

/** Numbers from here on are IPv6 networks; below are IPv4 networks plus 1, and 0 is none. */
const IPV6_BASE = 2 ** IPV6_BITS;

/** The number of a kind of policy. */
export function policyCode(policy: OutcomeRow["policy"]): number {
  return POLICIES.indexOf(policy);
}

/** The kind of policy of a number; `unknown` for one that is none. */
export function policyOf(code: unknown): OutcomeRow["policy"] {
  return typeof code === "number" ? POLICIES[code] ?? "unknown" : "unknown";
}

/** The number of a result. */
export function resultCode(result: ResultType | "unknown"): number {
  return RESULTS.indexOf(result);
}

/** The result of a number; `unknown` for one that is none. */
export function resultOf(code: unknown): ResultType | "unknown" {
  return typeof code === "number" ? RESULTS[code] ?? "unknown" : "unknown";
}

/** The number of a way. */
export function wayCode(way: Way): number {
  return WAYS.indexOf(way);
}

/** The way of a number; `file` for one that is none. */
export function wayOf(code: unknown): Way {
  return typeof code === "number" ? WAYS[code] ?? "file" : "file";
}

/** The network of an address, as a number below 2^53; 0 if there is no address. */
export function networkCode(address: string | undefined): number {
  if (address === undefined || !ipaddr.isValid(address)) return 0;
  const parsed = ipaddr.process(address);
  const isIpv4 = parsed instanceof ipaddr.IPv4;
  const octets = parsed.toByteArray().slice(0, (isIpv4 ? IPV4_BITS : IPV6_BITS) / 8);
  const value = octets.reduce((sum, octet) => sum * 256 + octet, 0);
  return isIpv4 ? value + 1 : IPV6_BASE + value;
}

/** The network of a number, such as `192.0.2.0/24`; empty for 0 and for a number that is none. */
export function networkOf(code: unknown): string {
  if (typeof code !== "number" || !Number.isSafeInteger(code) || code <= 0) return "";
  if (code <= 2 ** IPV4_BITS) {
    return `${ipaddr.fromByteArray([...octetsOf(code - 1, IPV4_BITS), 0])}/${IPV4_BITS}`;
  }
  if (code < IPV6_BASE || code >= IPV6_BASE * 2) return "";
  const octets = [...octetsOf(code - IPV6_BASE, IPV6_BITS), ...new Array<number>(10).fill(0)];
  return `${ipaddr.fromByteArray(octets)}/${IPV6_BITS}`;
}

function octetsOf(value: number, bits: number): number[] {
  const octets: number[] = [];
  for (let shift = bits - 8; shift >= 0; shift -= 8) {
    octets.push(Math.floor(value / 2 ** shift) % 256);
  }
  return octets;
}
