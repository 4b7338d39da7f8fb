/**
 * Commands run in the process of the test.
 *
 * @module
 */

import { runCli } from "../../src/cli/cli.ts";

/** What a run came to. */
export interface CliRun {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command. */
export function cli(...argv: string[]): Promise<CliRun> {
  return cliIn({}, ...argv);
}

/** Runs a command in an environment. */
export async function cliIn(
  environment: Readonly<Record<string, string>>,
  ...argv: string[]
): Promise<CliRun> {
  let out = "";
  let err = "";
  const code = await runCli(argv, {
    out: (text) => out += text,
    err: (line) => err += `${line}\n`,
    env: (name) => environment[name] ?? Deno.env.get(name),
    isTerminal: false,
  });
  return { code, out, err };
}
