/**
 * The page of one of our own domains: whether senders can deliver to it securely, what failed and what to do, what
 * `check` sees now, and the reports that this rests on.
 *
 * Nearly all text on it was written by strangers: shown as text, cut, and no link.
 *
 * @module
 */

import { type Html, html, NOTHING } from "../http/html.ts";
import type { DaySums, DomainSummary } from "../receive/summary_types.ts";
import type { KeptReport } from "../receive/types.ts";
import type { Advice } from "../tlsrpt/advice.ts";
import { checkSection } from "./check_section.ts";
import type { CheckState } from "./check_seen.ts";
import { figureList } from "./figures.ts";
import { breakableName, uLabels } from "./names.ts";
import type { Page } from "./page_frame.ts";
import { drawDays } from "./received_chart.ts";
import { problemBlock } from "./received_problem.ts";
import { policyList, reportTable, senderTable } from "./received_tables.ts";
import { formatCount, formatShare } from "./wording.ts";

/** Problems that are shown, those with the most sessions first. */
const PROBLEMS_SHOWN = 25;

/** What the page shows. Times in ms. */
export interface ReceivedDomainFacts {
  readonly now: number;
  /** Name of this machine. */
  readonly hostname: string;
  /** Of the last days. */
  readonly summary: DomainSummary;
  /** The verdict in a sentence without its full stop. */
  readonly verdict: string;
  /** Each of the last 30 days, oldest first. */
  readonly chart: readonly DaySums[];
  /** The latest first. */
  readonly reports: readonly KeptReport[];
  readonly check: CheckState;
  /** What to do, in the words of `check`. */
  readonly remedyOf: (advice: Advice, domain: string | undefined) => string;
}

/** Writes the page. */
export function receivedDomainPage(facts: ReceivedDomainFacts): Page {
  const { hostname, summary, verdict, chart } = facts;
  const { domain, sessions, senders, failing } = summary;
  const { successful, failed } = sessions;
  const share = failed === 0 ? "" : `: ${formatShare(successful, failed)}`;
  return {
    title: `${domain}: ${verdict} – TLS reports`,
    body: html`
      <header>
        <p><a href="/">All our domains</a> on <b>${breakableName(hostname)}</b></p>
        <h1>${breakableName(domain)}</h1>
        ${uLabels(domain)}
        <p class="verdict v-${summary.verdict}">${capitalize(verdict)}.</p>
      </header>
      <main>
        ${checkSection(facts.check, facts.now)}
        ${problemSection(facts)}
        <section aria-labelledby="sessions">
          <h2 id="sessions">Sessions</h2>
          ${figureList([
            ["senders", senders.length],
            ["could not deliver securely", failing],
            ["sessions succeeded", successful],
            [`sessions failed${share}`, failed],
          ])}
          ${policyList(summary.policies)}
          ${drawDays(chart)}
        </section>
        ${senderTable(senders)}
        ${reportTable(facts.reports, facts.now)}
      </main>
    `,
  };
}

/** The page of a name that is none of our domains. */
export function noSuchDomainPage(name: string, hostname: string): Page {
  const content = html`
    <p>No reports are kept for this domain: it is not in <code>received.domains</code>.</p>
  `;
  return barePage(name, { hostname, status: 404, content });
}

/** The page of a domain of ours, if the reports cannot be read. @param facts `reason`: one line. */
export function unreadableDomainPage(
  domain: string,
  { hostname, reason }: { readonly hostname: string; readonly reason: string },
): Page {
  const content = html`
    <div class="note">
      <p>The reports cannot be read: ${reason}</p>
    </div>
  `;
  return barePage(domain, { hostname, status: 503, content });
}

function barePage(
  name: string,
  { hostname, status, content }: { hostname: string; status: 404 | 503; content: Html },
): Page {
  return {
    title: `${name} on ${hostname} – TLS reports`,
    status,
    body: html`
      <header>
        <p><a href="/">All our domains</a> on <b>${breakableName(hostname)}</b></p>
        <h1>${breakableName(name)}</h1>
      </header>
      <main>
        ${content}
      </main>
    `,
  };
}

function problemSection({ summary, check, now, remedyOf }: ReceivedDomainFacts): Html {
  const { problems, domain, verdict } = summary;
  const name = domain.startsWith("*.") ? undefined : domain;
  const shown = problems.slice(0, PROBLEMS_SHOWN);
  const left = problems.length - shown.length;
  const blocks = shown.map((problem) =>
    problemBlock(problem, {
      domain: name,
      now,
      check,
      remedy: remedyOf(problem.explanation.advice, name),
    })
  );
  return html`
    <section aria-labelledby="problems">
      <h2 id="problems">What failed</h2>
      ${blocks.length === 0 ? html`<p class="soft">${NO_PROBLEM[verdict]}</p>` : blocks}
      ${left > 0
        ? html`
          <p class="soft">And ${formatCount(left)} more kinds: see
            <code>mta-sts-resolver report summary ${domain}</code>.</p>
        `
        : NOTHING}
      ${summary.problems.some(({ isUnsigned }) => isUnsigned) ? UNSIGNED_NOTE : NOTHING}
    </section>
  `;
}

const NO_PROBLEM: Readonly<Record<DomainSummary["verdict"], string>> = {
  "nothing-reported": "Nothing was reported, so nothing is known to fail.",
  secure: "Nothing.",
  failures: "Sessions failed, but the reports do not say how.",
};

const UNSIGNED_NOTE: Html = html`
  <p class="soft">
    Anybody can write an unsigned report in the name of another. Believe it if
    <code>check</code> sees the same, or a signed report has it too.
  </p>
`;

function capitalize(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
