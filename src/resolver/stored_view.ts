/**
 * MX and DANE views as the store keeps them: JSON, which nobody else reads.
 *
 * @module
 */

import type { StoredMx } from "../cache/types.ts";
import { isDomainName } from "../base/host.ts";
import type { MxView } from "./types.ts";

/** A longer life was never written, ms. */
const MAX_LIFE_MS = 24 * 3600 * 1000;

const DANE_STATES: readonly unknown[] = [
  "usable",
  "absent",
  "unknown-port",
  "insecure",
  "unchecked",
] satisfies readonly MxView["dane"][];

/** Prints a view for the store. */
export function writeView(view: MxView): StoredMx {
  const { nextHop, dane, hosts, daneHosts, skipped, validated, checkedAt, freshUntil } = view;
  const life = freshUntil - checkedAt;
  const json = JSON.stringify({ dane, hosts, daneHosts, skipped, validated, life });
  return { nextHop, json, checkedAt };
}

/**
 * Reads a stored view. One without the newer members, as version 1.0 wrote it, was not validated unless
 * it found DANE, which takes validated answers; which hosts had it is not known then, so all did.
 *
 * @returns `undefined` for what is not exactly of its form: it counts as not stored.
 */
export function readView({ nextHop, json, checkedAt }: StoredMx): MxView | undefined {
  let data: { readonly [K in keyof MxView | "life"]?: unknown };
  try {
    data = JSON.parse(json);
  } catch {
    return undefined;
  }
  if (typeof data !== "object" || data === null) return undefined;
  const { dane, hosts, life } = data;
  if (!DANE_STATES.includes(dane)) return undefined;
  if (typeof life !== "number" || !(life >= 0 && life <= MAX_LIFE_MS)) return undefined;
  if (hosts !== undefined && !isHostList(hosts)) return undefined;
  const isUsable = dane === "usable";
  const { validated = isUsable, skipped = [], daneHosts = isUsable ? hosts ?? [] : [] } = data;
  if (typeof validated !== "boolean" || !isHostList(skipped) || !isHostList(daneHosts)) {
    return undefined;
  }
  return {
    nextHop,
    dane: dane as MxView["dane"],
    hosts,
    daneHosts,
    skipped,
    validated,
    checkedAt,
    freshUntil: checkedAt + life,
  };
}

function isHostList(value: unknown): value is readonly string[] {
  return Array.isArray(value) &&
    value.every((host) => typeof host === "string" && isDomainName(host));
}
