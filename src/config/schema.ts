/**
 * Every key of the configuration file: kind, bounds, default and meaning, each in one place.
 * The file is checked by it, and manual page, table and `config show` are made from it.
 *
 * Units are those of the file: durations in seconds. Bounds are there to catch slips of the
 * pen (milliseconds, missing digits); each text gives the reason where it is not obvious.
 *
 * @module
 */

import * as v from "valibot";
import { type Endpoint, ENDPOINT_FORM, isCidr, parseEndpoint, parseNameServer } from "./address.ts";
import {
  choice,
  count,
  file,
  fileMode,
  flag,
  list,
  namedSections,
  seconds,
  section,
  text,
} from "./fields.ts";

/** A name that can stand last in `socketmap:inet:host:port:name`, see socketmap_table(5). */
const ZONE_NAME = /^[^:\p{Z}\p{C}]+$/u;

const zoneKeys = {
  strict_testing: flag("Takes policies in mode `testing` as if they were in mode `enforce`."),
  timeout: seconds(
    [0.1, 90],
    "What one query may wait for DNS and HTTPS in all; Postfix itself gives up after 100 seconds.",
  ),
  require_sni: flag(
    "Adds `servername=hostname` to the answer, which Postfix understands from version 3.4 on.",
  ),
  tlsrpt: flag(
    "Adds the attributes for TLS reports and for checking MX hosts against the policy, which Postfix understands from version 3.10 on and older versions refuse.",
  ),
  dane: choice(
    ["auto", "off", "require"],
    "Answers `dane-only` where DANE protects the domain, since MTA-STS must not override DANE; `require` defers mail when the resolver does not validate DNSSEC, `off` never looks.",
  ),
  on_dns_failure: choice(
    ["deliver", "defer"],
    "What becomes of mail for a domain without a known policy while its DNS fails.",
  ),
};

/** Keys below `cache`. */
export const CACHE_KEYS = {
  file: v.nullish(
    file(
      ["memory"],
      "The file that keeps policies across restarts, or `memory` to keep none; `cache: memory` is short for it.",
    ),
  ),
  memory_entries: v.nullish(
    count(
      [100, 2_000_000],
      "Domains held in memory in front of the file, about 2 KB each; with less than 100 every query would go to the file.",
    ),
    20_000,
  ),
  allow_unsafe_directory: v.nullish(
    flag("Accepts a directory for the cache file that other users can write to."),
    false,
  ),
};

/** Keys below `refresh`. */
export const REFRESH_KEYS = {
  interval: v.nullish(
    seconds(
      [300, 604_800],
      "Policies in use are fetched anew about this often (RFC 8461 §10.2); RFC 8461 §3.3 asks for five minutes between attempts, and above a week policies would expire in between.",
    ),
    86_400,
  ),
  forget_after: v.nullish(
    seconds(
      [86_400, 31_557_600],
      "A policy nobody asked for during this time is no longer fetched anew; no policy lives longer than the upper bound, one year.",
    ),
    15_552_000,
  ),
  concurrency: v.nullish(count([1, 1_000], "Policies fetched anew at the same time."), 10),
};

/** Keys below `log`. */
export const LOG_KEYS = {
  level: v.nullish(
    choice(["debug", "info", "warn", "error"], "Least severity of what is written."),
    "info",
  ),
  format: v.nullish(
    choice(["text", "json"], "One line of text or one JSON object for an event."),
    "text",
  ),
};

/** All keys of the file. */
export const KEYS = {
  listen: v.nullish(
    v.pipe(
      list(parseEndpoint, {
        allowed: ENDPOINT_FORM,
        text: "Where Postfix's queries are answered; port 0 takes any free port.",
      }),
      v.minLength(1, "must be at least one address"),
    ),
    "inet:127.0.0.1:8461",
  ),
  socket_mode: v.nullish(
    fileMode("Mode of the UNIX sockets in `listen` and `http`; Postfix needs write permission."),
    "0660",
  ),
  control: v.nullish(
    text(parseUnixEndpoint, {
      allowed: 'an address such as "unix:/run/mta-sts-resolver/control.sock"',
      text: "UNIX socket (mode 0600) by which the command `cache` reaches the running daemon.",
    }),
  ),
  http: v.nullish(
    list(parseEndpoint, {
      allowed: ENDPOINT_FORM,
      text: "Where metrics, health and the status page are served; none by default.",
    }),
    [],
  ),
  default_zone: v.nullish(
    section({
      strict_testing: v.nullish(zoneKeys.strict_testing, false),
      timeout: v.nullish(zoneKeys.timeout, 10),
      require_sni: v.nullish(zoneKeys.require_sni, true),
      tlsrpt: v.nullish(zoneKeys.tlsrpt, false),
      dane: v.nullish(zoneKeys.dane, "auto"),
      on_dns_failure: v.nullish(zoneKeys.on_dns_failure, "deliver"),
    }, { text: "Settings for all socketmap names that are not listed in `zones`." }),
    {},
  ),
  zones: v.nullish(
    namedSections({
      strict_testing: v.nullish(zoneKeys.strict_testing),
      timeout: v.nullish(zoneKeys.timeout),
      require_sni: v.nullish(zoneKeys.require_sni),
      tlsrpt: v.nullish(zoneKeys.tlsrpt),
      dane: v.nullish(zoneKeys.dane),
      on_dns_failure: v.nullish(zoneKeys.on_dns_failure),
    }, {
      name: ZONE_NAME,
      allowedName: "a socketmap name without spaces, colons and control characters",
      text:
        "Settings by socketmap name, with the keys of `default_zone`, which also supplies what a zone leaves out.",
    }),
    {},
  ),
  cache: v.nullish(
    section(CACHE_KEYS, { text: "Where policies are kept." }),
    {},
  ),
  recheck: v.nullish(
    seconds(
      [1, 86_400],
      "A policy is used without asking DNS for this long, then still used while its TXT record is checked in the background; after a day a changed policy would be noticed too late.",
    ),
    300,
  ),
  negative_ttl: v.nullish(
    seconds(
      [1, 86_400],
      "How long it is remembered that a domain has no policy; after a day a new policy would be noticed too late.",
    ),
    300,
  ),
  refresh: v.nullish(
    section(REFRESH_KEYS, { text: "Fetching policies anew before they expire." }),
    {},
  ),
  dns: v.nullish(
    section({
      servers: v.nullish(
        list(parseNameServer, {
          allowed: 'the address of a name server such as "127.0.0.1" or "[::1]:5353"',
          text: "Resolvers in order of preference instead of those in /etc/resolv.conf.",
        }),
        [],
      ),
      timeout: v.nullish(
        seconds(
          [0.1, 30],
          "What one question to one resolver may take; more would use up the time of a query.",
        ),
        5,
      ),
      dnssec_probe: v.nullish(
        text(parseProbe, {
          allowed: 'a record type and a signed name such as "ns:."',
          text:
            "What is asked at start to learn whether the resolver validates DNSSEC, as in Postfix's dnssec_probe.",
        }),
        "ns:.",
      ),
    }, { text: "Name resolution." }),
    {},
  ),
  tls: v.nullish(
    section({
      ca: v.nullish(
        file(
          ["mozilla", "system"],
          "Certification authorities for policy hosts: the set of Mozilla that is built in, those of the system, or those in a PEM file.",
        ),
        "system",
      ),
    }, { text: "Certificates of policy hosts." }),
    {},
  ),
  https: v.nullish(
    section({
      timeout: v.nullish(
        seconds(
          [1, 60],
          "What fetching a policy may take in all; RFC 8461 §3.3 suggests one minute at most.",
        ),
        20,
      ),
      concurrency: v.nullish(
        count(
          [1, 1_000],
          "Policies fetched at the same time; the runtime has 32 threads to connect by name and to use files with.",
        ),
        20,
      ),
      per_address: v.nullish(
        count([1, 1_000], "Policies fetched from one address at the same time."),
        8,
      ),
      proxy: v.nullish(
        text(parseProxy, {
          allowed: 'a URL such as "http://proxy.example:3128"',
          text: "HTTP or SOCKS5 proxy for fetching policies; the environment is not asked.",
        }),
      ),
    }, { text: "Fetching policies." }),
    {},
  ),
  allow_private: v.nullish(
    list((value) => isCidr(value) ? value : undefined, {
      allowed: 'an address range such as "10.0.0.0/8"',
      text: "Private and special address ranges in which policy hosts are accepted all the same.",
    }),
    [],
  ),
  limits: v.nullish(
    section({
      connections: v.nullish(
        count([1, 65_535], "Open connections of Postfix; each takes a file descriptor."),
        1_024,
      ),
      pipeline: v.nullish(
        count([1, 1_024], "Requests read ahead on one connection; Postfix sends one at a time."),
        128,
      ),
      idle_timeout: v.nullish(
        seconds(
          [1, 3_600],
          "A connection without requests is closed after this; Postfix closes it after 10 seconds.",
        ),
        120,
      ),
      io_timeout: v.nullish(
        seconds(
          [1, 100],
          "What the rest of a request, or taking an answer, may take; Postfix gives up after 100 seconds.",
        ),
        30,
      ),
      discoveries: v.nullish(
        count([1, 10_000], "Domains looked up at the same time; more wait for their turn."),
        256,
      ),
    }, { text: "Bounds on what clients can make the daemon do." }),
    {},
  ),
  shutdown_timeout: v.nullish(
    seconds(
      [0, 300],
      "How long a stop waits for open requests; systemd kills a service after 90 seconds.",
    ),
    20,
  ),
  log: v.nullish(
    section(LOG_KEYS, { text: "The log on standard error." }),
    {},
  ),
};

function parseUnixEndpoint(text: string): Endpoint | undefined {
  const endpoint = parseEndpoint(text);
  return endpoint?.kind === "unix" ? endpoint : undefined;
}

function parseProbe(text: string): string | undefined {
  const form = /^(?:a|aaaa|cname|mx|ns|tlsa|txt):(?:\.|[A-Za-z0-9_][A-Za-z0-9_.-]{0,253})$/i;
  return form.test(text) ? text : undefined;
}

function parseProxy(text: string): string | undefined {
  return /^(?:https?|socks5):\/\/[^\p{C}\p{Z}]+$/u.test(text) && URL.canParse(text)
    ? text
    : undefined;
}
