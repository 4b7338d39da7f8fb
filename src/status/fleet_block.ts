/**
 * The block of the status page about the fleet: the engine in one line, and the other hosts seen lately.
 *
 * @module
 */

import type { FleetHost, FleetStatus } from "../fleet/status.ts";
import { type Html, html, NOTHING } from "../http/html.ts";
import { fleetFaults } from "./fleet_check.ts";
import { breakableName } from "./names.ts";
import { formatCount, formatTime, timeElement } from "./wording.ts";

/** Hosts that are shown: a fleet has dozens, and a forged list may have more. */
const MAX_HOSTS = 100;

/** A clock that is wrong by less than this is not worth a colour, ms. */
const CLOCK_WARNS_MS = 60_000;

const STATES: Readonly<Record<FleetStatus["state"], string>> = {
  connecting: "connecting",
  up: "works",
  refusing: "refuses writes",
  down: "down",
};

/** The block; nothing if nothing is shared. */
export function fleetBlock(status: FleetStatus | undefined, now: number): Html {
  if (status === undefined) return NOTHING;
  const { hosts } = status;
  const more = hosts.length - MAX_HOSTS;
  return html`
    <section aria-labelledby="fleet">
      <h2 id="fleet">Fleet</h2>
      <p>${engineLine(status, now)}</p>
      ${hosts.length === 0 ? NOTHING : hostTable(hosts.slice(0, MAX_HOSTS), now)}
      ${more > 0 ? html`<p class="soft">And ${formatCount(more)} more.</p>` : NOTHING}
    </section>
  `;
}

/** Engine, state, last news, clock, and what waits. */
function engineLine(status: FleetStatus, now: number): Html {
  const { label, since, lastNewsAt, offset, hosts, outbox } = status;
  const isWell = status.state === "up" && fleetFaults(status).length === 0;
  const style = isWell ? "fine" : status.state === "connecting" ? "soft" : "bad";
  const news = lastNewsAt === undefined
    ? html`no news yet`
    : html`last news ${timeElement(lastNewsAt, now)}`;
  const clock = offset === undefined ? "" : `, its clock ${formatOffset(offset)}`;
  const waiting = outbox.entries === 0
    ? ""
    : `, ${formatCount(outbox.entries)} entries wait to be sent`;
  const alone = hosts.length === 0 ? "No other host was seen in the last 30 seconds." : "";
  const state = html`<b class="${style}">${STATES[status.state]}</b> since ${formatTime(since)}`;
  return html`
    <code>${label}</code> ${state}, ${news}${clock}${waiting}. <span
      class="soft">${alone}</span>
  `;
}

function hostTable(hosts: readonly FleetHost[], now: number): Html {
  const rows = hosts.map(({ name, version, lastHeardAt, ahead }) => {
    const isWrong = ahead !== undefined && Math.abs(ahead) > CLOCK_WARNS_MS;
    return html`
      <tr>
        <th scope="row">${breakableName(name)}</th>
        <td data-label="Version">${version}</td>
        <td data-label="Seen">${timeElement(lastHeardAt, now)}</td>
        <td data-label="Clock" class="${isWrong ? "bad" : "soft"}">${ahead === undefined
          ? "not known"
          : formatOffset(ahead)}</td>
      </tr>
    `;
  });
  return html`
    <table class="problems">
      <thead>
        <tr>${["Other host", "Version", "Last seen", "Clock"].map((name) =>
          html`<th scope="col">${name}</th>`
        )}</tr>
      </thead>
      <tbody>${rows}</tbody>
    </table>
  `;
}

/** `right`, `3 s ahead`, `90 s behind`. */
function formatOffset(ms: number): string {
  const seconds = Math.round(Math.abs(ms) / 1000);
  if (seconds === 0) return "right";
  return `${formatCount(seconds)} s ${ms > 0 ? "ahead" : "behind"}`;
}
