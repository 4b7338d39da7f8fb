/**
 * `lookup DOMAIN…`: resolves without a daemon and shows each step.
 *
 * @module
 */

import { createStatusLine, type StatusLine } from "../check/progress_line.ts";
import { zoneFor } from "../config/zones.ts";
import { UsageError } from "../config/usage_error.ts";
import { readKey, toDomainName } from "../sts/domain.ts";
import type { NextHop } from "../sts/domain.ts";
import type { CommandArgs, Io } from "./command.ts";
import { explain } from "./explain.ts";
import { openHeldPart } from "./held_part.ts";
import { explanationToJson } from "./lookup_json.ts";
import { formatExplanation, verdictOf } from "./lookup_report.ts";
import type { Verdict } from "./lookup_report.ts";
import { withNetwork } from "./network.ts";
import { readConfig } from "./read_config.ts";

/** Exit status by verdict; with several domains the highest counts. */
const EXITS: Readonly<Record<Verdict, number>> = { "in-force": 0, none: 1, failure: 3 };

/** Runs the command. @returns The exit status. */
export async function run(args: CommandArgs, io: Io): Promise<number> {
  const nextHops = args.operands.map(readNextHop);
  const { config } = readConfig(args.value("config"), io);
  const zone = {
    ...zoneFor(config, args.value("zone") ?? "postfix"),
    ...(args.flag("strict-testing") ? { strictTesting: true } : {}),
  };
  return await withNetwork(config, async ({ network, clock }) => {
    const held = await openHeldPart({ config, args, io }, clock.now);
    const line = openStatusLine();
    try {
      await network.dns.probe();
      const parts = { config, zone, network, clock, validates: network.dns.validates() };
      let exit = 0;
      for (const nextHop of nextHops) {
        const cached = await held.find(nextHop.domain);
        const shared = await held.findShared(nextHop.domain);
        const explanation = await explain(nextHop, {
          ...parts,
          cached,
          shared,
          onStep: line?.show,
        });
        line?.end();
        io.out(
          args.flag("json")
            ? `${JSON.stringify(explanationToJson(explanation))}\n`
            : formatExplanation(explanation),
        );
        exit = Math.max(exit, EXITS[verdictOf(explanation)]);
      }
      return exit;
    } finally {
      line?.end();
      held.close();
    }
  });
}

/** A slow host can take half a minute. Only a terminal sees the line. */
function openStatusLine(): StatusLine | undefined {
  const { stderr } = Deno;
  if (!stderr.isTerminal()) return undefined;
  return createStatusLine((text) => void stderr.writeSync(new TextEncoder().encode(text)));
}

function readNextHop(operand: string): NextHop {
  const key = readKey(operand);
  if (key.kind === "next-hop") return key.nextHop;
  const why = key.kind === "invalid"
    ? key.reason
    : key.kind === "address"
    ? "MTA-STS has no policies for addresses (RFC 8461 §3.4)"
    : "policies are not inherited from a parent domain (RFC 8461 §3.4)";
  const shown = toDomainName(operand) ?? JSON.stringify(operand.slice(0, 80));
  throw new UsageError(`cannot look up ${shown}: ${why}`);
}
