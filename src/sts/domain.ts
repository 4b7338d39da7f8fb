/**
 * Names: the key of a query becomes the policy domain (RFC 8461 §3.4). The policy domain becomes
 * the names of its TXT record (§3.1) and its policy host (§3.3).
 *
 * Postfix sends the next hop as it is in the envelope or the transport table: case not
 * folded, internationalized names as U-labels, brackets and port included. Whatever a key
 * holds, the domain that leaves this file consists of letters, digits, hyphens, underscores
 * and dots. No host name has an underscore, but Postfix delivers to domains that do.
 * Nothing here walks up to a parent domain: a policy never covers a subdomain (§3.4).
 *
 * @module
 */

import { isDomainName, isHostname, isIpv4, isIpv6, NAME_MAX_LENGTH } from "../base/host.ts";

/** The server that Postfix is about to connect to, as it names it in a query. */
export interface NextHop {
  /** The policy domain: lower-case A-labels, two or more, without the final dot. */
  readonly domain: string;
  /** `[host]`: the host itself is the next hop, there is no MX lookup. */
  readonly bracketed: boolean;
  /** 25 if the key names none; `null` if it names a service whose port is not known here. */
  readonly port: number | null;
}

/** What a key means. Only a next hop can have a policy. */
export type KeyReading =
  | { readonly kind: "next-hop"; readonly nextHop: NextHop }
  /** `.example.com`: Postfix asks for the parent domains in turn. */
  | { readonly kind: "parent" }
  /** An IPv4 or IPv6 address, which has no policy. */
  | { readonly kind: "address" }
  /** No domain that could have a policy. `reason` is a constant text. */
  | { readonly kind: "invalid"; readonly reason: string };

/**
 * The longest key that is read, in UTF-16 units. It is several times a name of 253 octets with brackets and
 * port, because U-labels may hold characters that vanish in the A-label. It is short enough that the quadratic
 * cost of punycode does not show.
 */
const KEY_MAX_LENGTH = 1000;

const TXT_LABEL = "_mta-sts.";
const POLICY_HOST_LABEL = "mta-sts.";

/** Where the policy host has the policy file (RFC 8461 §3.3). */
export const POLICY_PATH = "/.well-known/mta-sts.txt";

const SMTP_PORT = 25;

/**
 * Services that a mail transport names, with their ports: those of Postfix's `known_tcp_ports` and their other
 * names in /etc/services. That file is not read, because Postfix's own copy counts, which may be in a chroot
 * or on another machine. For a service that is not here, the owner name of the TLSA records is unknown.
 */
const SERVICE_PORTS: ReadonlyMap<string, number> = new Map([
  ["lmtp", 24],
  ["smtp", SMTP_PORT],
  ["mail", SMTP_PORT],
  ["smtps", 465],
  ["ssmtp", 465],
  ["urd", 465],
  ["submissions", 465],
  ["submission", 587],
]);

/** Letters, digits, hyphens, underscores and dots, or anything outside ASCII, on which UTS-46 decides. */
const CONVERTIBLE = /^[A-Za-z0-9_.\-\P{ASCII}]+$/u;

const A_LABEL_PREFIX = /(?:^|\.)xn--/i;

/**
 * Reads the key of a query (RFC 8461 §3.4).
 *
 * @example The forms of a next hop
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(readKey("Bücher.example:587"), {
 *   kind: "next-hop",
 *   nextHop: { domain: "xn--bcher-kva.example", bracketed: false, port: 587 },
 * });
 * assertEquals(readKey("[192.0.2.1]"), { kind: "address" });
 * assertEquals(readKey(".example.com"), { kind: "parent" });
 * ```
 * @param key Any string. The forms that can have a policy are `domain`, `domain:port`, `[host]`
 *   and `[host]:port`, in any case, with U-labels or A-labels, with or without one final dot.
 * @returns Never throws.
 */
export function readKey(key: string): KeyReading {
  if (key.length > KEY_MAX_LENGTH) return invalid("name too long");
  if (key.startsWith(".")) return { kind: "parent" };
  const parts = splitKey(key);
  if (parts === undefined) return isIpv6(key) ? { kind: "address" } : invalid("malformed next hop");

  const host = readHost(parts.host);
  if (host.kind !== "name") return host;
  const port = parts.service === undefined ? SMTP_PORT : readPort(parts.service);
  if (port === undefined) return invalid("malformed port");
  if (!host.name.includes(".")) return invalid("single label");
  if (txtName(host.name).length > NAME_MAX_LENGTH) return invalid("name too long");
  return {
    kind: "next-hop",
    nextHop: { domain: host.name, bracketed: parts.bracketed, port },
  };
}

/**
 * Prints a next hop as Postfix does, without the default port: `example.com`, `example.com:587`,
 * `[host]:587`. An unknown service prints as `?`, so that different ports stay apart.
 */
export function formatNextHop(nextHop: NextHop): string {
  const host = nextHop.bracketed ? `[${nextHop.domain}]` : nextHop.domain;
  return nextHop.port === SMTP_PORT ? host : `${host}:${nextHop.port ?? "?"}`;
}

/** The name of the HTTPS server with the policy file (RFC 8461 §3.3). */
export function policyHost(domain: string): string {
  return POLICY_HOST_LABEL + domain;
}

/** The address of the policy file (RFC 8461 §3.3). */
export function policyUrl(domain: string): string {
  return `https://${policyHost(domain)}${POLICY_PATH}`;
}

/** The owner name of the TXT record (RFC 8461 §3.1). */
export function txtName(domain: string): string {
  return TXT_LABEL + domain;
}

/**
 * Converts a host name as people type it, with U-labels or A-labels, in any case, with or
 * without one final dot.
 *
 * @returns The name in lower-case A-labels without the final dot; `undefined` if it is no host
 *   name. An address is none.
 */
export function toALabel(host: string): string | undefined {
  const name = toDomainName(host);
  return name !== undefined && isHostname(name) ? name : undefined;
}

/** As {@link toALabel}, but for any name that Postfix delivers to; see {@link isDomainName}. */
export function toDomainName(domain: string): string | undefined {
  const host = domain.length > KEY_MAX_LENGTH ? invalid("name too long") : readHost(domain);
  return host.kind === "name" ? host.name : undefined;
}

type HostReading =
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "address" }
  | { readonly kind: "invalid"; readonly reason: string };

function invalid(reason: string): { readonly kind: "invalid"; readonly reason: string } {
  return { kind: "invalid", reason };
}

function splitKey(
  key: string,
): { host: string; bracketed: boolean; service: string | undefined } | undefined {
  const bracketed = key.startsWith("[");
  const form = bracketed ? /^\[([^[\]]*)\](?::([^:]*))?$/ : /^([^:[\]]*)(?::([^:]*))?$/;
  const [, host, service] = form.exec(key) ?? [];
  return host === undefined ? undefined : { host, bracketed, service };
}

function readHost(text: string): HostReading {
  if (text === "") return invalid("empty name");
  if (text.includes(":")) {
    const address = text.replace(/^IPv6:/i, "");
    return isIpv6(address) ? { kind: "address" } : invalid("malformed address");
  }
  const ascii = toAscii(text);
  if (ascii === undefined) return invalid("not a host name");
  if (isIpv4(ascii)) return { kind: "address" };
  const name = ascii.endsWith(".") ? ascii.slice(0, -1) : ascii;
  return isDomainName(name) ? { kind: "name", name } : invalid("not a host name");
}

/**
 * Converts by UTS-46 with the URL parser, which needs no package. The parser also decodes percent
 * signs, drops tabs, stops at `/?#@:` and evaluates numbers. So none of those characters gets that
 * far, and a name that ends in a number comes back as a dotted quad. Postfix's own conversion maps
 * and drops the same characters as UTS-46, so the result is where the mail goes. A name that no URL
 * can carry has no policy, because its file could not be fetched.
 */
function toAscii(name: string): string | undefined {
  if (isDomainName(name) && !A_LABEL_PREFIX.test(name)) return name.toLowerCase();
  if (!CONVERTIBLE.test(name)) return undefined;
  return URL.parse(`http://${name}/`)?.hostname;
}

/** A port number, `null` for a service not known here, `undefined` for what is neither. */
function readPort(service: string): number | null | undefined {
  if (/^[0-9]+$/.test(service)) {
    const port = parseInt(service, 10);
    return port >= 1 && port <= 65535 ? port : undefined;
  }
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/.test(service)) return undefined;
  return SERVICE_PORTS.get(service.toLowerCase()) ?? null;
}
