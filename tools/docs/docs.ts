/**
 * `deno task docs`: writes manual pages and completions to `dist/docs`, and the configuration defaults
 * to docs/configuration.md.
 *
 * @module
 */

import { COMMANDS } from "../../src/cli/cli.ts";
import { VERSION } from "../../src/base/version.ts";
import { describeConfig } from "../../src/config/describe.ts";
import { sourceDate } from "../source_date.ts";
import { formatBash, formatFish, formatZsh } from "./completions.ts";
import { formatConfigPage, formatProgramPage } from "./man_page.ts";
import { updateConfiguration } from "./configuration.ts";

const DIRECTORY = new URL("../../dist/docs/", import.meta.url);

const CONFIGURATION = new URL("../../docs/configuration.md", import.meta.url);

/**
 * Makes all files.
 *
 * @param date When the source last changed.
 * @returns Texts by the names of their files.
 */
export function makeDocs(date: Date): Readonly<Record<string, string>> {
  const keys = describeConfig();
  const page = { version: VERSION, date: date.toISOString().slice(0, "YYYY-MM-DD".length) };
  return {
    "mta-sts-resolver.1": formatProgramPage(COMMANDS, page),
    "mta-sts-resolver.yml.5": formatConfigPage(keys, page),
    "mta-sts-resolver.bash": formatBash(COMMANDS, keys),
    "_mta-sts-resolver": formatZsh(COMMANDS, keys),
    "mta-sts-resolver.fish": formatFish(COMMANDS, keys),
  };
}

if (import.meta.main) {
  Deno.mkdirSync(DIRECTORY, { recursive: true });
  for (const [name, text] of Object.entries(makeDocs(sourceDate()))) {
    Deno.writeTextFileSync(new URL(name, DIRECTORY), text);
  }
  Deno.writeTextFileSync(CONFIGURATION, updateConfiguration(Deno.readTextFileSync(CONFIGURATION)));
}
