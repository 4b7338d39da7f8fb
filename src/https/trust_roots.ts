/**
 * Which certificate authorities may vouch for a policy host (RFC 8461 §3.3).
 *
 * The runtime has one set of roots for the whole process. It builds the set from environment variables when it first
 * needs it, and adds the roots given to a single client. The download of a package is such a need. So that the roots
 * are exactly those of a file, and a replaced file counts from the next client on, the process gets an empty set, and
 * each client the roots of the file. The set built into the runtime cannot be given to a client: it is the set of the
 * process, and a change from or to it needs a restart. This module says which variables to set; `openNetwork()` sets
 * them before the first use of TLS.
 *
 * @module
 */

import { messageOf } from "../base/error_text.ts";

/** Where Debian, Fedora, openSUSE, and Alpine with the BSDs keep the bundle of the system's roots. */
const SYSTEM_BUNDLES: readonly string[] = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/ssl/cert.pem",
];

/** A file without certificates, which the runtime takes for an empty set. */
const NO_ROOTS = "/dev/null";

/** What the operator chose: the set built into the runtime, the bundle of the system, or a PEM file. */
export type TrustChoice = "mozilla" | "system" | { readonly file: string };

/** The roots to use. */
export interface TrustRoots {
  /** There are roots to verify certificates with. */
  readonly kind: "loaded";
  /** Which roots were found, for the log. */
  readonly source: "mozilla" | "system" | "file";
  /** The bundle, unless it is the set built into the runtime. */
  readonly file?: string;
  /** Certificates in `file`. */
  readonly certificates?: number;
  /** PEM, for each client and connection; empty for the set built into the runtime. */
  readonly caCerts: readonly string[];
  /** The bundle that the environment named before the variables were set. */
  readonly certFile?: string;
  /** Variables to set, or with `undefined` to remove, before the first use of TLS. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Why there are no roots, in one line that says what to do. */
export interface NoTrustRoots {
  /** No certificate can be verified. */
  readonly kind: "failed";
  /** The line; it names the file. */
  readonly detail: string;
}

/**
 * Finds the roots and checks that there are any. The runtime silently reads a file without certificates as an empty
 * set, with which no fetch could ever succeed.
 *
 * @param choice `system` falls back to the set built into the runtime if the system has none.
 * @param options The bundle that the environment names (`SSL_CERT_FILE`), and where else to look for the system's.
 */
export async function loadTrustRoots(
  choice: TrustChoice,
  options: { readonly certFile?: string; readonly bundles?: readonly string[] } = {},
): Promise<TrustRoots | NoTrustRoots> {
  const roots = await findRoots(choice, options);
  const { certFile } = options;
  return roots.kind === "failed" || certFile === undefined ? roots : { ...roots, certFile };
}

/** The roots to use from now on, where the process may have built its own set already. */
export function nextRoots(roots: TrustRoots, before: TrustRoots | undefined): TrustRoots {
  const ofProcess = (each: TrustRoots) => each.source === "mozilla";
  return before === undefined || ofProcess(before) === ofProcess(roots) ? roots : before;
}

async function findRoots(
  choice: TrustChoice,
  options: { readonly certFile?: string; readonly bundles?: readonly string[] },
): Promise<TrustRoots | NoTrustRoots> {
  if (choice === "mozilla") return mozillaRoots();
  if (choice !== "system") return await readRoots("file", choice.file);
  if (options.certFile) return await readRoots("system", options.certFile);
  for (const bundle of options.bundles ?? SYSTEM_BUNDLES) {
    const roots = await readRoots("system", bundle);
    if (roots.kind === "loaded") return roots;
  }
  return mozillaRoots();
}

function mozillaRoots(): TrustRoots {
  return { kind: "loaded", source: "mozilla", caCerts: [], environment: variables("mozilla") };
}

async function readRoots(
  source: "system" | "file",
  file: string,
): Promise<TrustRoots | NoTrustRoots> {
  try {
    const pem = await Deno.readTextFile(file);
    const certificates = countCertificates(pem);
    const environment = variables("system", NO_ROOTS);
    return { kind: "loaded", source, file, certificates, caCerts: [pem], environment };
  } catch (error) {
    const why = messageOf(error);
    return { kind: "failed", detail: `Cannot use CA file ${file}: ${why}` };
  }
}

/** The runtime's `system` store is a file of our choice if `SSL_CERT_FILE` alone is set. */
function variables(store: "mozilla" | "system", file?: string): TrustRoots["environment"] {
  return {
    DENO_TLS_CA_STORE: store,
    SSL_CERT_FILE: file,
    SSL_CERT_DIR: undefined,
    // These two would add to the store.
    DENO_CERT: undefined,
    NODE_EXTRA_CA_CERTS: undefined,
  };
}

/** @throws {SyntaxError} If there is no certificate, or a damaged one. */
function countCertificates(pem: string): number {
  const blocks = pem.matchAll(/-----BEGIN CERTIFICATE-----([^-]*)-----END CERTIFICATE-----/g);
  let count = 0;
  for (const [, base64 = ""] of blocks) {
    count++;
    if (!isSequence(atob(base64))) throw new SyntaxError(`certificate ${count} is damaged`);
  }
  if (count === 0) throw new SyntaxError("no PEM certificate in it");
  return count;
}

/** Whether octets are exactly one DER SEQUENCE, as a certificate is. */
function isSequence(der: string): boolean {
  const [tag, form, first = 0, second = 0] = Array.from(der.slice(0, 4), (c) => c.charCodeAt(0));
  const length = form === 0x82 ? 4 + first * 256 + second : form === 0x81 ? 3 + first : 0;
  return tag === 0x30 && length === der.length;
}
