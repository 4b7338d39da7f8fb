/**
 * Password files of PostgreSQL (documentation of libpq, "The Password File"): lines of
 * `hostname:port:database:username:password`, in which `*` is anything, and `\` is before `:` and `\`.
 *
 * @module
 */

import type { Endpoint } from "../base/address.ts";

/** What a password is for. */
export interface PassFileKey {
  readonly endpoint: Endpoint;
  readonly database: string;
  readonly user: string;
}

/**
 * Finds the first line that fits.
 *
 * @param text The file.
 * @returns Its password.
 */
export function findPassword(
  text: string,
  { endpoint, database, user }: PassFileKey,
): string | undefined {
  // libpq calls its usual directory of sockets localhost, asyncpg every one.
  const [, directory, number] = endpoint.kind === "unix"
    ? /^(.*)\/\.s\.PGSQL\.([0-9]+)$/.exec(endpoint.path) ?? [undefined, endpoint.path, "5432"]
    : [];
  const hosts = endpoint.kind === "inet" ? [endpoint.hostname] : ["localhost", directory];
  const port = endpoint.kind === "inet" ? `${endpoint.port}` : number;
  for (const line of text.split(/\r?\n/)) {
    if (line === "" || line.startsWith("#")) continue;
    const fields = [...line.matchAll(/((?:[^:\\]|\\[^])*)(?::|$)/g)].map(([, field]) =>
      field!.replaceAll(/\\([^])/g, "$1")
    );
    const [host, itsPort, itsDatabase, itsUser, password] = fields;
    const fits = (pattern: string | undefined, values: readonly (string | undefined)[]) =>
      pattern === "*" || values.includes(pattern);
    if (
      password !== undefined && fits(host, hosts) && fits(itsPort, [port]) &&
      fits(itsDatabase, [database]) && fits(itsUser, [user])
    ) return password;
  }
  return undefined;
}
