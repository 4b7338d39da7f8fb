/**
 * `cache list [PATTERN]`: the cached policies, or what could not be fetched.
 *
 * @module
 */

import type { CacheEntry } from "../daemon/cache_entry.ts";
import type { ListRequest } from "../daemon/control_list.ts";
import { readMode } from "./arguments.ts";
import { askAbout, listParts, readCacheDomain } from "./cache_requests.ts";
import { type CacheSource, withSource } from "./cache_source.ts";
import { formatProblems } from "./cache_problems.ts";
import { createEntryTable } from "./cache_text.ts";
import type { CommandArgs, Io } from "./command.ts";
import { readConfig } from "./read_config.ts";

/** Runs the command. @returns The exit status. */
export async function run(args: CommandArgs, io: Io): Promise<number> {
  const pattern = readPattern(args.operands[0]);
  const mode = readMode(args, ["enforce", "testing", "none"]);
  const request: ListRequest = {
    ...(mode === undefined ? {} : { mode }),
    ...(args.flag("problems") ? { problems: true } : {}),
  };
  const { config } = readConfig(args.value("config"), io);
  return await withSource({ config, args, io, access: "read" }, async (source) => {
    // JSON, a pattern and a mode are about cache entries, and deferred mail is not one.
    const isWhole = pattern === undefined && mode === undefined && !args.flag("json");
    if (request.problems && isWhole && !source.isFile) {
      const [reply] = await source.ask("problems", [""]);
      io.out(formatProblems(reply));
    }
    const format = args.flag("json") ? formatJsonLines : createEntryTable();
    for await (const entries of findEntries(source, { pattern, request })) {
      io.out(format(entries));
    }
    return 0;
  });
}

type Pattern = { readonly domain: string } | { readonly below: string } | undefined;

async function* findEntries(
  source: CacheSource,
  { pattern, request }: { readonly pattern: Pattern; readonly request: ListRequest },
): AsyncGenerator<readonly CacheEntry[]> {
  if (pattern === undefined || "below" in pattern) {
    yield* listParts(source, { ...request, ...pattern });
    return;
  }
  const { domain } = pattern;
  if (request.problems) {
    // The store may hold nothing but a failure of the domain, which `show` does not find.
    for await (const entries of listParts(source, request)) {
      yield entries.filter((entry) => entry.domain === domain);
    }
    return;
  }
  const found = await askAbout(source, { command: "show", domain });
  const { text: _, ...entry } = found?.entry ?? {};
  const isWanted = request.mode === undefined || found?.entry.mode === request.mode;
  yield found !== undefined && isWanted ? [entry as CacheEntry] : [];
}

function formatJsonLines(entries: readonly CacheEntry[]): string {
  return entries.map((entry) => `${JSON.stringify(entry)}\n`).join("");
}

function readPattern(pattern: string | undefined): Pattern {
  if (pattern === undefined) return undefined;
  if (!pattern.startsWith("*.")) return { domain: readCacheDomain(pattern) };
  return { below: readCacheDomain(pattern.slice("*.".length)) };
}
