/**
 * Postfix's main.cf as far as it decides what becomes of our answers: the lines that belong together, and
 * what is wrong if one of them is missing. `master.cf` may override any of them; it is not read.
 *
 * @module
 */

import { type Endpoint, formatEndpoint } from "../base/address.ts";
import { quoteRemote } from "../base/quote_text.ts";

/** The parameters of a main.cf by their names. */
export type MainCf = ReadonlyMap<string, string>;

/** A remark on main.cf, in one line. */
export interface MainCfRemark {
  /** `warning`: policies go unused or mail waits for no good reason; `note`: it works, but could be better. */
  readonly kind: "ok" | "note" | "warning";
  /** One line, fit to print. */
  readonly text: string;
}

/** What {@link judgeMainCf} compares with. */
export interface MainCfOptions {
  /** Where the daemon answers queries. */
  readonly listen: readonly Endpoint[];
  /** Whether `dane-only` is ever answered: `dane` is not `off` in every zone. */
  readonly dane: boolean;
}

/** References within references that are followed, as in Postfix's own files. */
const MAX_DEPTH = 10;

/** What a level means for mail to a domain for which the answer is NOTFOUND. */
const LEVELS: Readonly<Record<string, MainCfRemark>> = {
  "dane": {
    kind: "ok",
    text: "dane: a domain without policy gets DANE if it has it, else TLS if it is offered",
  },
  "may": {
    kind: "note",
    text:
      "may: a domain without policy gets TLS if it is offered, and DANE is not used; 'dane' is better",
  },
  "encrypt": {
    kind: "note",
    text: "encrypt: mail to a domain without policy waits if TLS is not offered there",
  },
  "dane-only": {
    kind: "warning",
    text: "dane-only: mail to every domain with neither policy nor DANE waits: use 'dane'",
  },
  "verify": {
    kind: "warning",
    text:
      "verify: mail to a domain without policy waits if its certificate is not valid: use 'dane'",
  },
  "secure": {
    kind: "warning",
    text:
      "secure: mail to a domain without policy waits if its certificate is not valid: use 'dane'",
  },
  "none": {
    kind: "note",
    text: "none: mail to a domain without policy leaves in the clear; 'dane' is better",
  },
};

/** The lines to compare with, for a reader whose main.cf cannot be read. */
export function formatMainCf({ listen, dane }: MainCfOptions): readonly string[] {
  const [address] = listen;
  const map = address === undefined ? "…" : `${formatEndpoint(address)}:postfix`;
  return [
    `smtp_tls_policy_maps = socketmap:${map}`,
    "smtp_tls_security_level = dane",
    ...dane ? ["smtp_dns_support_level = dnssec"] : [],
    "smtp_tls_CAfile = /etc/ssl/certs/ca-certificates.crt",
  ];
}

/**
 * Reads a main.cf as postconf(5) describes it: comments, continued lines, and the last of several values.
 *
 * @returns The values with their references (`$name`, `${name}`, `$(name)`) replaced. A reference to what
 * is not set becomes nothing.
 */
export function parseMainCf(text: string): MainCf {
  const raw = new Map<string, string>();
  const lines = text.split("\n").filter((line) => !/^[ \t\r]*(?:#|$)/.test(line));
  const logical = lines.reduce<string[]>((all, line) => {
    if (/^[ \t]/.test(line) && all.length > 0) all.push(`${all.pop()} ${line}`);
    else all.push(line);
    return all;
  }, []);
  for (const line of logical) {
    const [, name, value] = /^([A-Za-z0-9_]+)[ \t]*=([^]*)$/.exec(line) ?? [];
    if (name !== undefined) raw.set(name, trimBlanks(value!));
  }
  return new Map([...raw].map(([name, value]) => [name, expand(value, raw)]));
}

function trimBlanks(text: string): string {
  return text.replace(/^[ \t\r]+/, "").replace(/[ \t\r]+$/, "").replace(/[ \t\r]+/g, " ");
}

function expand(value: string, raw: ReadonlyMap<string, string>, depth = 0): string {
  if (depth >= MAX_DEPTH) return value;
  return value.replaceAll(
    /\$(?:([A-Za-z0-9_]+)|\{([A-Za-z0-9_]+)\}|\(([A-Za-z0-9_]+)\))/g,
    (_, bare, braced, round) => expand(raw.get(bare ?? braced ?? round) ?? "", raw, depth + 1),
  );
}

/** Compares a main.cf with what our answers need. */
export function judgeMainCf(mainCf: MainCf, options: MainCfOptions): MainCfRemark[] {
  return [
    judgeMaps(mainCf, options),
    judgeLevel(mainCf),
    judgeDnssec(mainCf, options),
    judgeAuthorities(mainCf),
  ];
}

function judgeMaps(mainCf: MainCf, options: MainCfOptions): MainCfRemark {
  const maps = mainCf.get("smtp_tls_policy_maps") ?? "";
  const [wanted] = formatMainCf(options);
  const names = maps.split(/[ ,]+/).filter((map) => map.includes("socketmap:"));
  if (names.length === 0) {
    return {
      kind: "warning",
      text: `smtp_tls_policy_maps does not name the daemon: add '${wanted}'`,
    };
  }
  const found = names.find((map) => options.listen.some((address) => leadsTo(map, address)));
  if (found !== undefined) {
    return { kind: "ok", text: `smtp_tls_policy_maps: ${quoteRemote(found)}` };
  }
  const shown = quoteRemote(names.join(" "));
  return {
    kind: "warning",
    text: `smtp_tls_policy_maps leads elsewhere than 'listen' in our configuration: ${shown}`,
  };
}

/** A path without a leading slash is relative to the queue directory, which we do not know. */
function leadsTo(map: string, address: Endpoint): boolean {
  if (address.kind === "inet") return map.includes(`socketmap:${formatEndpoint(address)}:`);
  const [, path] = /socketmap:unix:([^:]+):/.exec(map) ?? [];
  return path !== undefined && (address.path === path || address.path.endsWith(`/${path}`));
}

function judgeLevel(mainCf: MainCf): MainCfRemark {
  const level = (mainCf.get("smtp_tls_security_level") ?? "").toLowerCase();
  const remark = LEVELS[level === "" ? "none" : level];
  const name = "smtp_tls_security_level";
  if (level === "") {
    return {
      kind: "note",
      text: `${name} is not set: mail without policy leaves in the clear; set 'dane'`,
    };
  }
  if (remark === undefined) {
    return { kind: "warning", text: `${name}: not a level for all domains: ${quoteRemote(level)}` };
  }
  return { kind: remark.kind, text: `${name} = ${remark.text}` };
}

function judgeDnssec(mainCf: MainCf, { dane }: MainCfOptions): MainCfRemark {
  const set = mainCf.get("smtp_dns_support_level")?.toLowerCase() === "dnssec";
  if (set) return { kind: "ok", text: "smtp_dns_support_level = dnssec" };
  if (dane) {
    return {
      kind: "warning",
      text:
        "smtp_dns_support_level is not 'dnssec': mail to a domain with DANE waits ('dane-only configured " +
        "with dnssec lookups disabled'): set it, or 'default_zone: { dane: off }' in our configuration",
    };
  }
  return { kind: "ok", text: "smtp_dns_support_level is not needed: 'dane' is off" };
}

function judgeAuthorities(mainCf: MainCf): MainCfRemark {
  for (const name of ["smtp_tls_CAfile", "smtp_tls_CApath"]) {
    const value = mainCf.get(name) ?? "";
    if (value !== "") return { kind: "ok", text: `${name} = ${quoteRemote(value)}` };
  }
  const text =
    "neither smtp_tls_CAfile nor smtp_tls_CApath is set: mail under a policy waits ('Server " +
    "certificate not verified'): set smtp_tls_CAfile";
  return { kind: "warning", text };
}
