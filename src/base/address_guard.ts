/**
 * Which addresses a policy host may have. Anyone can point `mta-sts.<domain>` at an
 * address of the network we run in, so only addresses of the public Internet are accepted.
 *
 * The ranges are those of the IANA special-purpose registries (RFC 6890) as ipaddr.js knows them. The guard also
 * refuses the IPv6 ranges that this table leaves open. It judges text only: it resolves nothing and connects to nothing.
 *
 * @module
 */

import ipaddr from "ipaddr.js";
import { isCidr, isIpv4, isIpv6 } from "./host.ts";

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** Judges an address: `undefined` if it is acceptable, else the name of the refused range. */
export type AddressGuard = (address: string) => string | undefined;

/**
 * Ranges of our own network and of this machine. If a policy host has such an address, the guard's caller refuses
 * the host as a whole, even if another address is public. The other ranges hold no host, or none of ours.
 */
const OWN_SIDE: readonly string[] = [
  "unspecified",
  "loopback",
  "private",
  "link-local",
  "carrier-grade-nat",
  "unique-local",
  "deprecated-site-local",
  "ipv4-mapped",
];

/** IANA allocates IPv6 unicast from this block alone. Other blocks, such as `::/96` with an IPv4 address inside, have no host. */
const GLOBAL_UNICAST: [ipaddr.IPv6, number] = [ipaddr.IPv6.parse("2000::"), 3];

/**
 * Creates a guard.
 *
 * @param allowed Ranges in CIDR notation that are acceptable although they are not public.
 * @throws {RangeError} If one of them is not in CIDR notation; the message names it.
 */
export function createAddressGuard(allowed: readonly string[]): AddressGuard {
  const ranges = allowed.map((text) => {
    if (!isCidr(text)) throw new RangeError(`Address range is not in CIDR notation: "${text}"`);
    return ipaddr.parseCIDR(text);
  });
  const judge = (address: Address): string | undefined => {
    const isAllowed = ranges.some(([network, bits]) =>
      network.kind() === address.kind() && address.match(network, bits)
    );
    if (isAllowed) return undefined;
    if (address instanceof ipaddr.IPv4) return refusedIpv4(address);
    const inner = embeddedIpv4(address);
    if (inner === undefined) return refusedIpv6(address);
    const range = judge(inner);
    return range === undefined ? undefined : `${rangeName(address.range())} of ${range}`;
  };
  return (text) => isIpv4(text) || isIpv6(text) ? judge(ipaddr.parse(text)) : "not an address";
}

/**
 * Whether a range that a guard has named is on our own side: this machine or the network around it.
 * A transition address counts by the address inside it (`nat64 of private`).
 */
export function isOwnSide(range: string): boolean {
  return OWN_SIDE.includes(range.split(" of ").at(-1) ?? range);
}

function refusedIpv4(address: ipaddr.IPv4): string | undefined {
  const range = address.range();
  return range === "unicast" ? undefined : rangeName(range);
}

function refusedIpv6(address: ipaddr.IPv6): string | undefined {
  const range = address.range();
  if (range !== "unicast") return rangeName(range);
  return address.match(GLOBAL_UNICAST) ? undefined : "reserved";
}

/**
 * The IPv4 address inside a transition address that a policy host may have: NAT64 (RFC 6052 §2.1,
 * which DNS64 makes from a public A record) and 6to4 (RFC 3056 §2).
 *
 * All other transition addresses are refused, whatever is inside. IPv4-mapped and IPv4-translated
 * addresses never appear in DNS. Teredo has no servers. Each network decides for itself where its
 * local-use NAT64 prefix (RFC 8215) holds the IPv4 address.
 */
function embeddedIpv4(address: ipaddr.IPv6): ipaddr.IPv4 | undefined {
  const bytes = address.toByteArray();
  const range = address.range();
  if (range === "rfc6052" && address.parts[2] === 0) return new ipaddr.IPv4(bytes.slice(12));
  return range === "6to4" ? new ipaddr.IPv4(bytes.slice(2, 6)) : undefined;
}

/** The name of a range as people write it: `carrierGradeNat` is `carrier-grade-nat`. */
function rangeName(range: string): string {
  if (range === "rfc6052") return "nat64";
  if (range === "rfc6145") return "ipv4-translated";
  return range.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
