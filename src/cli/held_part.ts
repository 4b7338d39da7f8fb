/**
 * The part of `lookup` that says what is held of a domain: asked from the daemon, or read from a file. That
 * nobody can be asked is no fault of the lookup.
 *
 * @module
 */

import { messageOf } from "../base/error_text.ts";
import type { StoredPolicy } from "../cache/types.ts";
import { readEntry } from "../daemon/import_entry.ts";
import { askAbout } from "./cache_requests.ts";
import { type CacheSource, openSource, type SourceOptions } from "./cache_source.ts";
import { askFleet, type FleetPart } from "./fleet_part.ts";

/** What is held of a domain. */
export type Held =
  | {
    readonly kind: "read";
    /** Who says so: `the daemon on unix:/run/…`. */
    readonly from: string;
    readonly policy: StoredPolicy | undefined;
  }
  /** Nobody could say; one line. */
  | { readonly kind: "unreadable"; readonly error: string };

/** Says what is held of domains. */
export interface HeldPart {
  /** @param domain In lower-case A-labels. @returns Never rejects. */
  find(domain: string): Promise<Held>;
  /** What the fleet knows of it; `undefined` if nothing is shared, or no daemon answers. Never rejects. */
  findShared(domain: string): Promise<FleetPart | undefined>;
  /** Ends the use. */
  close(): void;
}

/** Chooses whom to ask. Never rejects. @param now The time, ms. */
export async function openHeldPart(
  options: Omit<SourceOptions, "access">,
  now: () => number,
): Promise<HeldPart> {
  let source: CacheSource;
  try {
    source = await openSource({ ...options, access: "read" });
  } catch (error) {
    const unreadable: Held = { kind: "unreadable", error: messageOf(error) };
    return {
      find: () => Promise.resolve(unreadable),
      findShared: () => Promise.resolve(undefined),
      close() {},
    };
  }
  return {
    async find(domain) {
      try {
        const found = await askAbout(source, { command: "show", domain });
        return read(source, found === undefined ? undefined : toPolicy(found.entry, now()));
      } catch (error) {
        return { kind: "unreadable", error: `${messageOf(error)} (asked ${source.name})` };
      }
    },
    findShared: (domain) => askFleet(source, domain),
    close: () => void source.close(),
  };
}

function read({ name }: CacheSource, policy: StoredPolicy | undefined): Held {
  return { kind: "read", from: name, policy };
}

function toPolicy(entry: unknown, now: number): StoredPolicy {
  const reading = readEntry(entry, now);
  if (reading.kind === "policy") return reading.policy;
  throw new Error(`the reply is not understood: ${reading.why}`);
}
