/**
 * One case of a run: what it must show, and what it showed.
 *
 * @module
 */

import type { Kind } from "./servers.ts";

/** What a case runs with. */
export interface Ground {
  /** The engine. */
  readonly kind: Kind;
  /** The program of the hosts; by default the source. */
  readonly command: readonly string[] | undefined;
  /** How many hosts the larger cases have. */
  readonly hosts: number;
  /** How many domains are asked for in the larger cases. */
  readonly domains: number;
}

/** What was seen, for the table. */
export interface Figure {
  /** What was measured. */
  readonly what: string;
  readonly goal: string;
  readonly found: string;
  readonly isMet: boolean;
}

/** A case. */
export interface Case {
  /** One word. */
  readonly name: string;
  run(ground: Ground): Promise<Figure[]>;
}

/** A figure that must be exactly so. */
export function exactly(what: string, { goal, found }: { goal: number; found: number }): Figure {
  return { what, goal: String(goal), found: String(found), isMet: found === goal };
}

/** A time that must be at most so, ms; `undefined` if it never came. */
export function atMost(
  what: string,
  { goal, found, unit = "ms" }: { goal: number; found: number | undefined; unit?: string },
): Figure {
  const text = found === undefined ? "never" : `${Math.round(found * 10) / 10} ${unit}`;
  return {
    what,
    goal: `≤ ${goal} ${unit}`,
    found: text,
    isMet: found !== undefined && found <= goal,
  };
}
