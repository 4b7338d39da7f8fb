/**
 * `publish roll DOMAIN`: changes a policy in the safe order.
 *
 * @module
 */

import { zoneFor } from "../config/zones.ts";
import { closest } from "../config/suggest.ts";
import type { Config } from "../config/types.ts";
import { UsageError } from "../config/usage_error.ts";
import { rollPolicy } from "../publish/roll.ts";
import type { RollOutcome, SenderState } from "../publish/roll.ts";
import { decodePolicy } from "../publish/policy_file.ts";
import type { PlanOptions } from "../publish/roll_plan.ts";
import type { Clock } from "../base/clock.ts";
import { POLICY_MAX_BYTES } from "../sts/policy.ts";
import type { CommandArgs, Io } from "./command.ts";
import { resolveOnce } from "./resolve_once.ts";
import type { Network } from "../daemon/network.ts";
import {
  policyFile,
  readDomain,
  readMaxAge,
  readMode,
  readNamedFile,
  readPatterns,
  readSeconds,
} from "./arguments.ts";
import { createFiles } from "../base/files.ts";
import { withNetwork } from "./network.ts";
import { DEFAULT_WAIT } from "./options.ts";
import { readConfig } from "./read_config.ts";
import { readReported } from "./reported.ts";

const EXITS: Readonly<Record<RollOutcome["kind"], number>> = {
  done: 0,
  refused: 1,
  unfinished: 1,
  failed: 3,
};

/** Runs the command. @returns The exit status. */
export async function run(args: CommandArgs, io: Io): Promise<number> {
  const domain = readDomain(args);
  const file = policyFile(args, domain);
  const id = readId(args.value("id"));
  const wait = (readSeconds(args, "wait") ?? DEFAULT_WAIT) * 1000;
  const change = await readChange(args);
  const { config } = readConfig(args.value("config"), io);
  const options = { domain, file, change, wait, force: args.flag("force") };
  return await withNetwork(config, async ({ network, clock }) => {
    const outcome = await rollPolicy({ ...options, ...(id === undefined ? {} : { id }) }, {
      ...network,
      files: createFiles(),
      suggest: closest,
      reported: () => readReported(domain, { config, io, now: clock.now() }),
      resolveAsSender: () => resolveAsSender(domain, { config, network, clock }),
      now: clock.now,
      // The clock's timers do not keep the process alive, and nothing else does during this wait.
      sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
      say: (line) => io.out(`${line}\n`),
    });
    tell(outcome, domain, io);
    return EXITS[outcome.kind];
  });
}

function readId(text: string | undefined): string | undefined {
  if (text === undefined || /^[A-Za-z0-9]{1,32}$/.test(text)) return text;
  throw new UsageError("--id takes 1 to 32 letters and digits (RFC 8461 §3.1)");
}

async function readChange(args: CommandArgs): Promise<PlanOptions["change"]> {
  const mode = readMode(args, ["enforce", "testing", "none"]);
  const maxAge = readMaxAge(args);
  const mx = readPatterns(args);
  const path = args.value("file");
  if (path === undefined) {
    return {
      ...(mode === undefined ? {} : { mode }),
      ...(maxAge === undefined ? {} : { maxAge }),
      ...(mx.length === 0 ? {} : { mx }),
    };
  }
  if (mode !== undefined || maxAge !== undefined || mx.length > 0) {
    throw new UsageError("--file replaces the whole policy: leave out --mode, --mx and --max-age");
  }
  return { text: decodePolicy(await readNamedFile(path, POLICY_MAX_BYTES)) };
}

/** Uses our own resolver with an empty cache. */
async function resolveAsSender(
  domain: string,
  parts: { readonly config: Config; readonly network: Network; readonly clock: Clock },
): Promise<SenderState> {
  const { held, fetch, txt } = await resolveOnce({ domain, bracketed: false, port: 25 }, {
    ...parts,
    zone: zoneFor(parts.config, "postfix"),
    validates: false,
  });
  if (held !== undefined) return { kind: "policy", id: held.id, text: held.text };
  const result = fetch?.result.kind === "failed" ? fetch.result : txt?.result;
  const detail = result !== undefined && "detail" in result
    ? result.detail
    : "for an unknown reason";
  return { kind: "none", detail: `a sender gets no policy: ${detail}` };
}

function tell(outcome: RollOutcome, domain: string, io: Io): void {
  if (outcome.kind === "done") return;
  const problems = outcome.kind === "refused" ? outcome.problems : [outcome.problem];
  for (const problem of problems) io.err(`${domain}: ${problem}`);
  if (outcome.kind !== "failed") io.err(`${domain}: ${outcome.advice}`);
}
