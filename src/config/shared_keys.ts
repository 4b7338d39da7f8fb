/**
 * The keys below `cache.shared`: the Redis, Valkey or PostgreSQL through which the hosts of a fleet tell each other
 * what they learn. Without `url` or `sentinels` there is none.
 *
 * A password may stand in the URL or beside it; it is never shown, see `secrets.ts`.
 *
 * @module
 */

import { isAbsolutePath, parseEndpoint } from "../base/address.ts";
import { choice, count, flag, list, seconds, section, text } from "./kinds.ts";
import { HIDDEN_PASSWORD, hidesPassword } from "./secrets.ts";

/** Port of Sentinel. */
const SENTINEL_PORT = 26_379;

const PATH = {
  parse: (value: string) => isAbsolutePath(value) ? value : undefined,
  allowed: "an absolute path",
};

/** Keys below `cache.shared`. */
export const SHARED_KEYS = {
  url: text({
    parse: (value) => value === "" || hidesPassword(value) ? undefined : value,
    allowed:
      'a URL such as "redis://10.0.0.5:6379/0", "rediss://…", "unix:///run/redis.sock" or "postgres://user@host/db"',
    text:
      "The Redis, Valkey or PostgreSQL that the hosts share. The form is that of redis-py and libpq. For examples, see docs/fleet.md.",
  }),
  sentinels: list({
    parse: parseSentinel,
    allowed: 'the address of a Sentinel such as "mx1.example.com:26379"',
    default: [],
    text: "The Sentinels to ask which Redis is the master, instead of `url`.",
  }),
  master_name: text({
    parse: (value) => /^[!-~]{1,200}$/.test(value) ? value : undefined,
    allowed: "a name without spaces",
    text: "The name under which Sentinel knows the master.",
  }),
  database: count({
    range: [0, 65_535],
    text: "The number of the Redis database, with `sentinels`. By default, 0.",
  }),
  username: text({
    parse: readWord,
    allowed: "a name",
    text: "The user of the engine, if it is not in `url`.",
  }),
  password: text({
    parse: readWord,
    allowed: `a password, which ${HIDDEN_PASSWORD} is not`,
    text: "The password of the engine. It is better kept in `password_file`.",
    secret: true,
  }),
  password_file: text({
    ...PATH,
    text: "A file with the password of the engine, on one line.",
  }),
  sentinel_password_file: text({
    ...PATH,
    text: "A file with the password of the Sentinels, if they want one.",
  }),
  secret_file: text({
    ...PATH,
    text:
      "A file with the secret that signs entries, the same on all hosts. It is a line of at least 32 characters. A second line is accepted too, so that the secret can be changed. Without one, entries count for little.",
  }),
  prefix: text({
    parse: (value) => /^[A-Za-z][A-Za-z0-9_-]{0,31}$/.test(value) ? value : undefined,
    allowed: "a letter and up to 31 more letters, digits, hyphens and underscores",
    default: "mtasts",
    text: "The name of the fleet, with which Redis keys begin. Only hosts with the same one share.",
  }),
  host_name: text({
    parse: (value) => /^[!-~]{1,255}$/.test(value) ? value : undefined,
    allowed: "1 to 255 printable ASCII characters without spaces",
    text: "How this host is called in the fleet. By default, by its hostname.",
  }),
  tls: flag({
    text: "Use TLS, with `sentinels`. Otherwise the URL says it: `rediss://`, `sslmode=`.",
  }),
  tls_ca: text({
    ...PATH,
    text: "The certification authorities of the engine, a PEM file. By default, those of `tls.ca`.",
  }),
  tls_cert: text({
    ...PATH,
    text: "The certificate that this host shows to the engine, a PEM file.",
  }),
  tls_key: text({ ...PATH, text: "The key of that certificate, a PEM file." }),
  tls_verify: choice({
    words: ["name", "issuer", "none"],
    text:
      "What must be right about the engine's certificate. `issuer` does not look at the name. By default, as the URL says, else `name`.",
  }),
  timeout: seconds({
    range: [0.01, 5],
    default: 0.2,
    text: "How long an answer waits for the engine. What is held is answered without it.",
  }),
  wait: seconds({
    range: [0, 30],
    default: 6,
    text: "How long a fetch waits for that of another host.",
  }),
  old_entries: flag({
    default: false,
    text:
      "Also read what postfix-mta-sts-resolver has left in the same database. Such entries are not signed, so they are not read if there is a `secret_file`.",
  }),
};

/** The section `cache.shared`. */
export const SHARED = section({
  keys: SHARED_KEYS,
  text: "How the hosts of a fleet tell each other what they learn. By default, they do not.",
});

/** `HOST`, `HOST:PORT` or `[IPV6]:PORT`. @returns It with its port; `undefined` for anything else. */
export function parseSentinel(value: string): string | undefined {
  const [, host] = /^(?:inet:)?(.*?)(?::[0-9]{1,5})?$/.exec(value) ?? [];
  const written = host === value ? `${value}:${SENTINEL_PORT}` : value;
  const endpoint = parseEndpoint(written);
  if (endpoint?.kind !== "inet" || endpoint.port === 0) return undefined;
  const { hostname, port } = endpoint;
  return `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
}

function readWord(value: string): string | undefined {
  return value === "" || value === HIDDEN_PASSWORD ? undefined : value;
}
