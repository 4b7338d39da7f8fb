/**
 * What the fleet knows of a domain, as `cache show` and `lookup` print it: asked from the running daemon, which is
 * connected to the engine.
 *
 * @module
 */

import { messageOf } from "../base/error_text.ts";
import { quoteRemote } from "../base/quote_text.ts";
import type { FleetEffect, FleetEntry, SharedEntry } from "../daemon/fleet_entry.ts";
import { jsonOf } from "./cache_requests.ts";
import type { CacheSource } from "./cache_source.ts";

/** What the fleet knows. */
export type FleetPart =
  | { readonly kind: "read"; readonly entry: FleetEntry; readonly json: string }
  /** One line. */
  | { readonly kind: "unreadable"; readonly error: string };

/** What becomes of the fleet's policy on this host. */
const EFFECTS: Readonly<Record<FleetEffect, string>> = {
  same: "the policy held here",
  older: "older than the policy held here",
  newer: "newer than the policy held here, and will replace it",
  check:
    "differs from the policy held here, and is not signed: it only makes this host check the domain",
  taken: "will be used from the first query on",
  "first-fetch": "not signed: it stands in for the first fetch if the TXT record has its id",
};

/** Asks about a domain. @returns `undefined` if nothing is shared. Never rejects. */
export async function askFleet(
  source: CacheSource,
  domain: string,
): Promise<FleetPart | undefined> {
  // A file knows nothing of the fleet.
  if (source.isFile) return undefined;
  try {
    const [reply] = await source.ask("fleet", [domain]);
    const json = jsonOf(reply);
    return json === undefined ? undefined : { kind: "read", entry: JSON.parse(json), json };
  } catch (error) {
    return { kind: "unreadable", error: messageOf(error) };
  }
}

/** The rows of a report: name and text. */
export function fleetRows(part: FleetPart | undefined): [string, string][] {
  if (part === undefined) return [];
  if (part.kind === "unreadable") return [["Fleet", `not known: ${part.error}`]];
  const { engine, state, answered, policy, failure } = part.entry;
  const rows: string[] = [];
  if (!answered) rows.push(`${engine} did not answer (${state})`);
  else if (policy === undefined && failure === undefined) rows.push(`${engine} has nothing`);
  if (policy !== undefined) rows.push(...policyRows(policy, engine));
  if (failure !== undefined) {
    const { reason, detail, id, retry } = failure;
    rows.push(
      `its fetch failed: ${reason}: ${quoteRemote(detail)} (id ${id}, again after ${retry})`,
    );
  }
  return rows.map((text, index) => [index === 0 ? "Fleet" : "", text]);
}

function policyRows({ id, mode, fetched, host, effect }: SharedEntry, engine: string): string[] {
  const what = `mode ${mode}, id ${id}, fetched ${fetched} by ${quoteRemote(host)}`;
  return [`${what} (${engine})`, EFFECTS[effect]];
}
