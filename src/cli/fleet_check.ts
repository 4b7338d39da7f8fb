/**
 * What `config check` says about the engine that a fleet shares: it connects, tries each right that the daemon needs
 * with a key of its own that is not announced, reads some entries to see whether they are signed with the same secret,
 * and waits for its own heartbeat.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { VERSION } from "../base/version.ts";
import { withDeadline } from "../base/wait.ts";
import { isShared } from "../config/shared.ts";
import type { Config } from "../config/types.ts";
import { nameOfHost, openSharedEngine, type SharedEngineContext } from "../daemon/fleet.ts";
import { missingCredential, readFleetFiles } from "../daemon/fleet_files.ts";
import { unwrap } from "../fleet/envelope.ts";
import { createMac, type Mac } from "../fleet/mac.ts";
import { sealMessage } from "../fleet/message.ts";
import { type Engine, EngineError } from "../fleet/types.ts";
import type { ConfigFinding } from "./config_finding.ts";

/** Nobody has a policy for this name, so nobody misses a lease or an entry of it (RFC 6761 §6.4). */
const NAME = "config-check.invalid";

/** Connecting takes as long as TLS and a login from another site, ms. */
const CALL_MS = 3000;

/** An entry and a lease for the check live this long, ms. */
const LIFE_MS = 10_000;

/** More than that between the clocks, seconds, and one of both is wrong. */
const OFFSET_MAX_S = 60;

const SUBJECT = "cache.shared";

/** The findings about `cache.shared`; none if nothing is shared. @throws {UsageError} For files that cannot be used. */
export async function fleetFindings(
  config: Config,
  options: SharedEngineContext,
): Promise<ConfigFinding[]> {
  const { shared } = config.cache;
  if (!isShared(shared)) return [];
  const missing = missingCredential(shared);
  if (missing !== undefined) {
    const text = `not tried: systemd provides ${missing} only while the unit runs`;
    return [{ kind: "note", subject: SUBJECT, text }];
  }
  const { clock } = options;
  const { secrets } = readFleetFiles(shared);
  const mac = secrets && await createMac(secrets, shared.prefix);
  const engine = await openSharedEngine(config, options);
  try {
    const call = <T>(made: Promise<T>) => within(made, clock);
    const begun = performance.now();
    const reached = await call(engine.time());
    if (reached.kind === "failed") {
      // Redis ends some of its errors with a full stop.
      const why = reached.text.replace(/\.$/, "");
      const text = `${engine.label}: ${why}: each host works alone until it answers`;
      return [{ kind: "warning", subject: SUBJECT, text }];
    }
    const took = Math.round(performance.now() - begun);
    const seconds = Math.round((reached.value - clock.now()) / 1000);
    const text = `${engine.label} answers, ${took} ms; its clock is ${describeOffset(seconds)}`;
    return [
      { kind: Math.abs(seconds) > OFFSET_MAX_S ? "warning" : "ok", subject: SUBJECT, text },
      await rightsFinding(engine, { call, now: reached.value }),
      await signingFinding(engine, { call, mac, count: secrets?.length ?? 0 }),
      await newsFinding(engine, { clock, mac }),
    ];
  } finally {
    await engine.close();
  }
}

function describeOffset(seconds: number): string {
  if (seconds === 0) return "right";
  return `${Math.abs(seconds)} s ${seconds > 0 ? "ahead of" : "behind"} this host's`;
}

type Call = <T>(made: Promise<T>) => Promise<Made<T>>;

type Made<T> =
  | { readonly kind: "done"; readonly value: T }
  /** One line. */
  | { readonly kind: "failed"; readonly text: string };

async function within<T>(made: Promise<T>, clock: Clock): Promise<Made<T>> {
  try {
    const done = made.then((value) => ({ kind: "done", value }) as const);
    return await withDeadline(done, { ms: CALL_MS, clock }) ??
      { kind: "failed", text: `no answer within ${CALL_MS} ms` };
  } catch (error) {
    if (error instanceof EngineError) return { kind: "failed", text: error.message };
    throw error;
  }
}

/** Does with a name of its own what the daemon does with domains. */
async function rightsFinding(
  engine: Engine,
  { call, now }: { readonly call: Call; readonly now: number },
): Promise<ConfigFinding> {
  const subject = `${SUBJECT} rights`;
  const lease = { token: crypto.randomUUID(), ttl: LIFE_MS };
  const next = { ...lease, next: crypto.randomUUID() };
  const entry = { kind: "x", name: NAME, sealed: "-", at: now, expiresAt: now + LIFE_MS } as const;
  const steps: [string, () => Promise<unknown>][] = [
    ["read", () => engine.read([{ kind: "p", name: NAME }])],
    ["take a lease", () => engine.claim(NAME, lease)],
    ["renew it", () => engine.renew(NAME, next)],
    ["give it back", () => engine.release(NAME, next.next)],
    // Only where there is no entry, and without an announcement.
    ["write", () => engine.publish([entry], { isFilling: true })],
    ["list", () => engine.list("p", undefined)],
  ];
  const lacking: string[] = [];
  for (const [what, run] of steps) {
    const made = await call(run());
    if (made.kind === "failed") lacking.push(`may not ${what} (${made.text})`);
  }
  if (lacking.length === 0) return { kind: "ok", subject, text: "may read, write, list and lease" };
  return { kind: "warning", subject, text: `${lacking.join("; ")}: see docs/fleet.md` };
}

/** Whether the entries that are there were signed with a secret of this host. */
async function signingFinding(
  engine: Engine,
  { call, mac, count }: {
    readonly call: Call;
    readonly mac: Mac | undefined;
    readonly count: number;
  },
): Promise<ConfigFinding> {
  const subject = `${SUBJECT} signing`;
  if (mac === undefined) {
    const text = "entries are not signed, so they only stand in for a first fetch: set secret_file";
    return { kind: "warning", subject, text };
  }
  const listed = await call(engine.list("p", undefined));
  const sealed = listed.kind === "done" ? listed.value.sealed : [];
  const by = count === 1 ? "one secret" : "two secrets, the first of which signs";
  const own = sealed.filter((text) => {
    const content = unwrap(text, mac);
    return content.kind === "content" && content.isSigned;
  }).length;
  const other = sealed.length - own;
  if (other === 0) return { kind: "ok", subject, text: `${by}; entries looked at: ${own}` };
  const text = `${by}; of ${sealed.length} entries, ${other} are not signed with it: ` +
    "hosts with another secret, or without one?";
  return { kind: "warning", subject, text };
}

/** Whether what this host announces comes back to it. */
async function newsFinding(
  engine: Engine,
  { clock, mac }: { readonly clock: Clock; readonly mac: Mac | undefined },
): Promise<ConfigFinding> {
  const subject = `${SUBJECT} news`;
  const host = nameOfHost(Deno.hostname());
  const heartbeat = { host, version: VERSION, nonce: crypto.randomUUID(), ahead: undefined };
  const message = sealMessage({ kind: "heartbeat", ...heartbeat }, { mac })!;
  const heard = Promise.withResolvers<true>();
  const failed = Promise.withResolvers<Made<true>>();
  const stop = engine.listen({
    onMessage: (text) => text === message && heard.resolve(true),
    onOpen: () =>
      void within(engine.announce(message), clock)
        .then((made) => made.kind === "failed" && failed.resolve(made)),
  });
  try {
    const made = await Promise.race([within(heard.promise, clock), failed.promise]);
    if (made.kind === "done") {
      return { kind: "ok", subject, text: "what this host announces comes back to it" };
    }
    const text =
      `what this host announces does not come back (${made.text}): changes are noticed ` +
      "at the next check of each domain";
    return { kind: "warning", subject, text };
  } finally {
    stop();
  }
}
