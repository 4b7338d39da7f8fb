/**
 * The status page, for a quick look: whether the daemon works, what it answers, which domains are cached,
 * and the last warnings.
 *
 * @module
 */

import { drawChart } from "./charts.ts";
import { exceptionSection } from "./exception_block.ts";
import type { ExceptionState } from "./exception_watch.ts";
import { fleetBlock } from "./fleet_block.ts";
import type { FleetStatus } from "../fleet/status.ts";
import type { HealthCheck, HealthReport } from "./health.ts";
import { healthItem } from "./health_item.ts";
import type { Span } from "./history.ts";
import { type Html, html, NOTHING } from "../http/html.ts";
import { domainSection } from "./domain_list.ts";
import type { Listing } from "./listing.ts";
import { breakableName, domainLink } from "./names.ts";
import { deferredBlock, unfetchedBlock } from "./problem_blocks.ts";
import type { ProblemLists } from "./problems.ts";
import type { Page } from "./page_frame.ts";
import type { Warning } from "../base/warnings.ts";
import { formatCount, formatTime, timeElement } from "./wording.ts";

/** The content of the page. Times in ms. */
export interface StatusFacts {
  readonly now: number;
  /** Name of this machine. */
  readonly hostname: string;
  readonly health: HealthReport;
  readonly problems: ProblemLists;
  /** The key figures, each with its name. */
  readonly figures: readonly (readonly [name: string, value: string | Html])[];
  readonly hour: Span;
  readonly day: Span;
  readonly listing: Listing;
  readonly exceptions: readonly ExceptionState[];
  /** The engine that a fleet shares; `undefined` if there is none. */
  readonly fleet: FleetStatus | undefined;
  /** Newest first. */
  readonly warnings: readonly Warning[];
}

/** The names of the checks. */
const CHECK_NAMES: Readonly<Record<HealthCheck["name"], string>> = {
  listening: "Listening",
  deferred: "Deferred",
  config: "Configuration",
  dns: "DNS",
  clock: "Clock",
  cache: "Cache",
  shared: "Fleet",
  dnssec: "DNSSEC",
  exceptions: "Exceptions",
};

/** Writes the page. */
export function statusPage(facts: StatusFacts): Page {
  const { now, hostname, health, problems, hour, day, listing, warnings } = facts;
  const state = describeState(health, problems);
  const checks = health.checks.map((check) => healthItem(CHECK_NAMES[check.name], check));
  const figures = facts.figures.map(([name, value]) =>
    html`
      <div>
        <dt>${name}</dt>
        <dd>${value}</dd>
      </div>
    `
  );
  return {
    title: `${hostname}: ${state} – MTA-STS`,
    body: html`
      <a class="skip" href="#domains">Skip to the cached domains</a>
      <header>
        <p><b>${breakableName(hostname)}</b>, MTA-STS policies for Postfix, ${formatTime(
          now,
        )} UTC</p>
        <h1>${state}</h1>
        <ul class="checks">${checks}</ul>
      </header>
      <main>
        ${deferredBlock(problems, now)}
        ${unfetchedBlock(problems, now)}
        <dl class="figures">${figures}</dl>
        <section class="charts" aria-label="Answers over time">
          ${drawChart(hour, { title: "Last hour", unit: "a minute" })}
          ${drawChart(day, { title: "Last day", unit: "15 minutes" })}
        </section>
        ${exceptionSection(facts.exceptions, now)}
        ${fleetBlock(facts.fleet, now)}
        ${warningSection(warnings, now)}
        ${domainSection(listing, now)}
      </main>
    `,
  };
}

/** The state in one sentence. */
function describeState({ status, checks }: HealthReport, problems: ProblemLists): string {
  if (status === "ready") return "Everything works";
  const wrong = checks.filter((check) =>
    check.status === (status === "unready" ? "failed" : "warning")
  ).map(({ name }) => name);
  if (status === "unready") return `Not working: ${namesOf(wrong)}`;
  const { deferredCount } = problems;
  const domains = deferredCount === 1 ? "1 domain" : `${formatCount(deferredCount)} domains`;
  const others = wrong.filter((name) => name !== "deferred" && name !== "config");
  const phrases = [
    ...(wrong.includes("deferred") ? [`mail to ${domains} is deferred`] : []),
    ...(wrong.includes("config") ? ["the last reload was refused"] : []),
    ...(others.length > 0 ? [`check ${namesOf(others)}`] : []),
  ];
  return `Working, but ${phrases.join("; ")}`;
}

function namesOf(checks: readonly HealthCheck["name"][]): string {
  return checks.map((name) => CHECK_NAMES[name]).join(", ");
}

function warningSection(warnings: readonly Warning[], now: number): Html {
  const items = warnings.map((warning) => warningItem(warning, now));
  const list = warnings.length === 0
    ? html`<p class="soft">None since the daemon started.</p>`
    : html`<ol class="said">${items}</ol>`;
  return html`
    <section aria-labelledby="warnings">
      <h2 id="warnings">Recent warnings</h2>
      ${list}
    </section>
  `;
}

/** The event, the domain as a link, the other fields, and how many such warnings were suppressed. */
function warningItem({ at, event, fields, suppressed }: Warning, now: number): Html {
  const { domain, reason, detail, ...others } = fields;
  const details = [
    reason,
    detail,
    ...Object.entries(others).map(([name, value]) =>
      value === undefined ? undefined : `${name} ${value}`
    ),
    suppressed > 0 ? `${formatCount(suppressed)} more suppressed before` : undefined,
  ].filter((text) => text !== undefined && text !== "");
  const link = typeof domain === "string" ? domainLink(domain) : NOTHING;
  return html`
    <li>
      ${timeElement(at, now)}
      <div><b>${event}</b> ${link} <span>${details.join("; ")}</span></div>
    </li>
  `;
}
