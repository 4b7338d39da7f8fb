/**
 * The page of the report daemon, for a quick look: what became of yesterday's reports, what is counted today, and
 * whether anything is wrong.
 *
 * Domains and URIs are chosen by strangers, and reasons hold what their servers say: all of it is shown as text, cut,
 * and nothing of it is a link.
 *
 * @module
 */

import { cutText } from "../base/quote_text.ts";
import { QUEUE_LENGTH_MIN } from "../collect/datagram_socket.ts";
import { type Html, html, NOTHING } from "../http/html.ts";
import type { DayOverview, ListedDelivery, StateOverview } from "../reports/day_overview.ts";
import { formatDay } from "../reports/report_id.ts";
import { figureList } from "../status/figures.ts";
import { healthItem } from "../status/health_item.ts";
import { breakableName } from "../status/names.ts";
import type { Page } from "../status/page_frame.ts";
import { formatCount, formatTime, timeElement } from "../status/wording.ts";
import type { ReportHealthCheck } from "./report_health.ts";

/** Deliveries that are listed for each state: nobody reads more. */
export const LISTED_DELIVERIES = 50;

/** Characters of a URI and of a reason that are shown. */
const URI_MAX_CHARS = 200;
const REASON_MAX_CHARS = 300;

/** What the page shows. Times in ms. */
export interface ReportFacts {
  readonly now: number;
  /** Name of this machine. */
  readonly hostname: string;
  readonly checks: readonly ReportHealthCheck[];
  /** Whether mail is sent and signed, in one line. */
  readonly mail: string;
  /** Datagrams that the kernel queues for a socket, counted up to 128; `undefined` if that is not known. */
  readonly kernelQueue: number | undefined;
  /** Sums in memory, not in the file yet. */
  readonly held: number;
  /** The days; `undefined` if the report file cannot be read. */
  readonly days: { readonly yesterday: DayOverview; readonly today: DayOverview } | undefined;
}

/** The names of the checks. */
const CHECK_NAMES: Readonly<Record<ReportHealthCheck["name"], string>> = {
  store: "Report file",
  days: "Days",
  key: "DKIM key",
};

/** For each state its heading, the heading of its times, and what it means. */
const STATES: Readonly<Record<StateOverview["state"], readonly [string, string, string]>> = {
  refused: ["Refused", "Ended", "The other side, or the configuration here, has refused these."],
  expired: ["Expired", "Ended", "These were tried for 24 hours."],
  due: ["Waiting", "Next try", "These are sent when they are due, or tried again."],
  sent: ["Sent", "Sent", "The mail server has taken these, or the web host has confirmed them."],
};

/** Writes the page. */
export function reportPage(facts: ReportFacts): Page {
  const { now, hostname, checks, days } = facts;
  const wrong = checks.filter(({ status }) => status !== "ok");
  const state = wrong.length === 0
    ? "Everything works"
    : `Working, but check: ${wrong.map(({ name }) => CHECK_NAMES[name]).join(", ")}`;
  return {
    title: `${hostname}: ${state} – TLS reports`,
    body: html`
      <header>
        <p><b>${breakableName(hostname)}</b>, TLS reports to other domains, ${formatTime(
          now,
        )} UTC</p>
        <h1>${state}</h1>
        <ul class="checks">${checks.map((check) => healthItem(CHECK_NAMES[check.name], check))}</ul>
      </header>
      <main>
        ${days === undefined
          ? html`
            <div class="note">
              <p>The report file cannot be read.</p>
            </div>
          `
          : html`${todaySection(days.today, facts)} ${yesterdaySection(days.yesterday, now)}`}
      </main>
    `,
  };
}

function todaySection(today: DayOverview, { mail, kernelQueue, held }: ReportFacts): Html {
  return html`
    <section aria-labelledby="today">
      <h2 id="today">Today</h2>
      ${figureList([...countsOf(today), ["sums not in the file yet", held]])}
      <dl class="facts">
        <dt>Mail</dt>
        <dd>${mail}</dd>
        <dt>Kernel queue</dt>
        <dd>${describeQueue(kernelQueue)}</dd>
      </dl>
    </section>
  `;
}

function yesterdaySection(yesterday: DayOverview, now: number): Html {
  const { day, states } = yesterday;
  const sums = states.map(({ state, count }): [string, number] => [
    STATES[state][0].toLowerCase(),
    count,
  ]);
  return html`
    <section aria-labelledby="yesterday">
      <h2 id="yesterday">Reports of yesterday, ${formatDay(day)}</h2>
      ${figureList([...countsOf(yesterday), ...sums])}
    </section>
    ${states.map((each) => stateSection(each, now))}
  `;
}

function countsOf({ domains, ok, failed }: DayOverview): [string, number][] {
  return [["domains", domains], ["sessions that succeeded", ok], ["sessions that failed", failed]];
}

/** The deliveries in one state; nothing if there is none. */
function stateSection({ state, count, listed }: StateOverview, now: number): Html {
  if (count === 0) return NOTHING;
  const [name, when, meaning] = STATES[state];
  const heads = ["Domain", "To", when, ...(state === "sent" ? [] : ["Reason"])];
  const left = count - listed.length;
  const more = html`<p class="soft">And ${formatCount(left)} more.</p>`;
  return html`
    <section aria-labelledby="${state}">
      <h2 id="${state}">${name}</h2>
      <p class="soft">${meaning}</p>
      <table class="problems">
        <thead>
          <tr>${heads.map((head) => html`<th scope="col">${head}</th>`)}</tr>
        </thead>
        <tbody>${listed.map((row) => deliveryRow(row, { state, when, now }))}</tbody>
      </table>
      ${left > 0 ? more : NOTHING}
    </section>
  `;
}

function deliveryRow(
  { domain, uri, at, error = "" }: ListedDelivery,
  { state, when, now }: { state: StateOverview["state"]; when: string; now: number },
): Html {
  const to = uri === ""
    ? html`<span class="soft">not looked up yet</span>`
    : html`${cutText(uri, URI_MAX_CHARS)}`;
  const reason = html`<td class="why">${cutText(error, REASON_MAX_CHARS)}</td>`;
  return html`
    <tr>
      <th scope="row">${breakableName(domain)}</th>
      <td class="why">${to}</td>
      <td data-label="${when}">${timeElement(at, now)}</td>
      ${state === "sent" ? NOTHING : reason}
    </tr>
  `;
}

function describeQueue(length: number | undefined): string {
  if (length === undefined) return "not measured";
  return length < QUEUE_LENGTH_MIN
    ? `${formatCount(length)} datagrams: too few for a burst of mail`
    : `${formatCount(length)} datagrams or more`;
}
