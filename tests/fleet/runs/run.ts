/**
 * `deno task fleet`: hosts of a fleet as real processes, with a real Redis and a real PostgreSQL.
 *
 * Prints a line for each figure, with its goal, and last `N passed, N failed`.
 *
 * Run as: run.ts [--engine=redis|postgres] [--hosts=N] [--domains=N] [--soak=SECONDS] [--program=FILE] [CASE…]
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import type { Case, Ground } from "./case.ts";
import { ENGINE_CASES, soak } from "./cases_engine.ts";
import { SHARING_CASES } from "./cases_sharing.ts";
import { installedKinds, type Kind } from "./servers.ts";

const args = parseArgs(Deno.args, {
  string: ["_", "engine", "hosts", "domains", "soak", "program"],
});
const option = (name: string, otherwise: number) => parseInt(String(args[name] ?? otherwise), 10);
const seconds = option("soak", 0);
const program = args["program"] as string | undefined;
const wanted = args._.map(String);
const cases: Case[] = [
  ...[...SHARING_CASES, ...ENGINE_CASES].filter(({ name }) =>
    wanted.length === 0 ? seconds === 0 : wanted.includes(name)
  ),
  ...seconds > 0 ? [soak(seconds)] : [],
];
const kinds = installedKinds().filter((kind) => (args["engine"] ?? kind) === kind);
if (cases.length === 0 || kinds.length === 0) {
  console.error(`nothing to run: engines here are ${installedKinds().join(", ") || "none"}`);
  Deno.exit(2);
}

let passed = 0;
let failed = 0;
for (const kind of kinds) for (const each of cases) await runCase(each, kind);
console.log(`\n${passed} passed, ${failed} failed`);
Deno.exit(failed === 0 ? 0 : 1);

async function runCase({ name, run }: Case, kind: Kind): Promise<void> {
  const ground: Ground = {
    kind,
    command: program === undefined ? undefined : [program],
    hosts: option("hosts", 8),
    domains: option("domains", 1000),
  };
  console.log(`\n== ${name}, ${kind}`);
  try {
    for (const { what, goal, found, isMet } of await run(ground)) {
      isMet ? passed++ : failed++;
      console.log(`${isMet ? "ok  " : "FAIL"} ${what}: ${found} (goal ${goal})`);
    }
  } catch (error) {
    failed++;
    console.log(`FAIL ${name}: ${error instanceof Error ? error.stack : error}`);
  }
}
