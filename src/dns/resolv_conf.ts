/**
 * Where the DNS resolvers are: the `nameserver` lines of resolv.conf(5), and addresses with a
 * port as in the configuration. Search domains are not read, because every name asked here is
 * complete. The only option that counts is `use-vc`: time-outs and order are our own, EDNS
 * (`edns0`) is always tried, and a probe shows whether the AD bit can be trusted (`trust-ad`).
 *
 * @module
 */

import { isIpv4, isIpv6 } from "../base/host.ts";

/** An address to connect to. */
export interface ServerAddress {
  /** IPv4 or IPv6 text without brackets; a link-local address may carry a zone (`fe80::1%eth0`). */
  readonly hostname: string;
  readonly port: number;
}

/** Resolvers taken from resolv.conf. The C library reads no more (MAXNS), and we want to see what Postfix sees. */
const MAX_NAMESERVERS = 3;

const DNS_PORT = 53;

/** The C library asks this resolver if resolv.conf names none. */
const LOCAL_RESOLVER: ServerAddress = { hostname: "127.0.0.1", port: DNS_PORT };

/**
 * Reads the resolvers from the text of resolv.conf.
 *
 * @param text The whole file. Lines that are no `nameserver` line or name no IP address are passed over, as libc does.
 * @returns One to three addresses in the file's order, without repetitions; 127.0.0.1 if there are none.
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
 * Reads whether resolv.conf wants TCP alone (`options use-vc`).
 *
 * @param text The whole file. An option once set stays set, as in libc.
 */
export function parseUsesTcp(text: string): boolean {
  return [...text.matchAll(/^options[ \t]+([^\r\n]*)/gm)]
    .some(([, words = ""]) => words.split(/[ \t]+/).includes("use-vc"));
}

/**
 * Reads a resolver's address as the configuration has it.
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

/** Prints an address as {@link parseServerAddress} reads it, always with its port. */
export function formatServerAddress({ hostname, port }: ServerAddress): string {
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}

/** Whether a text is an IPv6 address, with or without a zone (`fe80::1%eth0`, RFC 4007 §11). */
function isScopedIpv6(text: string): boolean {
  return isIpv6(text.replace(/%[0-9A-Za-z]+$/, ""));
}
