/**
 * One problem that senders report, on the page of its domain: what failed at which MX host, who saw it, since when,
 * what it means, what to do, and whether `check` sees it now.
 *
 * Senders, hosts and reasons are texts of strangers: shown as text, cut, and no link.
 *
 * @module
 */

import { cutText } from "../base/quote_text.ts";
import { type Html, html, NOTHING } from "../http/html.ts";
import type { Authentication } from "../receive/types.ts";
import type { ProblemSender, ProblemSummary } from "../receive/summary_types.ts";
import { nameDomain } from "../tlsrpt/advice.ts";
import {
  type CheckState,
  compareNow,
  type Now,
  type SeenFinding,
  type SeenNow,
} from "./check_seen.ts";
import { breakableName } from "./names.ts";
import { formatCount, timeElement } from "./wording.ts";

/** Senders of a problem that are named, the most affected first. */
const SENDERS_SHOWN = 10;

/** Characters of a name, of a reason and of what `check` saw. */
const NAME_MAX_CHARS = 100;
const REASON_MAX_CHARS = 120;
const SEEN_MAX_CHARS = 300;

/** What a problem is shown with. */
export interface ProblemContext {
  /** A domain in A-labels; `undefined` for a wildcard, of which no sentence can be about one domain. */
  readonly domain: string | undefined;
  /** ms */
  readonly now: number;
  readonly check: CheckState;
  /** What to do, in the words of `check`. */
  readonly remedy: string;
}

/** Writes the problem. */
export function problemBlock(problem: ProblemSummary, context: ProblemContext): Html {
  const { result, mx, explanation, reasons, isNew, isUnsigned } = problem;
  const { domain, remedy, check, now } = context;
  const found = lookFor(problem, check);
  const style = found === undefined ? "" : NOW_MARKS[found.kind][1];
  const host = mx === "" ? NOTHING : html`
    <span>at ${shortName(mx)}</span>
  `;
  return html`
    <article class="note problem ${style}">
      <h3>${result}${host}</h3>
      <p class="soft">
        ${extentOf(problem)}${isNew
          ? html`
            <span class="tag fresh">new</span>
          `
          : NOTHING}
        ${isUnsigned ? unsignedMark() : NOTHING}
      </p>
      <p>${nameDomain(explanation.meaning, domain)}</p>
      <p><b>To do:</b> ${remedy}</p>
      ${found !== undefined && check.kind === "seen"
        ? nowLine(found, { mx, seen: check.seen, now })
        : NOTHING}
      ${senderList(problem)}
      ${reasons.length === 0 ? NOTHING : html`
        <p class="soft">Reasons given: ${joinCodes(
          reasons.map((reason) => cutText(reason, REASON_MAX_CHARS)),
        )}</p>
      `}
    </article>
  `;
}

function extentOf({ count, senders, since, last }: ProblemSummary): Html {
  const sessions = count === 1 ? "1 session" : `${formatCount(count)} sessions`;
  const who = senders.length === 1 ? "1 sender" : `${formatCount(senders.length)} senders`;
  const when = since === last
    ? html`on ${dayText(since)}`
    : html`since ${dayText(since)}, last on ${dayText(last)}`;
  return html`${sessions} of ${who}, ${when}`;
}

/** Who saw it. */
function senderList({ senders }: ProblemSummary): Html {
  const shown = senders.slice(0, SENDERS_SHOWN);
  const left = senders.length - shown.length;
  return html`
    <ul class="who">
      ${shown.map(senderItem)}${left > 0
        ? html`<li class="soft">and ${formatCount(left)} more</li>`
        : NOTHING}
    </ul>
  `;
}

function senderItem({ submitter, authentication, count, since, last }: ProblemSender): Html {
  const when = since === last ? dayText(since) : html`${dayText(since)} to ${dayText(last)}`;
  return html`
    <li>
      <b>${shortName(submitter)}</b> ${authenticationMark(authentication)}
      <span class="soft">${formatCount(count)}, ${when}</span>
    </li>
  `;
}

/** A day, in one piece. */
function dayText(day: string): Html {
  return html`<span class="day">${day}</span>`;
}

/** Whether `check` sees it now, in one word of {@link Now}. */
function lookFor({ result, mx, explanation }: ProblemSummary, check: CheckState): Now | undefined {
  if (check.kind !== "seen") return undefined;
  return compareNow({ result, mx, advice: explanation.advice }, check.seen);
}

function nowLine(found: Now, { mx, seen, now }: { mx: string; seen: SeenNow; now: number }): Html {
  const [mark, style] = NOW_MARKS[found.kind];
  return html`
    <p class="now ${style}">
      <i aria-hidden="true">${mark}</i> <span>Checked ${timeElement(seen.at, now)}: ${describeNow(
        found,
        mx,
      )}</span>
    </p>
  `;
}

const NOW_MARKS: Readonly<Record<Now["kind"], readonly [mark: string, style: string]>> = {
  still: ["✗", "failed"],
  other: ["!", "warning"],
  gone: ["✓", "ok"],
  "no-mx": ["✓", "ok"],
  unknown: ["?", "unknown"],
};

function describeNow(found: Now, mx: string): Html {
  switch (found.kind) {
    case "still":
      return html`still the case. ${seenText(found.finding)}`;
    case "other":
      return html`
        not seen in this form, but something else is wrong there: ${found.finding.title}.
        ${seenText(found.finding)} ${found.finding.fix}
      `;
    case "gone":
      return html`not seen any more. The next reports should not have it.`;
    case "no-mx":
      return html`${shortName(mx)} is not an MX host of the domain now.`;
    case "unknown":
      return html`cannot be told from here.`;
  }
}

/** Where and what `check` saw. */
export function seenText({ subject, seen }: SeenFinding): Html {
  return html`<code>${cutText(`${subject}: ${seen}`, SEEN_MAX_CHARS)}</code>`;
}

/** Whether a report is signed. */
export function authenticationMark(authentication: Authentication): Html {
  return authentication === "dkim" ? NOTHING : unsignedMark();
}

function unsignedMark(): Html {
  return html`<span class="tag unsigned">unsigned</span>`;
}

/** A name of a stranger, cut, that breaks at its dots. */
export function shortName(name: string): Html {
  return breakableName(cutText(name, NAME_MAX_CHARS));
}

function joinCodes(texts: readonly string[]): Html {
  return html`${texts.map((text, index) => html`${index === 0 ? "" : ", "}<code>${text}</code>`)}`;
}
