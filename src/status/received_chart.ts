/**
 * The chart of sessions per day that senders report: those that succeeded, and those that failed on top.
 *
 * @module
 */

import { type Html, html, NOTHING } from "../http/html.ts";
import type { DaySums } from "../receive/summary_types.ts";
import { stackBars } from "./bars.ts";
import { formatCount } from "./wording.ts";

/** Draws the figure; a day without a report has no bar. Nothing if there is no bar at all. */
export function drawDays(days: readonly DaySums[]): Html {
  const bars = stackBars(days.map(({ successful, failed }) => [successful, failed]));
  const successful = days.reduce((sum, day) => sum + day.successful, 0);
  const failed = days.reduce((sum, day) => sum + day.failed, 0);
  const peak = Math.max(0, ...days.map((day) => day.successful + day.failed));
  if (peak === 0) return NOTHING;
  const silent = days.filter(({ senders }) => senders === 0).length;
  const title = `${days.length - 1} days`;
  const sessions = `${formatCount(successful + failed)} sessions`;
  const most = `at most ${formatCount(peak)} a day`;
  const alternative = [
    `${title}: ${sessions}`,
    `${formatCount(failed)} failed`,
    `${silent} days without a report`,
    most,
  ].join(", ");
  return html`
    <figure class="days">
      <figcaption><b>${title}</b> <span>${sessions}</span></figcaption>
      <svg
        viewBox="${bars.box}"
        preserveAspectRatio="none"
        role="img"
        aria-label="${alternative}"
      >
        <path class="a-secure" d="${bars.paths[0]}" />
        <path class="a-temp" d="${bars
          .paths[1]}" />
      </svg>
      <div class="axis" aria-hidden="true">
        <span class="day">${days[0]?.day}</span><span>${most}</span><span class="day">${days.at(-1)
          ?.day}</span>
      </div>
      <ul class="legend">
        ${legendItem("a-secure", ["succeeded", successful])}
        ${legendItem("a-temp", ["failed", failed])}
      </ul>
    </figure>
  `;
}

function legendItem(style: string, [name, count]: readonly [string, number]): Html {
  const weight = count === 0 ? "nil" : "some";
  return html`<li class="${weight}"><i class="${style}"></i> ${name} <b>${
    formatCount(count)
  }</b></li>`;
}
