/**
 * URLs and arguments of redis-py (`redis.from_url`, version 8): `redis://[[user]:[password]]@host:port/db`, `rediss://`
 * with TLS, `unix://[user@]/path?db=0&password=secret`. Arguments are in the query or beside the URL.
 *
 * Login, host and port before the query, the query before what is given beside the URL, `db` in the query before the
 * path: as redis-py has it.
 *
 * @module
 */

import type { Endpoint } from "../base/address.ts";
import type { RedisAddress, TlsSettings } from "../fleet/engine_address.ts";
import {
  ArgumentList,
  type EngineArguments,
  inetOf,
  Problem,
  readPort,
  splitUri,
  unquote,
} from "./engine_text.ts";

/** Redis has 16 databases, if nobody changes that. */
const DB_MAX = 1_000_000;

const PORT = 6379;

/** Arguments of redis-py without effect here: our own bounds, and what this protocol does not need. */
const UNUSED: readonly string[] = [
  ...["timeout", "socket_timeout", "socket_connect_timeout", "socket_read_size"],
  ...["socket_keepalive", "socket_keepalive_options", "socket_type", "retry", "retry_on_timeout"],
  ...["retry_on_error", "max_connections", "health_check_interval", "protocol", "client_name"],
  ...["lib_name", "lib_version", "encoding", "encoding_errors", "decode_responses"],
  ...["legacy_responses", "single_connection_client", "auto_close_connection_pool"],
  ...["ssl_min_version", "ssl_ciphers", "ssl_include_verify_flags", "ssl_exclude_verify_flags"],
  ...["ssl_validate_ocsp", "ssl_validate_ocsp_stapled", "ssl_ocsp_context"],
  ...[
    "ssl_ocsp_expected_cert",
    "create_connection_pool",
    "driver_info",
    "maint_notifications_config",
  ],
];

/** What no file of ours can express, and what to do instead. */
const REFUSED: Readonly<Record<string, string>> = {
  ssl_ca_path: "ssl_ca_path is not supported, name one file as ssl_ca_certs",
  ssl_ca_data: "ssl_ca_data is not supported, name a file as ssl_ca_certs",
  credential_provider: "credential_provider is not supported, give username and password",
};

/**
 * Reads a URL.
 *
 * @param url `""` if there are arguments alone.
 * @throws {Problem} One line.
 */
export function readRedisUrl(
  url: string,
  given: EngineArguments,
): { readonly address: RedisAddress; readonly unused: readonly string[] } {
  const list = new ArgumentList();
  for (const [name, value] of Object.entries(given)) list.set(name, value);
  const scheme = url === "" ? undefined : addUrl(list, url);
  list.refuse(REFUSED);
  const path = list.file("path") ?? list.file("unix_socket_path");
  const endpoint = endpointOf(list, scheme === "unix" || url === "" ? path : undefined);
  if (scheme === "unix" && path === undefined) throw new Problem("unix:// needs an absolute path");
  const username = list.text("username");
  const password = list.text("password");
  const db = list.count("db") ?? 0;
  if (db > DB_MAX) throw new Problem("db is too large");
  const tls = readTls(list, scheme);
  const address: RedisAddress = {
    kind: "redis",
    endpoints: [endpoint],
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    db,
    ...(tls !== undefined && endpoint.kind === "inet" && { tls }),
  };
  return { address, unused: list.finish(UNUSED) };
}

/** Adds what a URL says. @returns Its scheme. */
function addUrl(list: ArgumentList, url: string): string {
  const { scheme, user, password, hosts, path, query } = splitUri(url, { hasFragment: true });
  // Python keeps the first of two.
  for (const [name, value] of [...query].reverse()) {
    if (value !== "") list.set(name, value);
  }
  if (user) list.set("username", unquote(user));
  if (password) list.set("password", unquote(password));
  if (scheme === "unix") {
    if (hosts !== "") {
      throw new Problem("unix:// needs an absolute path, as in unix:///run/redis.sock");
    }
    if (path !== "") list.set("path", unquote(path));
    return scheme;
  }
  const [, host, port] = /^(\[[^\]]*\]|[^:[\]]*)(?::([^:]*))?$/.exec(hosts) ?? [];
  if (host === undefined) {
    throw new Problem("there must be one host, and after it a colon and the port");
  }
  if (host !== "") list.set("host", unquote(host));
  if (port) list.set("port", port);
  const [, db] = /^\/*([^/]*)\/*$/.exec(unquote(path)) ?? [];
  // What is no number is not looked at in redis-py either, but means something else there: the first database.
  if (db && !query.some(([name]) => name === "db")) list.set("db", db);
  return scheme === "valkeys" ? "rediss" : scheme;
}

function endpointOf(list: ArgumentList, path: string | undefined): Endpoint {
  const host = list.text("host") ?? "localhost";
  const port = list.text("port");
  if (path !== undefined) return { kind: "unix", path };
  return inetOf(host, port === undefined ? PORT : readPort(port));
}

function readTls(list: ArgumentList, scheme: string | undefined): TlsSettings | undefined {
  const isWanted = list.flag("ssl") === true || scheme === "rediss";
  const requirement = `${list.take("ssl_cert_reqs") ?? "required"}`.toLowerCase()
    .replace(/^cert_/, "");
  if (!["none", "optional", "required"].includes(requirement)) {
    throw new Problem("ssl_cert_reqs must be none, optional or required");
  }
  const checksName = list.flag("ssl_check_hostname") ?? true;
  const caFile = list.file("ssl_ca_certs");
  const certFile = list.file("ssl_certfile");
  const keyFile = list.file("ssl_keyfile") ?? certFile;
  const keyPassword = list.text("ssl_password");
  if (keyFile !== undefined && certFile === undefined) {
    throw new Problem("ssl_keyfile needs ssl_certfile");
  }
  if (!isWanted) return undefined;
  return {
    verify: requirement === "none" ? "none" : checksName ? "name" : "issuer",
    ...(caFile !== undefined && { caFile }),
    ...(certFile !== undefined && { certFile }),
    ...(keyFile !== undefined && { keyFile }),
    ...(keyPassword !== undefined && { keyPassword }),
  };
}
