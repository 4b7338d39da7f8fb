/**
 * `cache import FILE`: imports policies that `cache export` printed, or the cache of postfix-mta-sts-resolver. The
 * daemon judges each line (`daemon/import_entry.ts`); here they are only read.
 *
 * @module
 */

import { createClock } from "../base/clock.ts";
import { quoteText } from "../base/quote_text.ts";
import { UsageError } from "../config/usage_error.ts";
import { CONTROL_MAX_OCTETS, type ImportReply } from "../daemon/control.ts";
import { chooseRoots } from "../daemon/network.ts";
import { EngineError } from "../fleet/types.ts";
import { jsonOf } from "./cache_requests.ts";
import { type CacheSource, withSource } from "./cache_source.ts";
import type { CommandArgs, Io } from "./command.ts";
import { rivalParts } from "./import_rival.ts";
import { openRivalCache, type RivalCache } from "./import_source.ts";
import { type Line, readLines } from "./read_lines.ts";
import { readConfig } from "./read_config.ts";

/** Lines sent on one connection. */
const BATCH_LINES = 100;

/** Octets of lines held at once, beyond the last line. */
const BATCH_OCTETS = CONTROL_MAX_OCTETS;

/** The longest line that fits into a request, octets. */
const LINE_MAX_OCTETS = CONTROL_MAX_OCTETS - 1024;

/** Invalid lines that are named. */
const NAMED_LINES = 10;

const EXIT_INVALID = 1;

/** `none`: policies of postfix-mta-sts-resolver that ask for nothing. */
type Counts = Record<ImportReply["result"], number> & { none?: number };

/** Runs the command. @returns The exit status. */
export async function run(args: CommandArgs, io: Io): Promise<number> {
  const [path = ""] = args.operands;
  const { config } = readConfig(args.value("config"), io);
  const clock = createClock();
  const rival = path === "-" ? undefined : await openRivalCache(path, {
    env: io.env,
    clock,
    loadCaCerts: async () => (await chooseRoots(config)).caCerts,
  });
  const counts: Counts = { added: 0, replaced: 0, kept: 0, expired: 0, invalid: 0 };
  const report = (problems: readonly string[]) => {
    if (counts.invalid <= NAMED_LINES) problems.forEach((problem) => io.err(problem));
  };
  try {
    return await withSource({ config, args, io, access: "write" }, async (source) => {
      if (rival === undefined) await importLines(path, { source, counts, report });
      else await importRival(rival, { source, counts, report, now: clock.now });
      io.out(args.flag("json") ? `${JSON.stringify(counts)}\n` : formatCounts(counts));
      return counts.invalid === 0 ? 0 : EXIT_INVALID;
    });
  } finally {
    await rival?.source.close();
  }
}

/** Where what was read goes. */
interface ImportTarget {
  readonly source: CacheSource;
  readonly counts: Counts;
  /** Hears sentences about what is invalid. */
  readonly report: (problems: readonly string[]) => void;
}

async function importLines(path: string, target: ImportTarget): Promise<void> {
  using file = openInput(path);
  for await (const batch of batches(readLines(file.readable, LINE_MAX_OCTETS))) {
    target.report(await send(batch, target));
  }
}

/** @throws {Error} With one line, if the cache cannot be read to its end. */
async function importRival(
  { name, source: rival }: RivalCache,
  target: ImportTarget & { readonly now: () => number },
): Promise<void> {
  const { counts, now, report } = target;
  counts.none = 0;
  try {
    for await (const part of rivalParts(rival, { now, random: Math.random })) {
      counts.none += part.none;
      counts.expired += part.expired;
      counts.invalid += part.invalid.length;
      report(part.invalid);
      const lines = part.lines.map((text, index) => ({ number: index + 1, text }));
      for await (const batch of batches(lines)) report(await send(batch, target));
    }
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    throw new Error(`cannot read ${name}: ${error.message}`);
  }
}

function formatCounts({ added, replaced, kept, expired, invalid, none }: Counts): string {
  const left = none === undefined ? "" : `, ${none} left out (mode none)`;
  return `${added} added, ${replaced} replaced, ${kept} kept as they are (not older), ` +
    `${expired} expired, ${invalid} invalid${left}\n`;
}

/** Sends lines and counts what became of them. @returns A sentence for each that is invalid. */
async function send(
  lines: readonly Line[],
  { source, counts }: ImportTarget,
): Promise<string[]> {
  const texts = lines.map(({ text }) => text).filter((text) => text !== undefined);
  const replies = await source.ask("import", texts);
  const problems: string[] = [];
  for (const { number, text, problem } of lines) {
    const reply: ImportReply = text === undefined
      ? { result: "invalid", why: problem }
      : JSON.parse(jsonOf(replies.shift()) ?? "{}");
    counts[reply.result]++;
    if (reply.result !== "invalid") continue;
    problems.push(`line ${number} skipped: ${quoteless(reply.why)}`);
  }
  return problems;
}

/** The reason is constant text of the daemon, but comes over a socket. */
function quoteless(why: string): string {
  return quoteText(why, 200).replace(/^"(.*)"$/, "$1");
}

async function* batches(lines: AsyncIterable<Line> | Iterable<Line>): AsyncGenerator<Line[]> {
  let batch: Line[] = [];
  let octets = 0;
  for await (const line of lines) {
    batch.push(line);
    octets += line.text?.length ?? 0;
    if (batch.length < BATCH_LINES && octets < BATCH_OCTETS) continue;
    yield batch;
    batch = [];
    octets = 0;
  }
  if (batch.length > 0) yield batch;
}

/** @throws {UsageError} If the file cannot be opened. */
function openInput(path: string): { readonly readable: ReadableStream<Uint8Array> } & Disposable {
  if (path === "-") return { readable: Deno.stdin.readable, [Symbol.dispose]() {} };
  try {
    const file = Deno.openSync(path);
    return {
      readable: file.readable,
      [Symbol.dispose]() {
        // The stream closes it at its end.
        try {
          file.close();
        } catch {
          // It is closed.
        }
      },
    };
  } catch (error) {
    const isMissing = error instanceof Deno.errors.NotFound;
    throw new UsageError(isMissing ? `there is no ${path}` : `cannot read ${path}`);
  }
}
