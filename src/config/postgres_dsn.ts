/**
 * Connection strings of libpq (PostgreSQL documentation, "Connection Strings"): URIs with one host or several, and
 * `key = 'value'`; with what asyncpg adds, which postfix-mta-sts-resolver uses: settings of the session in the query,
 * and arguments beside the text, which come before it.
 *
 * Variables (`PGHOST`), `~/.pgpass` and service files are not looked at.
 *
 * @module
 */

import type { Endpoint } from "../base/address.ts";
import { isMapping } from "../base/mapping.ts";
import type { PostgresAddress, PostgresTarget } from "../fleet/engine_address.ts";
import {
  ArgumentList,
  type EngineArguments,
  inetOf,
  Problem,
  readPort,
  splitUri,
  unquote,
} from "./engine_text.ts";
import { readPostgresTls } from "./postgres_tls.ts";

const PORT = 5432;

/** Where libpq and asyncpg look without a host. */
const DEFAULT_HOSTS: readonly string[] = ["/run/postgresql", "/tmp", "localhost"];

/** What `target_session_attrs` may be. A standby server is no place to write, whatever its default says. */
const TARGETS: Readonly<Record<string, PostgresTarget>> = {
  any: "any",
  "read-write": "primary",
  primary: "primary",
  "read-only": "read-only",
  standby: "standby",
  "prefer-standby": "prefer-standby",
};

/** Settings of the session that may be in the query, as asyncpg has it. */
const SETTINGS: readonly string[] = [
  ...["application_name", "search_path", "options", "role", "statement_timeout", "lock_timeout"],
  ...["idle_in_transaction_session_timeout", "idle_session_timeout", "timezone", "TimeZone"],
];

/** Arguments of libpq and asyncpg without effect here. */
const UNUSED: readonly string[] = [
  ...["connect_timeout", "client_encoding", "fallback_application_name", "keepalives"],
  ...["keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout"],
  ...["krbsrvname", "gsslib", "gssdelegation", "sslcompression", "sslcrl", "sslcrldir", "sslsni"],
  ...["sslcertmode", "ssl_min_protocol_version", "ssl_max_protocol_version", "requirepeer"],
  ...["load_balance_hosts", "timeout", "command_timeout", "min_size", "max_size", "max_queries"],
  ...["max_inactive_connection_lifetime", "max_cached_statement_lifetime"],
  ...["max_cacheable_statement_size"],
];

/** What would be less than the operator asks for, and what to do instead. */
const REFUSED: Readonly<Record<string, string>> = {
  service: "service is not supported, write out what the service file says",
  servicefile: "servicefile is not supported, write out what the service file says",
  replication: "replication is not for this",
  require_auth: "require_auth is not supported",
};

/**
 * Reads a connection string.
 *
 * @param dsn `""` if there are arguments alone.
 * @throws {Problem} One line.
 */
export function readPostgresDsn(
  dsn: string,
  given: EngineArguments,
): { readonly address: PostgresAddress; readonly unused: readonly string[] } {
  const list = new ArgumentList();
  if (/^[A-Za-z]+:\/\//.test(dsn)) addUri(list, dsn);
  else if (dsn !== "") addPairs(list, dsn);
  for (const [name, value] of Object.entries(given)) list.set(name, value);
  list.refuse(REFUSED);
  for (const name of ["channel_binding", "gssencmode"]) {
    if (list.text(name) === "require") throw new Problem(`${name}=require is not supported`);
  }
  const endpoints = readHosts(list);
  const user = list.text("user");
  if (user === undefined) {
    throw new Problem("the user is missing, as in postgres://user@host/database");
  }
  const password = list.text("password");
  const passFile = list.file("passfile");
  const tls = endpoints.some(({ kind }) => kind === "inet") ? readPostgresTls(list) : undefined;
  if (tls === undefined) readPostgresTls(list);
  const address: PostgresAddress = {
    kind: "postgres",
    endpoints,
    user,
    ...(password !== undefined && { password }),
    ...(passFile !== undefined && { passFile }),
    database: list.text("database", "dbname") ?? user,
    ...(tls !== undefined && { tls }),
    target: readTarget(list, endpoints),
    // asyncpg's way to get along with PgBouncer.
    isPreparing: list.count("statement_cache_size") !== 0,
    parameters: readSettings(list),
  };
  return { address, unused: list.finish(UNUSED) };
}

function addUri(list: ArgumentList, dsn: string): void {
  const { user, password, hosts, path, query } = splitUri(dsn, { hasFragment: false });
  if (user) list.set("user", unquote(user));
  if (password) list.set("password", unquote(password));
  if (hosts !== "") {
    const pairs = hosts.split(",").map((each) => {
      const [, host, port] = /^(\[[^\]]*\]|[^:[\]]*)(?::([0-9]*))?$/.exec(each) ?? [];
      if (host === undefined) throw new Problem("a host must be name:port, IPv6 in brackets");
      return { host: unquote(host), port };
    });
    list.set("host", pairs.map(({ host }) => host).join(","));
    if (pairs.some(({ port }) => port)) {
      list.set(
        "port",
        pairs.map(({ port }) => port ?? "").join(","),
      );
    }
  }
  if (path.length > 1) list.set("dbname", unquote(path.slice(1)));
  for (const [name, value] of query) list.set(name, value);
}

/** `key = value key='it''s'`, with `\` before what is to be taken as it is. */
function addPairs(list: ArgumentList, dsn: string): void {
  const pair =
    /[ \t\r\n]*([A-Za-z_]+)[ \t\r\n]*=[ \t\r\n]*(?:'((?:[^'\\]|\\[^])*)'|((?:[^ \t\r\n'\\]|\\[^])*))(?=[ \t\r\n]|$)/y;
  while (pair.lastIndex < dsn.length) {
    const at = pair.lastIndex;
    const [, name, quoted, bare] = pair.exec(dsn) ?? [];
    if (name === undefined) {
      if (/^[ \t\r\n]*$/.test(dsn.slice(at))) return;
      throw new Problem(
        "must be pairs such as host=db.example user=fleet, with ' around a value that has spaces",
      );
    }
    list.set(name, (quoted ?? bare ?? "").replaceAll(/\\([^])/g, "$1"));
  }
}

function readHosts(list: ArgumentList): readonly Endpoint[] {
  const hosts = listOf(list.take("host")) ?? DEFAULT_HOSTS;
  const addresses = listOf(list.take("hostaddr"));
  if (addresses !== undefined) {
    throw new Problem("hostaddr is not supported, give the address as host");
  }
  const ports = (listOf(list.take("port")) ?? [""]).map((port) =>
    port === "" ? PORT : readPort(port)
  );
  if (ports.length !== 1 && ports.length !== hosts.length) {
    throw new Problem(`there are ${hosts.length} hosts and ${ports.length} ports`);
  }
  return hosts.map((host, at) => {
    const port = ports[ports.length === 1 ? 0 : at]!;
    if (!host.startsWith("/")) return inetOf(host === "" ? "localhost" : host, port);
    const isSocket = host.includes("/.s.PGSQL.");
    return { kind: "unix", path: isSocket ? host : `${host}/.s.PGSQL.${port}` };
  });
}

/** `a,b`, or a list, as asyncpg takes it. */
function listOf(value: unknown): readonly string[] | undefined {
  if (value === undefined || value === "") return undefined;
  return Array.isArray(value) ? value.map((each) => `${each}`) : `${value}`.split(",");
}

function readTarget(list: ArgumentList, endpoints: readonly Endpoint[]): PostgresTarget {
  const word = list.text("target_session_attrs");
  if (word === undefined) {
    const isDefault = endpoints.length === DEFAULT_HOSTS.length && endpoints[0]?.kind === "unix";
    return endpoints.length > 1 && !isDefault ? "prefer-primary" : "any";
  }
  const target = Object.hasOwn(TARGETS, word) ? TARGETS[word] : undefined;
  if (target !== undefined) return target;
  throw new Problem(`target_session_attrs must be one of ${Object.keys(TARGETS).join(", ")}`);
}

function readSettings(list: ArgumentList): Record<string, string> {
  const settings: Record<string, string> = {};
  const server = list.take("server_settings");
  if (server !== undefined && !isMapping(server)) {
    throw new Problem("server_settings must have keys");
  }
  for (const [name, value] of Object.entries(server ?? {})) settings[name] = `${value}`;
  for (const name of SETTINGS) {
    const value = list.text(name);
    if (value !== undefined) settings[name] = value;
  }
  return settings;
}
