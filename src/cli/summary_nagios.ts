/**
 * Summaries of received reports in the form of a monitoring plugin (Nagios, Icinga and compatible).
 *
 * The state goes by the part of sessions that failed. Unsigned reports, which anybody can post, count for it only where
 * no sender signs.
 *
 * @module
 */

import { quoteRemote } from "../base/quote_text.ts";
import { count } from "../check/wording.ts";
import { believedSums, describeVerdict, failureShare } from "../receive/summary.ts";
import type { DomainSummary } from "../receive/summary_types.ts";
import { formatPercent } from "./summary_text.ts";

/** Exit status and word of each state, from the plugin guidelines. */
const STATES = { OK: 0, WARNING: 1, CRITICAL: 2, UNKNOWN: 3 } as const;

type State = keyof typeof STATES;

/** Characters of the whole output. NRPE cuts at 4096 octets, Nagios itself at 8192. */
const OUTPUT_MAX_LENGTH = 4000;

/** Domains that the first line names. */
const NAMED_DOMAINS = 5;

/** From which parts of sessions on something is wrong, 0 to 1. */
export interface Thresholds {
  readonly warning: number;
  readonly critical: number;
}

/** Writes the result, and says how the plugin exits. */
export function formatSummaryNagios(
  summaries: readonly DomainSummary[],
  thresholds: Thresholds,
): { readonly text: string; readonly exit: number } {
  const judged = summaries.map((summary) => ({ summary, state: stateOf(summary, thresholds) }));
  const isSilent = summaries.every(({ verdict }) => verdict === "nothing-reported");
  const worst = (["CRITICAL", "WARNING"] as const).find((one) =>
    judged.some(({ state }) => state === one)
  );
  const state: State = worst ?? (isSilent ? "UNKNOWN" : "OK");
  const wrong = judged.filter((one) => one.state !== "OK").map(({ summary }) => summary);
  const lines = [
    `TLSRPT ${state}: ${headline(wrong, summaries)} | ${performance(summaries, thresholds)}`,
  ];
  let length = lines[0]!.length;
  for (const line of wrong.flatMap(problemLines)) {
    length += line.length + 1;
    if (length < OUTPUT_MAX_LENGTH) lines.push(line);
  }
  return { text: lines.join("\n") + "\n", exit: STATES[state] };
}

/** The result if nothing can be read. */
export function formatSummaryUnknown(message: string): {
  readonly text: string;
  readonly exit: number;
} {
  return { text: `TLSRPT UNKNOWN: ${clean(message)}\n`, exit: STATES.UNKNOWN };
}

function stateOf(summary: DomainSummary, { warning, critical }: Thresholds): State {
  const sums = believedSums(summary);
  if (sums.failed === 0) return "OK";
  const share = failureShare(sums);
  return share >= critical ? "CRITICAL" : share >= warning ? "WARNING" : "OK";
}

function headline(wrong: readonly DomainSummary[], all: readonly DomainSummary[]): string {
  const reported = all.filter(({ verdict }) => verdict !== "nothing-reported");
  if (wrong.length === 0) {
    return reported.length === 1
      ? `${reported[0]!.domain}: ${describeVerdict(reported[0]!)}`
      : `${count(reported.length, "domain")} of ${all.length} reported on, none beyond the limit`;
  }
  const named = wrong.slice(0, NAMED_DOMAINS).map((summary) =>
    `${summary.domain}: ${describeVerdict(summary)}, ${
      formatPercent(failureShare(believedSums(summary)))
    } of sessions`
  );
  const more = wrong.length - named.length;
  return [...named, ...(more > 0 ? [`and ${count(more, "more domain")}`] : [])].join("; ");
}

/** `label=value[unit];warning;critical;minimum;maximum`: the worst domain, and sums over all. */
function performance(summaries: readonly DomainSummary[], thresholds: Thresholds): string {
  const shares = summaries.map((summary) => failureShare(believedSums(summary)));
  const worst = shares.reduce((most, share) => Math.max(most, share), 0);
  const sum = (read: (summary: DomainSummary) => number) =>
    summaries.reduce((total, summary) => total + read(summary), 0);
  const percent = (share: number) => String(Math.round(share * 1e8) / 1e6);
  const limits = `${percent(thresholds.warning)};${percent(thresholds.critical)}`;
  return [
    `failed=${percent(worst)}%;${limits};0;100`,
    `sessions=${sum(({ sessions }) => sessions.successful + sessions.failed)};;;0`,
    `failed_sessions=${sum(({ sessions }) => sessions.failed)};;;0`,
    `senders=${sum(({ senders }) => senders.length)};;;0`,
    `failing_senders=${sum(({ failing }) => failing)};;;0`,
  ].join(" ");
}

function problemLines({ domain, problems }: DomainSummary): string[] {
  return problems.map((problem) => {
    const where = problem.mx === "" ? "" : ` at ${quoteRemote(problem.mx, 100)}`;
    const marks = [problem.isNew ? ", new" : "", problem.isUnsigned ? ", unsigned" : ""].join("");
    const who = count(problem.senders.length, "sender");
    return clean(
      `${domain}: ${problem.result}${where}: ${
        count(problem.count, "session")
      } of ${who} since ${problem.since}${marks}`,
    );
  });
}

/** A bar anywhere in a line starts the performance data. */
function clean(text: string): string {
  return text.replaceAll("|", "/").replaceAll("\n", " ");
}
