/**
 * Addresses of DNS resolvers: the `nameserver` lines of resolv.conf(5), and addresses with a
 * port as in the configuration. It does not read search domains, because we ask for complete names only.
 * The only option that counts is `use-vc`: we have time-outs and an order of our own, always try
 * EDNS (`edns0`), and probe whether the AD bit can be trusted (`trust-ad`).
 *
 * @module
 */

import { isIpv4, isIpv6 } from "../base/host.ts";

/** An address to connect to. */
export interface ServerAddress {
  /** IPv4 or IPv6 text without brackets; a link-local address may carry a zone (`fe80::1%eth0`). */
  readonly hostname: string;
  /** UDP and TCP port, 1 to 65535. */
  readonly port: number;
}

/** DNS resolvers read from resolv.conf. The C library reads no more (MAXNS), and we want to see what Postfix sees. */
const MAX_NAMESERVERS = 3;

const DNS_PORT = 53;

/** The C library asks this DNS resolver if resolv.conf names none. */
const LOCAL_RESOLVER: ServerAddress = { hostname: "127.0.0.1", port: DNS_PORT };

/**
 * Reads the DNS resolvers from the text of resolv.conf.
 *
 * @param text The whole file. As libc does, it skips lines that are not `nameserver` lines or have no IP address.
 * @returns One to three different addresses in the order of the file; 127.0.0.1 if there are none.
 */
export function parseResolvConf(text: string): ServerAddress[] {
  const found = new Map<string, ServerAddress>();
  for (const [, word] of text.matchAll(/^nameserver[ \t]+([^ \t\r\n]+)/gm)) {
    if (found.size === MAX_NAMESERVERS) break;
    if (word === undefined || !(isIpv4(word) || isScopedIpv6(word))) continue;
    found.set(word, { hostname: word, port: DNS_PORT });
  }
  return found.size === 0 ? [LOCAL_RESOLVER] : [...found.values()];
}

/**
 * Reads whether resolv.conf asks for TCP alone (`options use-vc`).
 *
 * @param text The whole file. An option once set stays set, as in libc.
 */
export function parseUsesTcp(text: string): boolean {
  return [...text.matchAll(/^options[ \t]+([^\r\n]*)/gm)]
    .some(([, words = ""]) => words.split(/[ \t]+/).includes("use-vc"));
}

/**
 * Reads the address of a DNS resolver in the form of the configuration.
 *
 * @param text `192.0.2.1:53` or `[2001:db8::1]:53`.
 * @returns `undefined` if it is neither.
 */
export function parseServerAddress(text: string): ServerAddress | undefined {
  const [, v6, v4, digits = ""] = /^(?:\[([^\]]+)\]|([0-9.]+)):([0-9]{1,5})$/.exec(text) ?? [];
  const port = parseInt(digits, 10);
  if (!(port >= 1 && port <= 65535)) return undefined;
  if (v6 !== undefined && isScopedIpv6(v6)) return { hostname: v6, port };
  return v4 !== undefined && isIpv4(v4) ? { hostname: v4, port } : undefined;
}

/** Formats an address as {@link parseServerAddress} reads it, always with its port. */
export function formatServerAddress({ hostname, port }: ServerAddress): string {
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}

/** Tells whether a text is an IPv6 address, with or without a zone (`fe80::1%eth0`, RFC 4007 §11). */
function isScopedIpv6(text: string): boolean {
  return isIpv6(text.replace(/%[0-9A-Za-z]+$/, ""));
}
