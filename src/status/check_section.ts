/**
 * What `check` sees of a domain now, on the page of received reports.
 *
 * @module
 */

import { type Html, html, NOTHING } from "../http/html.ts";
import type { CheckState, SeenFinding, SeenNow } from "./check_seen.ts";
import { seenText } from "./received_problem.ts";
import { formatCount, timeElement } from "./wording.ts";

/** Findings that are listed, errors first; the command has them all. */
const FINDINGS_SHOWN = 12;

/** Writes the section; nothing if nobody checks. @param now Current time, ms. */
export function checkSection(check: CheckState, now: number): Html {
  if (check.kind === "off") return NOTHING;
  return html`
    <section aria-labelledby="check">
      <h2 id="check">What <code>check</code> sees now</h2>
      ${contentOf(check, now)}
    </section>
  `;
}

function contentOf(check: Exclude<CheckState, { kind: "off" }>, now: number): Html {
  switch (check.kind) {
    case "running":
      return html`<p class="soft">The check is under way. Reload the page in a minute.</p>`;
    case "failed":
      return html`
        <p class="soft">
          The check failed ${timeElement(check.at, now)}: ${check.reason}.
        </p>
      `;
    case "seen":
      return seenNow(check.seen, { isRunning: check.isRunning, now });
  }
}

function seenNow(seen: SeenNow, { isRunning, now }: { isRunning: boolean; now: number }): Html {
  const again = isRunning ? " It is being checked again." : "";
  if (seen.undecided) {
    return html`
      <p>
        Checked ${timeElement(seen.at, now)}: no DNS resolver answered, so nothing is known.${again}
      </p>
    `;
  }
  const errors = seen.findings.filter(({ severity }) => severity === "error");
  const warnings = seen.findings.filter(({ severity }) => severity === "warning");
  const faults = [...errors, ...warnings];
  const shown = faults.slice(0, FINDINGS_SHOWN);
  const left = faults.length - shown.length;
  return html`
    <p>Checked ${timeElement(seen.at, now)}: ${summarize(
      errors.length,
      warnings.length,
    )}.${again}</p>
    <ul class="found">${shown.map(findingItem)}</ul>
    ${left > 0
      ? html`<p class="soft">And ${formatCount(left)} more: see the command.</p>`
      : NOTHING}
  `;
}

function summarize(errors: number, warnings: number): string {
  const counts = [
    ...(errors === 0 ? [] : [errors === 1 ? "1 error" : `${formatCount(errors)} errors`]),
    ...(warnings === 0 ? [] : [warnings === 1 ? "1 warning" : `${formatCount(warnings)} warnings`]),
  ];
  return counts.length === 0 ? "nothing is wrong" : counts.join(", ");
}

function findingItem(finding: SeenFinding): Html {
  const { severity, title, fix } = finding;
  const [mark, style] = severity === "error" ? ["✗", "failed"] : ["!", "warning"];
  return html`
    <li class="${style}">
      <i aria-hidden="true">${mark}</i> <span class="unseen">${severity}: </span>
      <div><b>${title}</b> ${seenText(finding)} <span class="soft">${fix}</span></div>
    </li>
  `;
}
