/**
 * What is wrong with the engine that a fleet shares, for health, status page and `config check`. It is at worst a
 * warning: answers come from memory and file, and a supervisor that restarts the daemon for the engine's sake only
 * loses what memory holds.
 *
 * @module
 */

import type { FleetStatus } from "../fleet/status.ts";
import { formatCount, formatTime } from "./wording.ts";

/** How far the engine's clock and this host's may be apart, ms; from there on, one of both is wrong. */
const OFFSET_WARNS_MS = 60_000;

/** Says what is wrong, in phrases; nothing if all is well. */
export function fleetFaults(status: FleetStatus): string[] {
  const { state, since, fault, hearing, offset, isSigned } = status;
  const why = fault === undefined ? "" : `: ${fault}`;
  const faults: string[] = [];
  if (state === "down") {
    faults.push(
      `down since ${formatTime(since)} UTC, each host fetches for itself meanwhile${why}`,
    );
  }
  if (state === "refusing") faults.push(`has refused writes since ${formatTime(since)} UTC${why}`);
  // An engine that cannot be asked cannot send news either.
  if (hearing === "deaf" && state !== "down") {
    faults.push("no news arrives: changes are noticed at the next check of each domain");
  }
  if (offset !== undefined && Math.abs(offset) > OFFSET_WARNS_MS) {
    const seconds = formatCount(Math.abs(offset) / 1000);
    faults.push(`its clock is ${seconds} s ${offset > 0 ? "ahead of" : "behind"} this host's`);
  }
  if (!isSigned) {
    faults.push(
      "entries are not signed, so they only stand in for a first fetch: set cache.shared.secret_file",
    );
  }
  return faults;
}

/** The check `shared`; none if nothing is shared. */
export function checkFleet(
  status: FleetStatus | undefined,
): { readonly name: "shared"; readonly status: "ok" | "warning"; readonly detail: string }[] {
  if (status === undefined) return [];
  const { label, state, hosts } = status;
  const faults = fleetFaults(status);
  const name = "shared";
  if (faults.length > 0) {
    return [{ name, status: "warning", detail: `${label}: ${faults.join("; ")}` }];
  }
  const others = hosts.length === 1 ? "1 other host" : `${formatCount(hosts.length)} other hosts`;
  const detail = state === "connecting" ? `${label}: connecting` : `${label}, ${others} seen`;
  return [{ name, status: "ok", detail }];
}
