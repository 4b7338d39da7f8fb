/**
 * Charts of answers over time, as inline SVG with an equivalent text.
 *
 * @module
 */

import { stackBars } from "./bars.ts";
import { ANSWERS, type AnswerWord, type Counts, type Span } from "./history.ts";
import { type Html, html } from "../http/html.ts";
import { formatClock, formatCount } from "./wording.ts";

/** The names of the answers, from the foot of a bar to its top. */
const ANSWER_NAMES: Readonly<Record<AnswerWord, string>> = {
  secure: "MTA-STS enforced",
  "dane-only": "left to DANE",
  notfound: "nothing to enforce",
  temp: "deferred",
};

/** Draws a figure. @param title What the span is, such as `Last hour`. @param unit One slot, in words. */
export function drawChart(span: Span, { title, unit }: { title: string; unit: string }): Html {
  const { slots, slotMs, lastSlotAt } = span;
  const totals = ANSWERS.map((word) => ({
    word,
    count: slots.reduce((sum, counts) => sum + counts[word], 0),
  }));
  const total = totals.reduce((sum, { count }) => sum + count, 0);
  const peak = Math.max(...slots.map((counts) => sumOf(counts, ANSWERS)));
  const queries = `${formatCount(total)} ${total === 1 ? "query" : "queries"}`;
  const most = peak === 0 ? "" : `at most ${formatCount(peak)} in ${unit}`;
  const parts = totals.map(({ word, count }) => `${formatCount(count)} ${ANSWER_NAMES[word]}`);
  const alternative = `${title}: ${[queries, ...parts, most].filter(Boolean).join(", ")}`;
  const start = formatClock(lastSlotAt - (slots.length - 1) * slotMs);
  const bars = stackBars(slots.map((counts) => ANSWERS.map((word) => counts[word])));
  const paths = ANSWERS.map((word, index) =>
    html`<path class="a-${word}" d="${bars.paths[index]}" />`
  );
  return html`
    <figure>
      <figcaption><b>${title}</b> <span>${queries}</span></figcaption>
      <svg viewBox="${bars.box}" preserveAspectRatio="none" role="img" aria-label="${alternative}">
        ${paths}
      </svg>
      <div class="axis" aria-hidden="true">
        <span>${start}</span><span>${most}</span><span>now</span>
      </div>
      <ul class="legend">${totals.map(legendItem)}</ul>
    </figure>
  `;
}

/** How often each answer was given, without those that were not; `undefined` if none was. */
export function answerList(counts: Counts): Html | undefined {
  const items = ANSWERS.filter((word) => counts[word] > 0).map((word) =>
    html`<li><i class="a-${word}"></i> ${formatCount(counts[word])} ${ANSWER_NAMES[word]}</li>`
  );
  return items.length === 0 ? undefined : html`<ul class="counts">${items}</ul>`;
}

function legendItem({ word, count }: { word: AnswerWord; count: number }): Html {
  const name = ANSWER_NAMES[word];
  const style = count === 0 ? "nil" : "some";
  return html`<li class="${style}"><i class="a-${word}"></i> ${name} <b>${
    formatCount(count)
  }</b></li>`;
}

function sumOf(counts: Counts, words: readonly AnswerWord[]): number {
  return words.reduce((sum, word) => sum + counts[word], 0);
}
