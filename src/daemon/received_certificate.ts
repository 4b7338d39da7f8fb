/**
 * The certificate of the address where reports are posted, from files that another program renews: `fullchain.pem` and
 * `privkey.pem`, as certbot writes them.
 *
 * A certificate that has expired is still used: senders may ignore that (RFC 8460 §3), and health says it.
 *
 * @module
 */

import { X509Certificate } from "node:crypto";
import { messageOf } from "../base/error_text.ts";
import type { Files } from "../base/files.ts";
import type { Log } from "../base/log.ts";
import { type Made, watchFiles } from "../base/watched_files.ts";
import { listenOnLoopback, type PemPair } from "../http/tls_session.ts";
import type { CertificateState } from "./received_health.ts";

/** A chain of a few certificates is smaller than 20 KiB in PEM, octets. */
const PEM_MAX_OCTETS = 128 * 1024;

const NAMES: readonly string[] = ["fullchain.pem", "privkey.pem"];

/** What {@link watchCertificate} needs. */
export interface WatchedCertificateOptions {
  /** Where the two files are. */
  readonly directory: string;
  readonly files: Pick<Files, "read" | "stamp">;
  readonly log: Log;
}

/** A certificate that is kept up to date. */
export interface WatchedCertificate {
  /** The last good one. */
  get(): PemPair | undefined;
  /** What health says. */
  readonly state: CertificateState;
  /** Reads the files if they have changed. Must not run twice at the same time. Never rejects. */
  scan(): Promise<void>;
}

/** A certificate with its key, and when it expires, ms. */
interface Credentials extends PemPair {
  readonly notAfter: number;
}

/** Watches the files. It reads nothing before the first scan. */
export function watchCertificate(
  { directory, files, log }: WatchedCertificateOptions,
): WatchedCertificate {
  let error: string | undefined;
  const paths = NAMES.map((name) => `${directory}/${name}`);

  async function list(): Promise<ReadonlyMap<string, string>> {
    const stamps = await Promise.all(paths.map((path) => files.stamp(path)));
    // `make` says once that there is none.
    return new Map([[directory, stamps.join(" ")]]);
  }

  async function make(): Promise<Made<Credentials>> {
    const made = await load(paths, files);
    error = made.kind === "refused" ? made.problem : undefined;
    return made;
  }

  const watched = watchFiles({ what: "certificate", list, make, log });
  return {
    get: () => watched.get(directory),
    get state(): CertificateState {
      return { notAfter: watched.get(directory)?.notAfter, error };
    },
    scan: () => watched.scan(),
  };
}

async function load(
  paths: readonly string[],
  files: Pick<Files, "read">,
): Promise<Made<Credentials>> {
  const texts: string[] = [];
  for (const path of paths) {
    const read = await files.read(path, PEM_MAX_OCTETS);
    if (read.kind === "absent") return { kind: "refused", problem: `there is no ${path}` };
    if (read.kind === "failed") return { kind: "refused", problem: read.detail };
    texts.push(new TextDecoder().decode(read.bytes));
  }
  const [cert = "", key = ""] = texts;
  try {
    const notAfter = Date.parse(new X509Certificate(cert).validTo);
    // Whether the runtime takes them, and they belong together.
    listenOnLoopback({ cert, key }).close();
    return { kind: "made", item: { cert, key, notAfter } };
  } catch (error) {
    const text = messageOf(error);
    return { kind: "refused", problem: `certificate and key cannot be used: ${text}` };
  }
}
