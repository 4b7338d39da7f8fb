/**
 * What received TLS reports say about a domain whose policy is to be enforced, from the file of received reports.
 *
 * @module
 */

import { messageOf } from "../base/error_text.ts";
import type { Config } from "../config/types.ts";
import { OUTLOOK_DAYS, type Reported } from "../publish/outlook.ts";
import { findEntry } from "../receive/own_domains.ts";
import { lastDays } from "../receive/summary.ts";
import { isMissing } from "../sqlite/read_only.ts";
import type { Io } from "./command.ts";
import { receivedFileOf, withReceivedView } from "./received_view.ts";

/** What {@link readReported} works with. */
export interface ReportedOptions {
  readonly config: Config;
  readonly io: Pick<Io, "env">;
  /** ms */
  readonly now: number;
}

/** Reads the last days. @param domain Lower-case A-labels. @returns Never throws. */
export function readReported(domain: string, { config, io, now }: ReportedOptions): Reported {
  const entry = findEntry(domain, config.received.domains);
  if (entry === undefined) return { kind: "not-kept" };
  try {
    // No report has come since the receiver was configured.
    if (isMissing(receivedFileOf(config, io))) {
      return { kind: "rows", entry, outcomes: [], problems: [] };
    }
    return withReceivedView(config, io, {
      use: (view) => {
        const query = { domain: entry, ...lastDays(now, OUTLOOK_DAYS) };
        return {
          kind: "rows",
          entry,
          outcomes: view.outcomes(query),
          problems: view.problems(query),
        };
      },
    });
  } catch (error) {
    return { kind: "failed", detail: messageOf(error) };
  }
}
