/**
 * Entries of postfix-mta-sts-resolver, as its caches keep them, judged by our own parser.
 *
 * It keeps no text: the policy is written again from its fields. Its time is that of the last TXT lookup with the same
 * id and not that of the fetch, so a host that uses an entry should fetch soon. Entries are not signed.
 *
 * @module
 */

import { domainToUnicode } from "node:url";
import { isMapping } from "../base/mapping.ts";
import { readKey } from "../sts/domain.ts";
import { expiryOf, type PolicyFile, PolicySyntaxError, readPolicyFile } from "../sts/policy.ts";

/** An entry as it was stored: nothing is believed yet. */
export interface RivalRow {
  /** The domain as somebody asked for it, in lower case; U-labels occur. */
  readonly key: string;
  /** Seconds since the epoch. */
  readonly ts: number;
  /** The `id` of the TXT record. */
  readonly id: unknown;
  /** `{version, mode, mx, max_age}`. */
  readonly body: unknown;
}

/** An entry that holds a policy. */
export interface RivalEntry extends PolicyFile {
  /** Policy domain, lower-case A-labels. */
  readonly domain: string;
  /** The `id` of the TXT record. */
  readonly id: string;
  /** When the TXT record was last seen with this id, ms; never after now. */
  readonly checkedAt: number;
}

/** Why an entry is left out. */
export type RivalProblem =
  /** The policy asks for nothing. */
  | "none"
  /** `max_age` is over. */
  | "expired"
  /** The key is no domain that can have a policy. */
  | "no domain"
  /** Id, time or policy are not valid. */
  | "invalid";

/** The result of reading an entry. */
export type RivalReading =
  | { readonly kind: "entry"; readonly entry: RivalEntry }
  | { readonly kind: "left-out"; readonly key: string; readonly problem: RivalProblem };

/** A cache of the other program, opened for reading. */
export interface RivalSource {
  /**
   * All entries, in parts of some hundred.
   *
   * @throws {EngineError} If the cache cannot be read, or not to its end.
   */
  list(): AsyncIterable<readonly RivalReading[]>;
  /**
   * The entry of a domain; `undefined` if there is none that holds a policy.
   *
   * @throws {EngineError} If the cache cannot be read.
   */
  read(domain: string): Promise<RivalEntry | undefined>;
  /** Ends all connections. */
  close(): Promise<void>;
}

const ID = /^[A-Za-z0-9]{1,32}$/;

/** What a field may hold, so that it stays one line. */
const FIELD = /^[ -~]{0,500}$/;

/** More patterns than any policy has that fits into 64 KiB. */
const MX_MAX = 10_000;

/** The last second that a date can have. */
const TS_MAX = 8_640_000_000_000;

/**
 * Judges an entry.
 *
 * @param now ms.
 */
export function readRivalRow({ key, ts, id, body }: RivalRow, now: number): RivalReading {
  const leaveOut = (problem: RivalProblem): RivalReading => ({ kind: "left-out", key, problem });
  const domain = domainOf(key);
  if (domain === undefined) return leaveOut("no domain");
  const text = writeBody(body);
  if (text === undefined || typeof id !== "string" || !ID.test(id)) return leaveOut("invalid");
  if (!(ts > 0 && ts < TS_MAX)) return leaveOut("invalid");
  try {
    const file = readPolicyFile(text);
    const checkedAt = Math.min(Math.floor(ts * 1000), now);
    if (file.policy.mode === "none") return leaveOut("none");
    if (expiryOf(file.policy, checkedAt) <= now) return leaveOut("expired");
    return { kind: "entry", entry: { ...file, domain, id, checkedAt } };
  } catch (error) {
    if (error instanceof PolicySyntaxError) return leaveOut("invalid");
    throw error;
  }
}

/** The keys under which a domain may be: also its U-labels. */
export function keysOf(domain: string): readonly string[] {
  const name = domain.includes("xn--") ? domainToUnicode(domain) : domain;
  return name === domain || name === "" ? [domain] : [domain, name];
}

/**
 * The newest entry of a domain that holds a policy.
 *
 * @param rows By {@link keysOf}.
 */
export function entryOf(
  rows: ReadonlyMap<string, RivalRow>,
  { domain, now }: { readonly domain: string; readonly now: number },
): RivalEntry | undefined {
  let newest: RivalEntry | undefined;
  for (const key of keysOf(domain)) {
    const row = rows.get(key);
    const reading = row && readRivalRow(row, now);
    if (reading?.kind !== "entry" || reading.entry.domain !== domain) continue;
    if (newest === undefined || reading.entry.checkedAt > newest.checkedAt) newest = reading.entry;
  }
  return newest;
}

/** Reads JSON. @returns `undefined` for anything else. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function domainOf(key: string): string | undefined {
  const reading = readKey(key);
  if (reading.kind !== "next-hop") return undefined;
  const { domain, bracketed, port } = reading.nextHop;
  return bracketed || port !== 25 ? undefined : domain;
}

/** Writes a policy file (RFC 8461 §3.2). @returns `undefined` if a field is not of its type. */
function writeBody(body: unknown): string | undefined {
  if (!isMapping(body)) return undefined;
  const { version, mode, mx = [], max_age } = body;
  if (!Array.isArray(mx) || mx.length > MX_MAX) return undefined;
  const lines = [
    ["version", version],
    ["mode", mode],
    ...mx.map((pattern: unknown) => ["mx", pattern]),
    ["max_age", typeof max_age === "number" ? `${max_age}` : max_age],
  ];
  if (!lines.every(([, value]) => typeof value === "string" && FIELD.test(value))) return undefined;
  return lines.map(([name, value]) => `${name}: ${value}\n`).join("");
}
