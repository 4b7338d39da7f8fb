/**
 * The Redis or PostgreSQL cache of postfix-mta-sts-resolver, `cache.type` and `cache.options`, as `cache.shared`. Its
 * options are those of redis-py and asyncpg: what says where the engine is, who we are and how TLS is verified is
 * used; what tunes those libraries is accepted with a note.
 *
 * An argument of the URL wins over an option in redis-py; an option wins over the DSN in asyncpg.
 *
 * @module
 */

import { isMapping } from "../base/mapping.ts";
import { readEngineUrl } from "./engine_url.ts";
import { OptionReading, type SharedTranslation } from "./legacy_options.ts";
import { parseSentinel, SHARED_KEYS } from "./shared_keys.ts";

/** The kinds of caches that hosts share. */
export type SharedType = "redis" | "redis_sentinel" | "postgres";

/** Translates the options of a cache. @param options As YAML gave them. */
export function translateShared(type: SharedType, options: unknown): SharedTranslation {
  const reading = new OptionReading(isMapping(options) ? options : {});
  if (type === "postgres") readPostgres(reading);
  else if (type === "redis") readRedis(reading);
  else readSentinel(reading);
  return reading.end();
}

function readRedis(reading: OptionReading): void {
  const url = reading.text("url");
  if (url === undefined) {
    if (reading.problems.length === 0) reading.problems.push("url: is missing");
    return;
  }
  if (!takeUrl(reading, { option: "url", url })) return;
  const [, authority = "", path = "", query = ""] =
    /^[a-z]+:\/\/([^/?#]*)([^?#]*)(?:\?([^#]*))?/.exec(url) ?? [];
  const given = new Set(new URLSearchParams(query).keys());
  const userInfo = authority.includes("@") ? authority.slice(0, authority.lastIndexOf("@")) : "";
  const [user = "", password = ""] = userInfo.split(/:(.*)/s);
  if (user !== "") given.add("username");
  if (password !== "") given.add("password");
  if (!url.startsWith("unix:") && /^\/[0-9]+$/.test(path)) given.add("db");
  const { values } = reading;
  readLogin(reading, given);
  const database = unlessGiven(reading, { option: "db", given }, () => reading.number("db"));
  if (database !== undefined) {
    values.url = `${url}${query === "" ? "?" : "&"}db=${database}`.replace("??", "?");
  }
  readTls(reading, { given, isTls: url.startsWith("rediss:") });
  readTimeouts(reading);
}

function readSentinel(reading: OptionReading): void {
  const { values } = reading;
  const listed = reading.take("sentinels");
  const sentinels = Array.isArray(listed) ? listed.map(readSentinelPair) : [];
  if (sentinels.length === 0 || sentinels.includes(undefined)) {
    reading.refuse("sentinels", "a list of pairs such as [mx1.example.com, 26379]", listed);
  } else values.sentinels = sentinels as string[];
  values.master_name = reading.text("sentinel_master_name");
  if (values.master_name === undefined) reading.problems.push("sentinel_master_name: is missing");
  const given = new Set<string>();
  readLogin(reading, given);
  values.database = reading.number("db");
  const isTls = reading.flag("ssl") === true;
  if (isTls) values.tls = true;
  readTls(reading, { given, isTls });
  readTimeouts(reading);
}

/** `[host, port]`, as the other program wants it; `host:port` is what people write by mistake. */
function readSentinelPair(value: unknown): string | undefined {
  if (typeof value === "string") return parseSentinel(value);
  if (!Array.isArray(value) || value.length !== 2) return undefined;
  const [host, port] = value;
  if (typeof host !== "string" || !/^[0-9]{1,5}$/.test(String(port))) return undefined;
  return parseSentinel(host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`);
}

function readLogin(reading: OptionReading, given: ReadonlySet<string>): void {
  const { values } = reading;
  const from = (option: string, isSecret = false) =>
    unlessGiven(reading, { option, given }, () => reading.text(option, { isSecret }));
  values.username = from("username");
  values.password = from("password", true);
}

function readTls(
  reading: OptionReading,
  { given, isTls }: { readonly given: ReadonlySet<string>; readonly isTls: boolean },
): void {
  const { values } = reading;
  const options = ["ssl_ca_certs", "ssl_certfile", "ssl_keyfile"] as const;
  const [ca, cert, key] = options.map((option) =>
    unlessGiven(reading, { option, given }, () => reading.text(option))
  );
  const requires = unlessGiven(
    reading,
    { option: "ssl_cert_reqs", given },
    () => reading.take("ssl_cert_reqs"),
  );
  const checksName = unlessGiven(
    reading,
    { option: "ssl_check_hostname", given },
    () => reading.flag("ssl_check_hostname"),
  );
  if (!isTls) return;
  values.tls_ca = ca;
  values.tls_cert = cert;
  values.tls_key = key;
  // CERT_NONE, CERT_OPTIONAL and CERT_REQUIRED of Python's module ssl are 0 to 2.
  if (requires === "none" || requires === 0) values.tls_verify = "none";
  else if (checksName === false) values.tls_verify = "issuer";
}

/** Options that bound a call; ours are shorter. */
function readTimeouts(reading: OptionReading): void {
  for (const option of ["socket_timeout", "socket_connect_timeout"]) {
    const seconds = reading.number(option);
    if (seconds !== undefined) boundBy(reading, { option, seconds });
  }
}

function boundBy(
  reading: OptionReading,
  { option, seconds }: { readonly option: string; readonly seconds: number },
): void {
  const { default: usual, range } = SHARED_KEYS.timeout;
  const now = reading.values.timeout ?? usual;
  if (seconds >= now) {
    if (seconds > usual) {
      reading.note(option, `has no effect: an answer waits ${now} s for the engine at most`);
    }
    return;
  }
  reading.values.timeout = Math.max(seconds, range![0]);
}

/** libpq lets an argument win over the part of the URL before it, as asyncpg lets an option. */
function readPostgres(reading: OptionReading): void {
  const dsn = reading.text("dsn") ?? "postgres://";
  const { values, problems } = reading;
  const text = (option: string) => listText(reading, option);
  const given = {
    host: text("host"),
    port: text("port"),
    user: text("user"),
    dbname: text("database"),
    passfile: text("passfile"),
    sslmode: sslMode(reading),
    target_session_attrs: text("target_session_attrs"),
    statement_cache_size: text("statement_cache_size"),
    ...serverSettings(reading),
  };
  values.password = reading.text("password", { isSecret: true });
  const timeout = reading.number("timeout");
  if (timeout !== undefined) boundBy(reading, { option: "timeout", seconds: timeout });
  const query = Object.entries(given).filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${encodeURIComponent(value!)}`).join("&");
  const glue = query === "" ? "" : dsn.includes("?") ? "&" : "?";
  if (problems.length > 0) return;
  if (namesUser(dsn + glue + query)) takeUrl(reading, { option: "dsn", url: dsn + glue + query });
  else {
    // asyncpg takes the user from where it runs. A daemon that does not start would be worse than one that is alone.
    reading.note("user", "is missing, and PGUSER and the account do not count: nothing is shared");
  }
}

function namesUser(dsn: string): boolean {
  return /^[a-z]+:\/\/[^/?:@]+(?::[^/?]*)?@|[?&]user=[^&]/i.test(dsn);
}

/** Settings of the session. */
function serverSettings(reading: OptionReading): Record<string, string> {
  const settings = reading.take("server_settings");
  if (settings === undefined) return {};
  const entries = isMapping(settings) ? Object.entries(settings) : [];
  if (entries.length > 0 && entries.every(([, value]) => typeof value === "string")) {
    return Object.fromEntries(entries) as Record<string, string>;
  }
  reading.refuse("server_settings", "a mapping of names to texts", settings);
  return {};
}

/** A text, a number, or a list of them, which libpq writes with commas. */
function listText(reading: OptionReading, option: string): string | undefined {
  const value = reading.take(option);
  if (value === undefined) return undefined;
  const parts = Array.isArray(value) ? value : [value];
  const isRight = parts.length > 0 &&
    parts.every((part) => typeof part === "string" && part !== "" || typeof part === "number");
  if (isRight) return parts.join(",");
  reading.refuse(option, "a text, or a list of them", value);
  return undefined;
}

/** asyncpg takes the words of libpq; `true` verifies certificate and name. */
function sslMode(reading: OptionReading): string | undefined {
  const ssl = reading.take("ssl");
  if (ssl === undefined) return undefined;
  if (typeof ssl === "boolean") return ssl ? "verify-full" : "disable";
  const words = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];
  if (words.includes(ssl as string)) return ssl as string;
  reading.refuse("ssl", `true, false or one of ${words.join(", ")}`, ssl);
  return undefined;
}

/** Takes a URL that is in order. @returns Whether it is. */
function takeUrl(
  { values, problems }: OptionReading,
  { option, url }: { readonly option: "url" | "dsn"; readonly url: string },
): boolean {
  const result = readEngineUrl(url);
  const kind = option === "url" ? "redis" : "postgres";
  if (result.kind === "invalid") problems.push(`${option}: ${result.problem}`);
  else if (result.address.kind !== kind) problems.push(`${option}: is not one of ${kind}`);
  else values.url = url;
  return values.url !== undefined;
}

/** An option that the URL does not say already; if it does, a note says that. */
function unlessGiven<Value>(
  reading: OptionReading,
  { option, given }: { readonly option: string; readonly given: ReadonlySet<string> },
  read: () => Value | undefined,
): Value | undefined {
  const value = read();
  if (value === undefined || !given.has(option)) return value;
  reading.note(option, "has no effect: url says it already");
  return undefined;
}
