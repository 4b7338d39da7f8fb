/**
 * The parts of the documentation that are made from the table of findings. Writes them anew when run
 * by `deno run -A tests/check/docs.ts`; a test sees to it that they are up to date.
 *
 * @module
 */

import { FINDING_KINDS } from "../../src/check/finding.ts";

export const MANUAL = new URL("../../docs/check.md", import.meta.url);
export const SCHEMA = new URL("../../docs/check.schema.json", import.meta.url);

/** What the list stands between in the manual. */
const BEGIN = "<!-- findings -->";
const END = "<!-- /findings -->";

/** The manual with the list of findings as it is now. */
export function updateManual(text: string): string {
  const items = Object.entries(FINDING_KINDS).map(([id, { severity, title, why, fix }]) => {
    const advice = [why, fix].filter((part) => part !== "").join(" ");
    return `- \`${id}\` (${severity}): **${escape(title)}.** ${escape(advice)}`;
  });
  const start = text.indexOf(BEGIN) + BEGIN.length;
  const end = text.indexOf(END);
  return `${text.slice(0, start)}\n\n${items.join("\n")}\n\n${text.slice(end)}`;
}

/** The schema with the names of findings as they are now. */
export function updateSchema(text: string): string {
  const schema = JSON.parse(text);
  schema.$defs.findingId.enum = Object.keys(FINDING_KINDS);
  return JSON.stringify(schema, null, 2) + "\n";
}

/** Placeholders and wildcards are no markup. */
function escape(text: string): string {
  return text.replaceAll(/[<*_]/g, "\\$&").replaceAll(/(\w)\\_(?=\w)/g, "$1_");
}

if (import.meta.main) {
  Deno.writeTextFileSync(MANUAL, updateManual(Deno.readTextFileSync(MANUAL)));
  Deno.writeTextFileSync(SCHEMA, updateSchema(Deno.readTextFileSync(SCHEMA)));
}
