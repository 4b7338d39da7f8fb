/**
 * The policies that are served: the files `DOMAIN.txt` of one directory that hold a valid policy.
 *
 * @module
 */

import type { Log } from "../base/log.ts";
import { toALabel } from "../sts/domain.ts";
import { POLICY_MAX_BYTES } from "../sts/policy.ts";
import { formatDiagnostic, lintPolicy } from "./lint.ts";
import type { LintOptions } from "./lint.ts";
import { decodePolicy } from "./policy_file.ts";
import { watchFiles } from "../base/watched_files.ts";
import type { Made, WatchedFiles } from "../base/watched_files.ts";
import type { Files } from "../base/files.ts";

/** Files watched in one directory: each costs a `stat` at every scan. */
const POLICIES_MAX = 10_000;

const EXTENSION = ".txt";

/** What {@link watchPolicy} needs. */
export interface WatchedPolicyOptions extends LintOptions {
  readonly directory: string;
  readonly files: Files;
  readonly log: Log;
}

/** Watches a directory of policies: the octets to serve by domain (lower-case A-labels). */
export function watchPolicy(
  options: WatchedPolicyOptions,
): WatchedFiles<Uint8Array<ArrayBuffer>> {
  const { directory, files, log } = options;
  const pathOf = (domain: string) => `${directory}/${domain}${EXTENSION}`;

  async function list(): Promise<ReadonlyMap<string, string> | undefined> {
    const names = await files.list(directory);
    if (names === undefined) return undefined;
    const stamps = new Map<string, string>();
    for (const name of names.toSorted()) {
      const domain = domainOfFile(name);
      const stamp = domain === undefined ? undefined : await files.stamp(pathOf(domain));
      if (domain !== undefined && stamp !== undefined) stamps.set(domain, stamp);
      if (stamps.size === POLICIES_MAX) break;
    }
    return stamps;
  }

  async function make(domain: string): Promise<Made<Uint8Array<ArrayBuffer>>> {
    const read = await files.read(pathOf(domain), POLICY_MAX_BYTES);
    if (read.kind === "absent") return { kind: "refused", problem: "the file is gone" };
    if (read.kind === "failed") return { kind: "refused", problem: read.detail };
    const diagnostics = lintPolicy(decodePolicy(read.bytes), options);
    const error = diagnostics.find(({ severity }) => severity === "error");
    if (error !== undefined) return { kind: "refused", problem: formatDiagnostic(error) };
    const warning = diagnostics.find(({ severity }) => severity === "warning");
    if (warning !== undefined) {
      const problem = formatDiagnostic(warning);
      log.warn("some senders refuse policy", { key: domain, problem });
    }
    return { kind: "made", item: read.bytes };
  }

  return watchFiles({ what: "policy", list, make, log });
}

/** The domain of a policy file; `undefined` unless the name is a domain in lower-case A-labels. */
function domainOfFile(name: string): string | undefined {
  if (!name.endsWith(EXTENSION)) return undefined;
  const domain = name.slice(0, -EXTENSION.length);
  return toALabel(domain) === domain && domain.includes(".") ? domain : undefined;
}
