/**
 * The tables on the page of one of our own domains: the policies that senders saw, the senders, and the latest reports.
 *
 * @module
 */

import { cutText } from "../base/quote_text.ts";
import { type Html, html, NOTHING } from "../http/html.ts";
import type { DomainSummary, SenderSummary } from "../receive/summary_types.ts";
import type { KeptReport, OutcomeRow, Way } from "../receive/types.ts";
import { DEVIATION_KINDS } from "../tlsrpt/deviation.ts";
import { authenticationMark, shortName } from "./received_problem.ts";
import { formatCount, formatShare, formatTime, timeElement } from "./wording.ts";

/** Senders that are listed, those with failures first. */
const SENDERS_SHOWN = 50;

/** Deviations of a report that are named. */
const DEVIATIONS_SHOWN = 20;

/** Characters of the name of an organization. */
const ORGANIZATION_MAX_CHARS = 80;

const POLICIES: Readonly<Record<OutcomeRow["policy"], string>> = {
  sts: "under the MTA-STS policy",
  tlsa: "under TLSA records (DANE)",
  "no-policy-found": "the sender found no policy",
  unknown: "under a policy of unknown kind",
};

const WAYS: Readonly<Record<Way, string>> = {
  mail: "by mail",
  https: "by HTTPS",
  file: "from a file",
};

/** Sessions by the kind of policy that the senders saw; nothing if there are none. */
export function policyList(policies: DomainSummary["policies"]): Html {
  if (policies.length === 0) return NOTHING;
  const rows = policies.map(({ policy, successful, failed }) =>
    html`
      <dt>${POLICIES[policy]}</dt>
      <dd>${formatCount(successful)} succeeded, ${formatCount(failed)} failed</dd>
    `
  );
  return html`<dl class="facts">${rows}</dl>`;
}

/** Who reported; nothing if nobody did. */
export function senderTable(senders: readonly SenderSummary[]): Html {
  if (senders.length === 0) return NOTHING;
  const shown = senders.slice(0, SENDERS_SHOWN);
  return html`
    <section aria-labelledby="senders">
      <h2 id="senders">Senders</h2>
      <table class="problems">
        <thead>
          <tr>${heads("Sender", "Succeeded", "Failed", "Failure rate", "Last day")}</tr>
        </thead>
        <tbody>${shown.map(senderRow)}</tbody>
      </table>
      ${moreNote(senders.length - shown.length)}
    </section>
  `;
}

function senderRow(sender: SenderSummary): Html {
  const { submitter, authentication, successful, failed, hasFailed, last } = sender;
  return html`
    <tr>
      <th scope="row">${shortName(submitter)} ${authenticationMark(authentication)}</th>
      <td data-label="Succeeded">${formatCount(successful)}</td>
      <td data-label="Failed" class="${hasFailed ? "v-failures" : ""}">${formatCount(failed)}</td>
      <td data-label="Failure rate">${formatShare(successful, failed)}</td>
      <td data-label="Last day">${last}</td>
    </tr>
  `;
}

/** The latest reports. @param now Current time, ms. */
export function reportTable(reports: readonly KeptReport[], now: number): Html {
  const table = html`
    <table class="problems">
      <thead>
        <tr>${heads("Sender", "About", "Received", "Departs from RFC 8460")}</tr>
      </thead>
      <tbody>${reports.map((report) => reportRow(report, now))}</tbody>
    </table>
  `;
  return html`
    <section aria-labelledby="reports">
      <h2 id="reports">Latest reports</h2>
      ${reports.length === 0 ? html`<p class="soft">None is kept.</p>` : table}
    </section>
  `;
}

function reportRow(report: KeptReport, now: number): Html {
  const { submitter, organization, authentication, way, receivedAt, changed, counts } = report;
  const signed = authentication === "dkim"
    ? html`<span class="soft">signed</span>`
    : authenticationMark(authentication);
  const name = organization === undefined ? NOTHING : html`
    <span class="soft">${cutText(organization, ORGANIZATION_MAX_CHARS)}</span>
  `;
  return html`
    <tr>
      <th scope="row">
        ${shortName(submitter)} ${signed} ${changed ? CHANGED : NOTHING} ${counts
          ? NOTHING
          : NOT_COUNTED} ${name}
      </th>
      <td data-label="About">${rangeText(report.range)}</td>
      <td data-label="Received">${timeElement(validTime(receivedAt), now)} ${WAYS[way]}</td>
      <td class="why">${deviationList(report.deviations)}</td>
    </tr>
  `;
}

const CHANGED: Html = html`<span class="tag unsigned">same id, different content</span>`;
const NOT_COUNTED: Html = html`<span class="tag">not counted</span>`;

/** A day, or two times. */
function rangeText({ begin, end }: KeptReport["range"]): string {
  const [from, to] = [formatTime(validTime(begin)), formatTime(validTime(end))];
  const isDay = from.endsWith(" 00:00") && to === `${from.slice(0, 10)} 23:59`;
  return isDay ? from.slice(0, 10) : `${from} to ${to}`;
}

/** The nearest time that can be written; a file may hold anything. */
function validTime(time: number): number {
  const LAST = 8.64e15;
  return Number.isNaN(time) ? 0 : Math.max(-LAST, Math.min(LAST, time));
}

function deviationList(words: readonly string[]): Html {
  if (words.length === 0) return html`<span class="soft">nowhere</span>`;
  const shown = words.slice(0, DEVIATIONS_SHOWN);
  const items = shown.map((word) => html`<li>${deviationText(word)}</li>`);
  const count = words.length === 1 ? "in 1 way" : `in ${formatCount(words.length)} ways`;
  return html`
    <details>
      <summary>${count}</summary>
      <ul>${items}</ul>
    </details>
  `;
}

function deviationText(word: string): string {
  return Object.hasOwn(DEVIATION_KINDS, word)
    ? DEVIATION_KINDS[word as keyof typeof DEVIATION_KINDS].text
    : cutText(word, ORGANIZATION_MAX_CHARS);
}

function heads(...names: readonly string[]): Html[] {
  return names.map((name) => html`<th scope="col">${name}</th>`);
}

function moreNote(left: number): Html {
  return left <= 0 ? NOTHING : html`<p class="soft">And ${formatCount(left)} more.</p>`;
}
