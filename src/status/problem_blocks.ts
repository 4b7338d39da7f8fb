/**
 * The blocks of the status page about what does not work: mail that is deferred now, and policies that
 * cannot be fetched.
 *
 * @module
 */

import { type Html, html, NOTHING } from "../http/html.ts";
import { domainLink } from "./names.ts";
import type { DeferredDomain, ProblemLists, UnfetchedDomain } from "./problems.ts";
import { formatCount, timeElement } from "./wording.ts";

/** Rows of each block, so that the rest of the page stays in reach; `cache list --problems` has more. */
const MAX_ROWS = 20;

/** The mail that waits; nothing if there is none. */
export function deferredBlock({ deferred, deferredCount }: ProblemLists, now: number): Html {
  if (deferred.length === 0) return NOTHING;
  const rows = deferred.slice(0, MAX_ROWS).map((entry) => deferredRow(entry, now));
  return html`
    <section aria-labelledby="deferred">
      <h2 id="deferred">Deferred now</h2>
      <p class="soft">
        Postfix keeps the mail to these domains and asks again.
      </p>
      ${table(["Domain", "Reason and remedy", "Since", "Queries", "Last query"], rows)}
      ${moreNote(Math.max(deferredCount, deferred.length) - rows.length)}
    </section>
  `;
}

function deferredRow(entry: DeferredDomain, now: number): Html {
  const { domain, nextHop, zone, reason, remedy, since, lastAt, count } = entry;
  const hop = nextHop === domain ? NOTHING : html`<span class="soft">next hop ${nextHop}</span>`;
  const where = zone === "default" ? NOTHING : html`<span class="soft">zone ${zone}</span>`;
  return html`
    <tr>
      <th scope="row">${domainLink(domain)} ${hop} ${where}</th>
      <td class="why"><span class="bad">${reason}</span> <span class="remedy">${remedy}</span></td>
      <td data-label="Since">${timeElement(since, now)}</td>
      <td data-label="Queries">${formatCount(count)}</td>
      <td data-label="Last">${timeElement(lastAt, now)}</td>
    </tr>
  `;
}

/** The policies that cannot be fetched; nothing if there is none. */
export function unfetchedBlock({ unfetched }: ProblemLists, now: number): Html {
  if (unfetched.length === 0) return NOTHING;
  const rows = unfetched.slice(0, MAX_ROWS).map((entry) => unfetchedRow(entry, now));
  return html`
    <section aria-labelledby="unfetched">
      <h2 id="unfetched">Policies that cannot be fetched</h2>
      <p class="soft">
        A cached policy stays in use until it expires. Without one, mail is delivered as if there were no policy.
      </p>
      ${table(["Domain", "Reason and remedy", "Since", "Failures", "Next try"], rows)}
      ${moreNote(unfetched.length - rows.length)}
    </section>
  `;
}

function unfetchedRow(entry: UnfetchedDomain, now: number): Html {
  const { domain, reason, detail, remedy, since, count, retryAt } = entry;
  // A retry that is due waits for the next query or check.
  const next = retryAt > now ? timeElement(retryAt, now) : html`when asked`;
  return html`
    <tr>
      <th scope="row">${domainLink(domain)}</th>
      <td class="why">
        <span class="bad">${reason}: ${detail}</span> <span class="remedy">${remedy}</span>
      </td>
      <td data-label="Since">${timeElement(since, now)}</td>
      <td data-label="Failures">${formatCount(count)}</td>
      <td data-label="Next try">${next}</td>
    </tr>
  `;
}

function table(heads: readonly string[], rows: readonly Html[]): Html {
  return html`
    <table class="problems">
      <thead>
        <tr>${heads.map((name) => html`<th scope="col">${name}</th>`)}</tr>
      </thead>
      <tbody>${rows}</tbody>
    </table>
  `;
}

function moreNote(left: number): Html {
  if (left <= 0) return NOTHING;
  return html`
    <p class="soft">
      And ${formatCount(
        left,
      )} more: <code>mta-sts-resolver cache list --problems</code> lists up to 100.
    </p>
  `;
}
