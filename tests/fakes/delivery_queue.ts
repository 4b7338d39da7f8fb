/**
 * A queue of deliveries in memory, for tests of what the deliverer does with one.
 *
 * @module
 */

import type {
  CountedReport,
  DeliveryOutcome,
  DeliveryQueue,
  DeliveryRow,
  DueReport,
} from "../../src/reports/types.ts";
import type { Report, ReportPolicy } from "../../src/tlsrpt/report.ts";
import { parseRua } from "../../src/tlsrpt/rua.ts";

const DAY_MS = 86_400_000;

type Row = { -readonly [Key in keyof DeliveryRow]: DeliveryRow[Key] };

/** A report of one policy. */
export function makeReport(domain: string, given: Partial<ReportPolicy> = {}): Report {
  const begin = Date.UTC(2026, 0, 1);
  return {
    organization: "Example Ltd.",
    contact: "tls@example.com",
    reportId: `20260101.${domain.length.toString(16).padStart(16, "0")}`,
    begin,
    end: begin + DAY_MS - 1000,
    domain,
    policies: [{
      type: "sts",
      domain,
      strings: ["version: STSv1"],
      mxHosts: [`mx.${domain}`],
      successful: 3,
      failed: 1,
      details: [{ result: "certificate-expired", count: 1, mxHost: `mx.${domain}` }],
      ...given,
    }],
  };
}

/** The queue. */
export class FakeDeliveryQueue implements DeliveryQueue {
  readonly rows: Row[] = [];
  readonly counted = new Map<string, CountedReport>();
  readonly mailed = new Map<string, number>();
  /** Makes each write throw. */
  isBroken = false;

  /** Counts for a domain on day 0 of the tests, due at once. */
  add(
    domain: string,
    given: { record?: string; policy?: Partial<ReportPolicy>; at: number },
  ): void {
    const report = makeReport(domain, given.policy);
    const [{ successful: ok, failed }] = report.policies as [ReportPolicy];
    const day = report.begin / DAY_MS;
    this.counted.set(domain, { report, record: given.record, sessions: { ok, failed } });
    this.#insert({ day, domain, uri: "" }, given.at);
  }

  /** States and errors by URI, of one domain. */
  states(domain: string): string[] {
    return this.rows.filter((row) => row.domain === domain)
      .map(({ uri, state, error }) => [uri, state, error].filter(Boolean).join(" "));
  }

  due(now: number, limit: number): DueReport[] {
    return this.rows.filter(({ state, dueAt }) => state === "due" && dueAt <= now)
      .sort((a, b) => a.dueAt - b.dueAt)
      .slice(0, limit)
      .map(({ day, domain, uri, attempts, firstAt }) => ({
        ...{ day, domain, attempts, firstAt },
        uri: uri === "" ? undefined : uri,
      }));
  }

  plan(day: number, domain: string, uris: readonly string[], now: number): void {
    this.#check();
    const at = this.rows.findIndex((row) =>
      row.day === day && row.domain === domain && row.uri === ""
    );
    if (at < 0) return;
    this.rows.splice(at, 1);
    for (const uri of uris) this.#insert({ day, domain, uri }, now);
  }

  settle(
    { day, domain, uri }: { day: number; domain: string; uri: string },
    outcome: DeliveryOutcome,
  ): void {
    this.#check();
    const row = this.rows.find((each) =>
      each.day === day && each.domain === domain && each.uri === uri && each.state === "due"
    );
    if (row === undefined) return;
    row.state = outcome.state;
    row.attempts++;
    row.error = outcome.state === "sent" ? undefined : outcome.error;
    if (outcome.state === "due") row.dueAt = outcome.dueAt;
    const destination = parseRua(uri);
    if (outcome.state !== "sent" || destination.kind === "invalid") return;
    const { kind, host } = destination;
    const key = kind === "mailto" ? host : `https://${host}`;
    this.mailed.set(key, (this.mailed.get(key) ?? 0) + 1);
  }

  report(_day: number, domain: string): CountedReport | undefined {
    return this.counted.get(domain);
  }

  mailsTo(_day: number, domain: string): number {
    return this.mailed.get(domain) ?? 0;
  }

  #insert(row: { day: number; domain: string; uri: string }, at: number): void {
    this.rows.push({
      ...row,
      state: "due",
      attempts: 0,
      firstAt: at,
      dueAt: at,
      error: undefined,
    });
  }

  #check(): void {
    if (this.isBroken) throw new Error("disk is full");
  }
}
