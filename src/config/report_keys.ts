/**
 * The keys about TLS reports (RFC 8460): what is collected, who reports, and where reports go.
 *
 * @module
 */

import {
  type Endpoint,
  ENDPOINT_FORM,
  formatEndpoint,
  isAbsolutePath,
  parseEndpoint,
} from "../base/address.ts";
import { toALabel, toDomainName } from "../sts/domain.ts";
import { count, fileMode, flag, list, seconds, section, text } from "./kinds.ts";

/** Standard input, which is a socket of systemd, or a socket of our own. */
export type CollectAddress = { readonly kind: "stdin" } | Extract<Endpoint, { kind: "unix" }>;

/** Dot-atom of RFC 5322 §3.2.3. */
const LOCAL_PART = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/;

/** RFC 6376 §3.1: sub-domains of letters, digits and hyphens. */
const SELECTOR = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/;

const DKIM_KEYS = {
  selector: text({
    parse: (value) => SELECTOR.test(value) ? value : undefined,
    allowed: "a label of letters, digits and hyphens",
    text: "The selector: the key is published at SELECTOR._domainkey.DOMAIN.",
  }),
  key_file: text({
    parse: (value) => isAbsolutePath(value) ? value : undefined,
    allowed: "an absolute path",
    text:
      "The private key, as `report key` makes it. Only the report daemon must be able to read it.",
  }),
  milter: flag({
    default: false,
    text: "Let the mail server sign instead. Send yourself a report to see that it does.",
  }),
};

const REPORT_KEYS = {
  collect: text({
    parse: parseCollect,
    format: (address) => address.kind === "stdin" ? "stdin" : formatEndpoint(address),
    allowed: 'an address such as "unix:/var/spool/postfix/mta-sts/tlsrpt.sock", or stdin',
    text:
      "The socket for Postfix's datagrams about TLS sessions. `stdin` means the socket of the socket unit.",
  }),
  socket_mode: fileMode({
    default: "0660",
    text:
      "The permissions of the sockets in `collect` and `feed`. Whoever may write there can invent sessions.",
  }),
  feed: text({
    parse: parseUnixEndpoint,
    format: formatEndpoint,
    allowed: 'an address such as "unix:/run/mta-sts-resolver/report.sock"',
    text: "The socket where `serve` reports what only it sees, such as failed fetches.",
  }),
  http: list({
    parse: parseEndpoint,
    format: formatEndpoint,
    allowed: ENDPOINT_FORM,
    default: [],
    text: "The sockets that serve a page, metrics and health of the report daemon.",
  }),
  file: text({
    parse: (value) => isAbsolutePath(value) ? value : undefined,
    allowed: "an absolute path",
    text: "Where counts and deliveries are kept. By default, `reports.db` in the state directory.",
  }),
  organization: text({
    parse: (value) => /^[ -~]{1,200}$/.test(value) ? value : undefined,
    allowed: "1 to 200 printable ASCII characters",
    text: "Who reports. Without it and `contact`, sessions are counted but nothing is sent.",
  }),
  contact: text({
    parse: parseContact,
    allowed: 'an address such as "tls-reports@example.com"',
    text: "The sender address of the reports, which gets the bounces. Its domain signs them.",
  }),
  dkim: section({
    keys: DKIM_KEYS,
    text: "How report mail is signed. Receivers ignore mail without a signature.",
  }),
  smtp: text({
    parse: parseInetOrOff,
    format: (value) => value === "off" ? "off" : formatEndpoint(value),
    allowed: 'an address such as "127.0.0.1:25", or off',
    default: "127.0.0.1:25",
    text: "The mail server that takes report mail. `off` sends none.",
  }),
  https: flag({
    default: true,
    text: "Also post reports to HTTPS addresses.",
  }),
  window: seconds({
    range: [0, 43_200],
    default: 14_400,
    text: "The time after midnight (UTC) over which the reports of a day are spread.",
  }),
  exclude: list({
    parse: parseDomainPattern,
    allowed: 'a domain such as "example.com" or "*.example.com"',
    default: [],
    text: "Domains that get no report.",
  }),
  deny_recipients: list({
    parse: parseDomainPattern,
    allowed: 'a domain such as "example.com" or "*.example.com"',
    default: [],
    text:
      "Domains and hosts to which no report is sent, whoever names them. Put internal ones here.",
  }),
  per_destination: count({
    range: [1, 1_000_000],
    default: 10_000,
    text: "How many reports a day one mail domain or host gets at most.",
  }),
  keep_days: count({
    range: [2, 400],
    default: 7,
    text: "For how many days counts and deliveries are kept.",
  }),
};

/** The section about TLS reports. */
export const TLSRPT_KEYS = {
  report: section({
    keys: REPORT_KEYS,
    text: "TLS reports to other domains (`report serve`). Off unless `collect` or `feed` is set.",
  }),
};

function parseCollect(value: string): CollectAddress | undefined {
  return value === "stdin" ? { kind: "stdin" } : parseUnixEndpoint(value);
}

function parseUnixEndpoint(value: string): Extract<Endpoint, { kind: "unix" }> | undefined {
  const endpoint = parseEndpoint(value);
  return endpoint?.kind === "unix" ? endpoint : undefined;
}

function parseInetOrOff(value: string): Extract<Endpoint, { kind: "inet" }> | "off" | undefined {
  if (value === "off") return "off";
  const endpoint = parseEndpoint(value);
  return endpoint?.kind === "inet" ? endpoint : undefined;
}

/** Puts the domain into lower-case A-labels. */
function parseContact(value: string): string | undefined {
  const at = value.lastIndexOf("@");
  const domain = toALabel(value.slice(at + 1));
  const local = value.slice(0, Math.max(at, 0));
  if (domain === undefined || !domain.includes(".")) return undefined;
  return local.length <= 64 && LOCAL_PART.test(local) ? `${local}@${domain}` : undefined;
}

/** Reads a domain, or `*.` and a domain. @returns Lower-case A-labels; `undefined` if it is neither. */
export function parseDomainPattern(value: string): string | undefined {
  const isWild = value.startsWith("*.");
  const domain = toDomainName(isWild ? value.slice(2) : value);
  return domain === undefined ? undefined : isWild ? `*.${domain}` : domain;
}
