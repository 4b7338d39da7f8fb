/**
 * The exceptions of the configuration on the status page, on the page of a domain, and among the health checks.
 *
 * @module
 */

import { formatEnd } from "../base/end_time.ts";
import { type Html, html, NOTHING } from "../http/html.ts";
import type { DomainException } from "../resolver/exception.ts";
import { describeException } from "./exception_text.ts";
import { ENDED_WARNING_MS, type ExceptionState } from "./exception_watch.ts";
import { formatCount, timeElement } from "./wording.ts";

/** Rows on the page; `config show` has all of them. */
const MAX_ROWS = 50;

/** Exceptions that a health check names. */
const MAX_NAMED = 3;

/** A health check; see `health.ts`. */
export interface ExceptionCheck {
  readonly name: "exceptions";
  readonly status: "ok" | "warning";
  readonly detail: string;
}

/** The block of the status page; nothing without exceptions. @param now Current time, ms. */
export function exceptionSection(states: readonly ExceptionState[], now: number): Html {
  if (states.length === 0) return NOTHING;
  const more = states.length - MAX_ROWS;
  return html`
    <section aria-labelledby="exceptions">
      <h2 id="exceptions">Exceptions</h2>
      <table>
        <caption>What the section <code>domains</code> of the configuration says</caption>
        <thead>
          <tr>
            <th class="plain" scope="col">Domain</th>
            <th class="plain" scope="col">Exception</th>
            <th class="plain" scope="col">Until (UTC)</th>
            <th class="plain" scope="col">Applied</th>
            <th class="plain" scope="col">Reason</th>
          </tr>
        </thead>
        <tbody>${states.slice(0, MAX_ROWS).map((state) => exceptionRow(state, now))}</tbody>
      </table>
      ${more > 0 ? html`<p class="soft">And ${formatCount(more)} more.</p>` : NOTHING}
    </section>
  `;
}

function exceptionRow({ exception, hasEnded, count, lastAt }: ExceptionState, now: number): Html {
  const { domain, until, reason } = exception;
  const end = hasEnded
    ? html`<span class="bad">ended ${timeElement(until, now)}</span>`
    : html`${formatEnd(until)}, ${timeElement(until, now)}`;
  const applied = lastAt === undefined
    ? html`never`
    : html`${formatCount(count)} ${count === 1 ? "time" : "times"}, last ${
      timeElement(lastAt, now)
    }`;
  return html`
    <tr>
      <th scope="row">${domain}</th>
      <td class="why">${describeException(exception)}</td>
      <td data-label="Until">${end}</td>
      <td data-label="Applied">${applied}</td>
      <td class="why">${reason}</td>
    </tr>
  `;
}

/** The exception that counts for a domain, as a row of its page; nothing without one. */
export function exceptionFact(exception: DomainException | undefined, now: number): Html {
  if (exception === undefined) return NOTHING;
  const { domain, until, reason } = exception;
  const what = html`<b>${describeException(exception)}</b> (<code>${domain}</code>)`;
  return html`
    <dt>Exception</dt>
    <dd>${what} until ${formatEnd(until)}, ${timeElement(until, now)}: ${reason}</dd>
  `;
}

/**
 * The health check of exceptions.
 *
 * @param proven The time that has certainly come, ms.
 * @returns None without exceptions. It warns for a week of one that has ended.
 */
export function checkExceptions(
  states: readonly ExceptionState[],
  proven: number,
): readonly ExceptionCheck[] {
  if (states.length === 0) return [];
  const name = "exceptions";
  const recent = states.filter(({ hasEnded, exception }) =>
    hasEnded && proven - exception.until < ENDED_WARNING_MS
  );
  if (recent.length === 0) {
    const active = states.filter(({ hasEnded }) => !hasEnded).length;
    return [{ name, status: "ok", detail: `${active} in force` }];
  }
  const named = recent.slice(0, MAX_NAMED)
    .map(({ exception: { domain, until } }) => `${domain} on ${formatEnd(until)}`);
  const more = recent.length - named.length;
  if (more > 0) named.push(`and ${more} more`);
  const what = recent.length === 1 ? "an exception has ended" : "exceptions have ended";
  return [{ name, status: "warning", detail: `${what}: ${named.join(", ")}` }];
}
