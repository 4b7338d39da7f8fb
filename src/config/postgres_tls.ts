/**
 * `sslmode` and its files (PostgreSQL documentation, "SSL Support"): what is encrypted, and what is verified.
 *
 * @module
 */

import type { PostgresAddress } from "../fleet/engine_address.ts";
import { type ArgumentList, Problem } from "./engine_text.ts";

const MODES: readonly string[] = [
  "disable",
  "allow",
  "prefer",
  "require",
  "verify-ca",
  "verify-full",
];

/** Reads the arguments about TLS. */
export function readPostgresTls(list: ArgumentList): PostgresAddress["tls"] {
  const mode = readMode(list);
  const rootFile = list.text("sslrootcert");
  const caFile = rootFile === "system" ? undefined : list.file("sslrootcert");
  const certFile = list.file("sslcert");
  const keyFile = list.file("sslkey") ?? certFile;
  const keyPassword = list.text("sslpassword");
  if (keyFile !== undefined && certFile === undefined) throw new Problem("sslkey needs sslcert");
  const negotiation = list.text("sslnegotiation") ?? "postgres";
  if (negotiation !== "postgres" || list.flag("direct_tls") === true) {
    throw new Problem("TLS without asking for it before is not supported");
  }
  if (rootFile === "system" && mode !== "verify-full") {
    throw new Problem("sslrootcert=system needs sslmode=verify-full");
  }
  if (mode === "disable") return undefined;
  return {
    isOptional: mode === "allow" || mode === "prefer",
    verify: verifyOf(mode, caFile),
    ...(caFile !== undefined && { caFile }),
    ...(certFile !== undefined && { certFile }),
    ...(keyFile !== undefined && { keyFile }),
    ...(keyPassword !== undefined && { keyPassword }),
  };
}

/** `sslmode`, or `ssl` of asyncpg, which may also be true or false. */
function readMode(list: ArgumentList): string {
  const ssl = list.take("ssl");
  const word = list.text("sslmode");
  if (ssl === true) return "verify-full";
  if (ssl === false) return "disable";
  const mode = ssl === undefined || ssl === "" ? word ?? "prefer" : `${ssl}`;
  if (!MODES.includes(mode)) throw new Problem(`sslmode must be one of ${MODES.join(", ")}`);
  return mode;
}

/** With a file of issuers, `require` verifies them too, as in libpq. */
function verifyOf(mode: string, caFile: string | undefined): "none" | "issuer" | "name" {
  if (mode === "verify-full") return "name";
  return mode === "verify-ca" || mode === "require" && caFile !== undefined ? "issuer" : "none";
}
