/**
 * Charts of answers over time, as inline SVG with an equivalent text.
 *
 * The picture contains only bars, so that it can be stretched to any width. Words and numbers stand
 * around it in HTML.
 *
 * @module
 */

import { ANSWERS, type AnswerWord, type Counts, type Span } from "./history.ts";
import { type Html, html } from "../http/html.ts";
import { formatClock, formatCount } from "./wording.ts";

/** Height of the picture and width of a slot, in its own units. */
const HEIGHT = 100;
const SLOT = 10;
const GAP = 2;

/** The least height of a bar: one deferred query in a thousand must be visible. */
const LEAST = 3;

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
  const paths = ANSWERS.map((word) =>
    html`<path class="a-${word}" d="${barsOf(word, span, peak)}" />`
  );
  const box = `0 0 ${slots.length * SLOT} ${HEIGHT}`;
  return html`
    <figure>
      <figcaption><b>${title}</b> <span>${queries}</span></figcaption>
      <svg viewBox="${box}" preserveAspectRatio="none" role="img" aria-label="${alternative}">
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

/** The bars of one answer, each on top of those before it, as one path. */
function barsOf(word: AnswerWord, { slots }: Span, peak: number): string {
  const below = ANSWERS.slice(0, ANSWERS.indexOf(word));
  let path = "";
  for (const [index, counts] of slots.entries()) {
    if (counts[word] === 0) continue;
    const height = heightOf(counts[word], peak);
    const foot = below.reduce((sum, other) => sum + heightOf(counts[other], peak), 0);
    const top = Math.max(0, HEIGHT - foot - height);
    path += `M${index * SLOT + GAP / 2} ${round(top)}h${SLOT - GAP}v${round(height)}h${
      GAP - SLOT
    }z`;
  }
  return path;
}

function heightOf(count: number, peak: number): number {
  return count === 0 ? 0 : Math.max(LEAST, count / peak * (HEIGHT - ANSWERS.length * LEAST));
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
