/**
 * The keys about the network: DNS, and fetching policies over HTTPS.
 *
 * @module
 */

import { parseNameServer } from "../base/address.ts";
import { isCidr } from "../base/host.ts";
import { count, file, list, seconds, section, text } from "./kinds.ts";

const DNS_KEYS = {
  servers: list({
    parse: parseNameServer,
    allowed: 'the address of a name server such as "127.0.0.1" or "[::1]:5353"',
    default: [],
    text: "The DNS resolvers to ask, most preferred first. By default, those in /etc/resolv.conf.",
  }),
  timeout: seconds({
    range: [0.1, 30],
    default: 5,
    text:
      "The time limit for one question to one DNS resolver. A longer one would use up the time of a query.",
  }),
  dnssec_probe: text({
    parse: parseProbe,
    allowed: 'a record type and a signed name such as "ns:."',
    default: "ns:.",
    text:
      "What to ask at start-up to learn whether a DNS resolver validates DNSSEC. The form is that of dnssec_probe in postconf(5).",
  }),
};

const TLS_KEYS = {
  ca: file({
    words: ["mozilla", "system"],
    default: "system",
    text:
      "The certification authorities that policy hosts may use. `mozilla` stands for the built-in Mozilla set, `system` for those of the operating system. Otherwise, a PEM file.",
  }),
};

const HTTPS_KEYS = {
  timeout: seconds({
    range: [1, 60],
    default: 20,
    text:
      "The time limit for fetching one policy, from DNS to the last byte. RFC 8461 §3.3 suggests one minute at most.",
  }),
  concurrency: count({
    range: [1, 1_000],
    default: 20,
    text:
      "How many policies are fetched at the same time. The runtime has 32 threads for connecting by name and for using files.",
  }),
  per_address: count({
    range: [1, 1_000],
    default: 8,
    text: "How many policies are fetched from one address at the same time.",
  }),
  proxy: text({
    parse: parseProxy,
    allowed: 'a URL such as "http://proxy.example:3128"',
    text:
      "The HTTP or SOCKS5 proxy through which policies are fetched. Proxy settings in the environment are ignored.",
  }),
};

/** Keys at the top of the file about the network. */
export const NETWORK_KEYS = {
  dns: section({ keys: DNS_KEYS, text: "Name resolution." }),
  tls: section({ keys: TLS_KEYS, text: "How certificates of policy hosts are verified." }),
  https: section({ keys: HTTPS_KEYS, text: "How policies are fetched." }),
  allow_private: list({
    parse: (value) => isCidr(value) ? value : undefined,
    allowed: 'an address range such as "10.0.0.0/8"',
    default: [],
    text:
      "Private or special address ranges in which policy hosts are accepted. By default, only public addresses are.",
  }),
};

function parseProbe(text: string): string | undefined {
  const form = /^(?:a|aaaa|cname|mx|ns|tlsa|txt):(?:\.|[A-Za-z0-9_][A-Za-z0-9_.-]{0,253})$/i;
  return form.test(text) ? text : undefined;
}

function parseProxy(text: string): string | undefined {
  return /^(?:https?|socks5):\/\/[^\p{C}\p{Z}]+$/u.test(text) && URL.canParse(text)
    ? text
    : undefined;
}
