/**
 * Rows of received reports as tables, and a view of them without a file.
 *
 * @module
 */

import type {
  KeptReport,
  OutcomeRow,
  ProblemRow,
  ReceivedView,
  RowQuery,
} from "../../src/receive/types.ts";

/** Today in these tests: late in the morning of 2026-11-29. */
export const TODAY: number = Date.UTC(2026, 10, 29, 11);

/** A day before today, `YYYY-MM-DD`. */
export function daysAgo(days: number): string {
  return new Date(TODAY - days * 86_400_000).toISOString().slice(0, 10);
}

/** Counts of a sender on a day. */
export function outcome(
  domain: string,
  day: string,
  rest: Partial<OutcomeRow> & Pick<OutcomeRow, "submitter">,
): OutcomeRow {
  return { domain, day, policy: "sts", authentication: "dkim", successful: 0, failed: 0, ...rest };
}

/** A failure as a sender saw it on a day. */
export function failure(
  domain: string,
  day: string,
  rest: Partial<ProblemRow> & Pick<ProblemRow, "submitter" | "result">,
): ProblemRow {
  return {
    domain,
    day,
    authentication: "dkim",
    mx: "mx1.example.com",
    reason: "",
    network: "",
    count: 1,
    ...rest,
  };
}

/** A report that was kept. */
export function kept(rest: Partial<KeptReport> & Pick<KeptReport, "submitter">): KeptReport {
  const begin = Date.UTC(2026, 10, 28);
  return {
    id: 1,
    organization: undefined,
    contact: undefined,
    reportId: "1",
    range: { begin, end: begin + 86_399_000 },
    authentication: "dkim",
    way: "mail",
    receivedAt: TODAY - 3 * 3_600_000,
    deviations: [],
    changed: false,
    counts: true,
    ...rest,
  };
}

/** A view of rows. */
export class TableView implements ReceivedView {
  readonly rows: { outcomes: OutcomeRow[]; problems: ProblemRow[] } = {
    outcomes: [],
    problems: [],
  };
  readonly kept: Record<string, KeptReport[]> = {};

  domains(): string[] {
    return [...new Set(this.rows.outcomes.map(({ domain }) => domain))].sort();
  }

  outcomes(query: RowQuery): OutcomeRow[] {
    return select(this.rows.outcomes, query);
  }

  problems(query: RowQuery): ProblemRow[] {
    return select(this.rows.problems, query);
  }

  reports(domain: string, limit: number): KeptReport[] {
    return (this.kept[domain] ?? []).slice(0, limit);
  }

  body(): undefined {
    return undefined;
  }

  days(domain: string): { first: string; last: string } | undefined {
    const days = this.rows.outcomes.filter((row) => row.domain === domain)
      .map(({ day }) => day).sort();
    const [first] = days;
    return first === undefined ? undefined : { first, last: days.at(-1)! };
  }
}

function select<Row extends OutcomeRow | ProblemRow>(
  rows: readonly Row[],
  { since, until, domain }: RowQuery,
): Row[] {
  return rows.filter((row) =>
    row.day >= since && row.day <= until && (domain === undefined || row.domain === domain)
  ).sort((one, other) => keyOf(one) < keyOf(other) ? -1 : 1);
}

function keyOf({ domain, day, submitter }: OutcomeRow | ProblemRow): string {
  return `${domain}\0${day}\0${submitter}`;
}
