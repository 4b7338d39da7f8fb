/**
 * The requests of the control channel about the fleet.
 *
 * | Command | Argument | Result |
 * | --- | --- | --- |
 * | `fleet` | domain | a `FleetEntry`; `NOTFOUND` if nothing is shared |
 * | `push` | nothing | a `CopyState`: all policies of this host go to the engine |
 * | `pull` | nothing, or `unsigned` | a `CopyState`: all policies of the engine come here |
 * | `copy` | nothing | the `CopyState` of the last `push` or `pull` |
 *
 * @module
 */

import type { DomainStore } from "../cache/types.ts";
import type { Fleet } from "../fleet/status.ts";
import { formatTemp, NOTFOUND_REPLY } from "../postfix/socketmap.ts";
import type { FleetPurge } from "./cache_entry.ts";
import { toDomainName } from "../sts/domain.ts";
import { type CopyTarget, createFleetCopies, type FleetCopies } from "./fleet_copy.ts";
import { describeFleetEntry } from "./fleet_entry.ts";

/** The commands. */
export const FLEET_COMMANDS = ["fleet", "push", "pull", "copy"] as const;

/** What the requests work on. */
export interface FleetControl {
  /** The fleet of the running engine; `undefined` if nothing is shared. */
  fleet(): Fleet | undefined;
  /** The copy under way, or the last one. */
  readonly copies: FleetCopies;
  /** The time, ms. */
  readonly now: () => number;
  readonly random: () => number;
}

/** What a request is answered with. */
export interface FleetRequestOptions {
  readonly control: FleetControl | undefined;
  readonly store: Pick<DomainStore, "getPolicy">;
  /** What takes policies; absent where the store is only looked at. */
  readonly target: CopyTarget["store"] | undefined;
  /** Writes a reply. */
  readonly format: (value: object) => string;
}

/** The fleet's part of the control channel. @param fleet That of the running engine. */
export function createFleetControl(
  fleet: FleetControl["fleet"],
  clock: { now(): number },
): FleetControl {
  return { fleet, copies: createFleetCopies(), now: () => clock.now(), random: Math.random };
}

/** Whether a command is about the fleet. */
export function isFleetCommand(command: string): command is typeof FLEET_COMMANDS[number] {
  return (FLEET_COMMANDS as readonly string[]).includes(command);
}

/** Answers one request. @returns The payload of the reply. */
export async function answerFleet(
  command: typeof FLEET_COMMANDS[number],
  argument: string,
  options: FleetRequestOptions,
): Promise<string> {
  const { control, store, format } = options;
  const fleet = control?.fleet();
  if (command === "copy") {
    const state = control?.copies.state();
    return state === undefined ? NOTFOUND_REPLY : format(state);
  }
  if (control === undefined || fleet === undefined) {
    return command === "fleet" ? NOTFOUND_REPLY : NOTHING_SHARED;
  }
  if (command === "push" || command === "pull") {
    return startCopy(command, { argument, fleet, control, options });
  }
  const domain = toDomainName(argument);
  if (domain === undefined) return formatTemp("not a domain");
  return format(await describeFleetEntry(domain, { fleet, store, now: control.now() }));
}

const NOTHING_SHARED = formatTemp("nothing is shared: see 'cache.shared' in docs/fleet.md");

/** What became of a purge. @param heard Other hosts that heard of it; `undefined` if that is not known. */
export function describePurge(
  fleet: Pick<Fleet, "status">,
  heard: number | undefined,
): FleetPurge {
  const { label: engine, isSigned: signed } = fleet.status();
  return { engine, signed, ...(heard !== undefined && { heard }) };
}

function startCopy(
  direction: "push" | "pull",
  { argument, fleet, control, options }: {
    readonly argument: string;
    readonly fleet: Fleet;
    readonly control: FleetControl;
    readonly options: FleetRequestOptions;
  },
): string {
  const { target, format } = options;
  if (target === undefined) return formatTemp("this process only reads the cache");
  const { now, random } = control;
  const parts = { fleet, store: target, now, random };
  const started = control.copies.start(direction, parts, {
    isUnsignedToo: argument === "unsigned",
  });
  if (!started) return formatTemp("another push or pull is under way");
  return format(control.copies.state()!);
}
