/**
 * Makes `docs/rfc8461.md` of the rules; `deno task docs` runs it.
 *
 * @module
 */

import { FILES } from "./requirement.ts";
import type { Requirement } from "./requirement.ts";
import { GROUPS, REQUIREMENTS } from "./rfc8461.ts";

/** The page. */
export const PAGE = new URL("../../docs/rfc8461.md", import.meta.url);

const HEAD = `# RFC 8461, rule by rule

This page says, in our words, what the RFC asks of a sender, and which tests hold it. If the RFC uses no capital keyword, the second
column is empty. If the program cannot keep a rule by itself, the last column says who does. \`…\` in the name of a test stands for
each case of a table.

\`deno task docs\` makes this page from \`tests/conformance\`. \`deno task test\` fails if a test named here is gone.
`;

/** Writes the page. */
export function formatRules(): string {
  const sections = Object.entries(GROUPS).map(([letter, { title }]) => {
    const rows = REQUIREMENTS.filter(({ id }) => id.startsWith(letter)).map(formatRow);
    return [
      `\n## ${title}\n`,
      "|   |   | § | Rule | Held by |",
      "| - | - | - | ---- | ------- |",
      ...rows,
      "",
    ].join("\n");
  });
  return HEAD + sections.join("");
}

function formatRow({ id, level, section, says, heldBy, others }: Requirement): string {
  const tests = heldBy.map(([file, name]) => `\`${FILES[file]}\`: ${escape(name)}`);
  const holders = [...tests, ...(others === undefined ? [] : [escape(others)])];
  return `| ${id} | ${level ?? ""} | ${section} | ${escape(says)} | ${holders.join("<br>")} |`;
}

/** Wildcards, placeholders and bars are no markup, but in code. */
function escape(text: string): string {
  return text.split("`").map((part, index) =>
    index % 2 === 0 ? part.replaceAll(/[<*_|]/g, "\\$&") : part
  ).join("`");
}

if (import.meta.main) Deno.writeTextFileSync(PAGE, formatRules());
