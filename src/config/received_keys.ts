/**
 * The keys about the TLS reports that others send (RFC 8460): which are kept, how they come in, and for how long.
 *
 * @module
 */

import { ENDPOINT_FORM, formatEndpoint, isAbsolutePath, parseEndpoint } from "../base/address.ts";
import { choice, count, list, section, text } from "./kinds.ts";
import { parseDomainPattern } from "./report_keys.ts";

/** A segment of a path without percent signs (RFC 3986 §3.3), so that it is written in one way only. */
const TOKEN = /^[A-Za-z0-9._~-]{1,128}$/;

const PATH = {
  parse: (value: string) => isAbsolutePath(value) ? value : undefined,
  allowed: "an absolute path",
};

const ENDPOINTS = {
  parse: parseEndpoint,
  format: formatEndpoint,
  allowed: ENDPOINT_FORM,
  default: [],
};

const RECEIVED_VALUES = {
  domains: list({
    parse: parseDomainPattern,
    allowed: 'a domain such as "example.com" or "*.example.com"',
    default: [],
    text:
      "The domains whose reports are kept. `*.` before a domain stands for all names below it. Reports about MX hosts of these domains count too.",
  }),
  maildir: text({
    ...PATH,
    text:
      "The Maildir that the mail server delivers reports to. Mail that has been read moves from `new` to `cur`, and is never removed.",
  }),
  listen: list({
    ...ENDPOINTS,
    text:
      "The sockets that accept posted reports. TCP sockets speak HTTPS if `certs` is set. Otherwise, and on UNIX sockets, they speak HTTP, for a web server in front.",
  }),
  certs: text({
    ...PATH,
    text:
      "The directory with `fullchain.pem` and `privkey.pem` for `listen`. Certbot uses these names. Renewed files are used without a restart.",
  }),
  token: text({
    parse: (value) => TOKEN.test(value) ? value : undefined,
    allowed: "1 to 128 letters, digits, dots, hyphens, underscores and tildes",
    text:
      "The path that reports are posted to: `rua=https://HOST/TOKEN`. Anybody can read it in DNS, so it only keeps out scanners.",
  }),
  unsigned: choice({
    words: ["mark", "refuse"],
    default: "mark",
    text:
      "Whether unsigned reports, as over HTTPS, are marked or refused. Mail without a valid signature is always refused.",
  }),
  file: text({
    ...PATH,
    text: "Where reports are kept. By default, `received.db` in the state directory.",
  }),
  http: list({
    ...ENDPOINTS,
    text: "The sockets that serve the page, metrics and health of the receiver.",
  }),
  keep_days: count({
    range: [30, 4_000],
    default: 400,
    text: "For how many days counts are kept. Older reports are refused.",
  }),
};

/** The section about received TLS reports. */
export const RECEIVED_KEYS = {
  received: section({
    keys: RECEIVED_VALUES,
    text:
      "The TLS reports that others send about your domains (`report receive`). Off unless `domains` is set.",
  }),
};
