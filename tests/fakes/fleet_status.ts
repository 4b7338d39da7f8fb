/**
 * The state of a fleet's exchange in which all is well, for what shows it.
 *
 * @module
 */

import type { FleetStatus } from "../../src/fleet/status.ts";

/** A state, with changes. @param now The time, ms. */
export function fleetStatus(now: number, changes: Partial<FleetStatus> = {}): FleetStatus {
  return {
    label: "redis://10.0.0.5:6379/2",
    state: "up",
    since: now - 3_600_000,
    fault: undefined,
    hearing: "open",
    lastNewsAt: now - 5_000,
    offset: 0,
    isSigned: true,
    hosts: [
      { name: "mx2.example", version: "1.0.0", lastHeardAt: now - 4_000, ahead: 0 },
      { name: "mx3.example", version: "1.1.0", lastHeardAt: now - 9_000, ahead: -90_000 },
    ],
    outbox: { entries: 0, octets: 0, dropped: 0 },
    leases: 0,
    waiting: 0,
    refused: {
      size: 0,
      form: 0,
      signature: 0,
      unsigned: 0,
      version: 0,
      name: 0,
      settings: 0,
      policy: 0,
      expired: 0,
      future: 0,
      purged: 0,
    },
    ...changes,
  };
}
