/**
 * The keys below `cache.shared`: the Redis, Valkey or PostgreSQL through which the hosts of a fleet share what they
 * learn. Without `url` or `sentinels`, nothing is shared.
 *
 * A password may be in the URL or in a key of its own; it is never shown, see `secrets.ts`.
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
      "The Redis, Valkey or PostgreSQL that the hosts share. Its URL is as for redis-py or libpq. For examples, see docs/fleet.md.",
  }),
  sentinels: list({
    parse: parseSentinel,
    allowed: 'the address of a Sentinel such as "mx1.example.com:26379"',
    default: [],
    text: "The Sentinels that know which Redis is the master, instead of `url`.",
  }),
  master_name: text({
    parse: (value) => /^[!-~]{1,200}$/.test(value) ? value : undefined,
    allowed: "a name without spaces",
    text: "The name of the master in Sentinel.",
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
    text: "The password of the engine. Prefer `password_file`.",
    secret: true,
  }),
  password_file: text({
    ...PATH,
    text: "A file with the password of the engine, on one line.",
  }),
  sentinel_password_file: text({
    ...PATH,
    text: "A file with the password of the Sentinels, if they require one.",
  }),
  secret_file: text({
    ...PATH,
    text:
      "A file with the secret that signs entries, the same on all hosts. It is a line of at least 32 characters. A secret on a second line is accepted too, for a change of secrets. Without this file, shared policies only stand in for a first fetch.",
  }),
  prefix: text({
    parse: (value) => /^[A-Za-z][A-Za-z0-9_-]{0,31}$/.test(value) ? value : undefined,
    allowed: "a letter and up to 31 more letters, digits, hyphens and underscores",
    default: "mtasts",
    text:
      "The name of the fleet. Redis keys and PostgreSQL tables begin with it. Hosts share only with hosts that have the same one.",
  }),
  host_name: text({
    parse: (value) => /^[!-~]{1,255}$/.test(value) ? value : undefined,
    allowed: "1 to 255 printable ASCII characters without spaces",
    text: "The name of this host in the fleet. By default, the hostname.",
  }),
  tls: flag({
    text: "Use TLS, with `sentinels`. With `url`, the URL says so: `rediss://`, `sslmode=`.",
  }),
  tls_ca: text({
    ...PATH,
    text:
      "A PEM file with the certification authorities for the engine. By default, those of `tls.ca`.",
  }),
  tls_cert: text({
    ...PATH,
    text: "A PEM file with the client certificate of this host.",
  }),
  tls_key: text({ ...PATH, text: "A PEM file with the key of that certificate." }),
  tls_verify: choice({
    words: ["name", "issuer", "none"],
    text:
      "What is verified in the engine's certificate. `issuer` ignores the name. By default, as the URL says, else `name` with Redis and `none` with PostgreSQL.",
  }),
  timeout: seconds({
    range: [0.01, 5],
    default: 0.2,
    text: "How long an answer waits for the engine. Held policies are answered without it.",
  }),
  wait: seconds({
    range: [0, 30],
    default: 6,
    text: "How long this host waits while another one fetches the same policy.",
  }),
  old_entries: flag({
    default: false,
    text:
      "Also read the entries of postfix-mta-sts-resolver in the same database. They are not signed, so they are not read if `secret_file` is set.",
  }),
};

/** The section `cache.shared`. */
export const SHARED = section({
  keys: SHARED_KEYS,
  text: "The server through which the hosts of a fleet share what they learn. Off by default.",
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
