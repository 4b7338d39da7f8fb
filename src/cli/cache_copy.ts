/**
 * What `cache push` and `cache pull` have in common. The daemon copies; the command starts it, waits for the end, and
 * prints what became of the policies.
 *
 * @module
 */

import { createClock } from "../base/clock.ts";
import { quoteRemote } from "../base/quote_text.ts";
import type { CopyState } from "../daemon/fleet_copy.ts";
import { jsonOf } from "./cache_requests.ts";
import { type CacheSource, withSource } from "./cache_source.ts";
import type { CommandArgs, Io } from "./command.ts";
import { readConfig } from "./read_config.ts";

/** How often the daemon is asked whether it is done, ms: a million policies take half an hour. */
const POLL_MS = 500;

/** The first time, ms: most caches are copied by then. */
const FIRST_POLL_MS = 50;

const EXIT_FAULT = 3;

type Done = Extract<CopyState, { state: "done" }>;

/** Has the daemon copy all policies. @returns The exit status. */
export async function copyPolicies(
  direction: "push" | "pull",
  { args, io }: { readonly args: CommandArgs; readonly io: Io },
): Promise<number> {
  const { config } = readConfig(args.value("config"), io);
  // A host that is new has no file to pull into.
  const access = direction === "pull" ? "fill" : "share";
  return await withSource({ config, args, io, access }, async (source) => {
    const isUnsignedToo = direction === "pull" && args.flag("unsigned");
    const [started] = await source.ask(direction, [isUnsignedToo ? "unsigned" : ""]);
    jsonOf(started);
    const done = await waitForEnd(source);
    io.out(args.flag("json") ? `${JSON.stringify(toJson(done))}\n` : `${describe(done)}\n`);
    const { fault } = done.copy;
    if (fault === undefined) return 0;
    io.err(`ended early: ${quoteRemote(fault)}`);
    return EXIT_FAULT;
  });
}

async function waitForEnd(source: CacheSource): Promise<Done> {
  const clock = createClock();
  for (let pause = FIRST_POLL_MS;; pause = POLL_MS) {
    await new Promise<void>((resolve) => clock.setTimer(resolve, pause));
    const [reply] = await source.ask("copy", [""]);
    const state: CopyState = JSON.parse(jsonOf(reply) ?? "{}");
    if (state.state === "done") return state;
  }
}

function describe({ direction, copy, counts }: Done): string {
  const { sent, kept, refused } = copy;
  if (direction === "push" || counts === undefined) {
    return `${sent} sent, ${kept} kept as they are (the engine's are not older), ${refused} refused`;
  }
  const { added, replaced, expired, unsigned } = counts;
  const words = [
    `${added} added`,
    `${replaced} replaced`,
    `${counts.kept} kept as they are (not older)`,
    `${expired} expired`,
    `${unsigned} not signed, skipped`,
    `${refused + kept} refused`,
    ...counts.failed > 0
      ? [`${counts.failed} not taken because the cache file cannot be read`]
      : [],
  ];
  return words.join(", ");
}

function toJson({ direction, copy, counts }: Done): Record<string, unknown> {
  const { sent, kept, refused, fault } = copy;
  const ended = fault === undefined ? {} : { fault };
  return direction === "push" || counts === undefined
    ? { sent, kept, refused, ...ended }
    : { read: sent, ...counts, refused: refused + kept, ...ended };
}
