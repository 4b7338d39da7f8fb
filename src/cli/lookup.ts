/**
 * `lookup DOMAIN…`: resolves without a daemon and shows each step.
 *
 * @module
 */

import { readStored } from "../cache/cache_view.ts";
import type { ReadStored } from "../cache/cache_view.ts";
import { zoneFor } from "../config/zones.ts";
import { UsageError } from "../config/usage_error.ts";
import { createLog } from "../base/log.ts";
import { createMetrics } from "../base/metrics.ts";
import { createClock } from "../base/clock.ts";
import { readKey, toDomainName } from "../sts/domain.ts";
import type { NextHop } from "../sts/domain.ts";
import { CONFIG_OPTION } from "./command.ts";
import type { Command, CommandArgs, Io } from "./command.ts";
import { explain } from "./explain.ts";
import { explanationToJson, formatExplanation, verdictOf } from "./lookup_report.ts";
import type { Verdict } from "./lookup_report.ts";
import { openNetwork } from "../daemon/network.ts";
import { readConfig } from "./read_config.ts";

/** Exit status by verdict; with several domains the highest counts. */
const EXITS: Readonly<Record<Verdict, number>> = { "in-force": 0, none: 1, failure: 3 };

export const lookupCommand: Command = {
  name: "lookup",
  operands: "DOMAIN…",
  arity: [1, Infinity],
  summary: "Resolve domains without a daemon and show each step",
  description: [
    "Looks up the TXT record, fetches the policy file, checks the MX hosts for DANE, and shows what",
    "was seen, what the daemon's cache holds, and the exact reply Postfix would get and why.",
    "A next hop may be written as Postfix asks for it: example.com, example.com:587, [host]:587.",
  ],
  options: [
    CONFIG_OPTION,
    { name: "json", short: "j", text: "Print one JSON object a line for each domain" },
    { name: "zone", short: "z", value: "NAME", text: "Answer as in this zone (socketmap name)" },
    { name: "strict-testing", text: "Treat mode testing as enforce" },
  ],
  exits: [
    [0, "a policy (or DANE) is in force for every domain"],
    [1, "there is none for a domain"],
    [2, "wrong arguments or configuration"],
    [3, "a lookup or a fetch failed for a domain"],
  ],
  examples: [
    ["mta-sts-resolver lookup example.com", "Each step for one domain"],
    ["mta-sts-resolver lookup --json --zone tlsrpt example.com", "For scripts"],
  ],
  run,
};

async function run(args: CommandArgs, io: Io): Promise<number> {
  const nextHops = args.operands.map(readNextHop);
  const { config } = readConfig(args.value("config"), io);
  const zone = {
    ...zoneFor(config, args.value("zone") ?? "postfix"),
    ...(args.flag("strict-testing") ? { strictTesting: true } : {}),
  };
  // The report has all that the steps find; only faults of the program need a log line.
  const log = createLog({ level: "error", format: "text" });
  const clock = createClock();
  const network = await openNetwork(config, { log, metrics: createMetrics(), clock });
  try {
    await network.dns.probe();
    const validates = network.dns.validates();
    let exit = 0;
    for (const nextHop of nextHops) {
      const cached: ReadStored = config.cache.file === undefined
        ? { kind: "read", policy: undefined }
        : readStored(config.cache.file, { domain: nextHop.domain, now: clock.now });
      const explanation = await explain(nextHop, {
        config,
        zone,
        network,
        clock,
        validates,
        cached,
      });
      io.out(
        args.flag("json")
          ? `${JSON.stringify(explanationToJson(explanation))}\n`
          : formatExplanation(explanation),
      );
      exit = Math.max(exit, EXITS[verdictOf(explanation)]);
    }
    return exit;
  } finally {
    network.close();
  }
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
