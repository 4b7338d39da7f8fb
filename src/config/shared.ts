/**
 * What the keys below `cache.shared` come to: where the engine is, what they must not say together, and what the
 * operator should know.
 *
 * @module
 */

import { type EngineUrl, readEngineUrl, readSentinels } from "./engine_url.ts";
import type { EngineArguments } from "./engine_text.ts";
import type { FileValues } from "./legacy_keys.ts";
import { toSettings } from "./settings.ts";
import { SHARED_KEYS } from "./shared_keys.ts";
import type { Config, ConfigNote } from "./types.ts";

/** The settings below `cache.shared`. */
export type SharedSettings = Config["cache"]["shared"];

/** The values below `cache.shared`, as in the file. */
export type SharedValues = FileValues["cache"]["shared"];

/** Whether hosts share anything. */
export function isShared({ url, sentinels }: Pick<SharedSettings, "url" | "sentinels">): boolean {
  return url !== undefined || sentinels.length > 0;
}

/** Passwords that are kept in files. */
export interface Passwords {
  /** Of the engine. */
  readonly password?: string | undefined;
  /** Of the Sentinels. */
  readonly sentinelPassword?: string | undefined;
}

/**
 * Says where the engine is.
 *
 * @param shared Settings with `url` or `sentinels`.
 * @param passwords Those that were read from files.
 * @returns Its address, with the login; or what is wrong, without a password.
 */
export function readAddress(shared: SharedSettings, passwords: Passwords = {}): EngineUrl {
  const { url, sentinels, masterName = "" } = shared;
  const login = { username: shared.username, password: passwords.password ?? shared.password };
  if (url !== undefined) {
    return readEngineUrl(
      url,
      isPostgres(url) ? postgresArguments(shared, login) : redisArguments(shared, login),
    );
  }
  const { sentinelPassword } = passwords;
  const where = {
    sentinels,
    masterName,
    ...(sentinelPassword !== undefined && { password: sentinelPassword }),
  };
  const more = { db: shared.database, ssl: shared.tls };
  return readSentinels(where, { ...redisArguments(shared, login), ...more });
}

/** What redis-py calls them. */
function redisArguments(shared: SharedSettings, login: EngineArguments): EngineArguments {
  const { tlsVerify } = shared;
  return {
    ...login,
    ssl_ca_certs: shared.tlsCa,
    ssl_certfile: shared.tlsCert,
    ssl_keyfile: shared.tlsKey,
    ssl_cert_reqs: tlsVerify === "none" ? "none" : undefined,
    ssl_check_hostname: tlsVerify === "issuer" ? false : undefined,
  };
}

const SSL_MODES = { name: "verify-full", issuer: "verify-ca", none: "require" } as const;

/** What libpq calls them. */
function postgresArguments(
  shared: SharedSettings,
  { username, password }: { readonly username?: string; readonly password?: string },
): EngineArguments {
  const { tlsVerify } = shared;
  return {
    user: username,
    password,
    sslrootcert: shared.tlsCa,
    sslcert: shared.tlsCert,
    sslkey: shared.tlsKey,
    sslmode: tlsVerify && SSL_MODES[tlsVerify],
  };
}

/** Everything else that is read has another scheme. */
function isPostgres(url: string): boolean {
  return !/^(?:rediss?|valkeys?|unix):/i.test(url);
}

/** Keys of which only one may be given. */
const PAIRS = [
  ["sentinels", "url"],
  ["password_file", "password"],
] as const;

/** Keys that mean something only beside another one. */
const NEEDS = [
  ["master_name", "sentinels"],
  ["database", "sentinels"],
  ["tls", "sentinels"],
  ["sentinel_password_file", "sentinels"],
  ["tls_key", "tls_cert"],
  ["tls_cert", "tls_key"],
] as const;

/** Keys that mean something only with TLS. */
const TLS_KEYS = ["tls_ca", "tls_cert", "tls_verify"] as const;

/** Finds what does not go together. @returns One line for each mistake, without the name of the file. */
export function sharedProblems(shared: SharedValues): string[] {
  const isGiven = (key: keyof SharedValues) => {
    const value = shared[key];
    return Array.isArray(value) ? value.length > 0 : value !== undefined;
  };
  const problems = [
    ...PAIRS.filter((pair) => pair.every(isGiven))
      .map(([one, other]) => `${one}: conflicts with cache.shared.${other}, remove one of them`),
    ...NEEDS.filter(([key, needed]) => isGiven(key) && !isGiven(needed))
      .map(([key, needed]) => `${key}: needs cache.shared.${needed}`),
  ];
  if (isGiven("sentinels") && !isGiven("master_name")) problems.push("sentinels: need master_name");
  if (isGiven("secret_file") && !isShared(shared)) {
    problems.push("secret_file: needs cache.shared.url or cache.shared.sentinels");
  }
  if (problems.length === 0 && isShared(shared)) problems.push(...addressProblems(shared));
  return problems.map((problem) => `cache.shared.${problem}`);
}

function addressProblems(shared: SharedValues): string[] {
  const key = shared.url === undefined ? "sentinels" : "url";
  const reading = readAddress(toSettings(SHARED_KEYS, shared));
  if (reading.kind === "invalid") return [`${key}: ${reading.problem}`];
  if (reading.address.tls !== undefined) return [];
  const how = shared.url === undefined ? "cache.shared.tls" : "TLS, as by rediss:// or sslmode=";
  return TLS_KEYS.filter((name) => shared[name] !== undefined).map((name) =>
    `${name}: needs ${how}`
  );
}

/** What an operator should read at each start. @param shared Values without mistakes. */
export function sharedNotes(shared: SharedValues): ConfigNote[] {
  if (!isShared(shared)) return [];
  const reading = readAddress(toSettings(SHARED_KEYS, shared));
  const unused = reading.kind === "address" ? reading.unused : [];
  const notes = unused.map((name) => ({
    path: shared.url === undefined ? "cache.shared" : "cache.shared.url",
    text: `its argument ${name} has no effect`,
  }));
  if (shared.secret_file !== undefined) {
    const text = "has no effect beside secret_file: 'cache import' takes the old entries over";
    return shared.old_entries ? [...notes, { path: "cache.shared.old_entries", text }] : notes;
  }
  return [...notes, {
    path: "cache.shared.secret_file",
    text:
      "is not set: what other hosts share only stands in for a first fetch, and anybody who can write to the engine can " +
      "forge it. To make one: openssl rand -base64 48 >FILE; chmod 600 FILE; the same FILE on all hosts, see docs/fleet.md",
  }];
}
