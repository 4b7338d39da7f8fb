/**
 * A site in a world of tables, asked without a socket.
 *
 * @module
 */

import { GenerationalMap } from "../../src/base/generational_map.ts";
import { createMemoryStore } from "../../src/cache/memory_store.ts";
import type { PolicyStore } from "../../src/cache/types.ts";
import type { FleetStatus } from "../../src/fleet/status.ts";
import type { DnssecProbe } from "../../src/dns/types.ts";
import { createExceptionWatch } from "../../src/status/exception_watch.ts";
import { createHealth } from "../../src/status/health.ts";
import { startHistory } from "../../src/status/history.ts";
import { parseHead } from "../../src/http/request.ts";
import type { HttpReply } from "../../src/http/server.ts";
import { createLog } from "../../src/base/log.ts";
import { createMetrics } from "../../src/base/metrics.ts";
import { createObserver } from "../../src/status/observer.ts";
import { createAnswerCounts } from "../../src/status/answer_counts.ts";
import { createDeferrals } from "../../src/status/deferrals.ts";
import type { AnswerWord } from "../../src/status/history.ts";
import { createProblems } from "../../src/status/problems.ts";
import { createRecentEvents } from "../../src/status/recent_events.ts";
import { createSite } from "../../src/status/site.ts";
import { createWarnings } from "../../src/base/warnings.ts";
import { isInForce } from "../../src/resolver/exceptions.ts";
import type { DomainException } from "../../src/resolver/exception.ts";
import { expiryOf, formatPolicy, readPolicyFile } from "../../src/sts/policy.ts";
import type { Policy } from "../../src/sts/policy.ts";
import { ManualClock } from "../fakes/manual_clock.ts";
import { createWorld, DAY } from "../fakes/world.ts";

/** A log that nobody reads. */
export const SILENT = createLog({ level: "error", format: "text", write: () => {} });

/** A site and all that stands behind it. */
export async function createTestSite(
  options: {
    store?: PolicyStore;
    clock?: ManualClock;
    domains?: readonly DomainException[];
  } = {},
) {
  const clock = options.clock ?? new ManualClock();
  const store = options.store ?? createMemoryStore({ maxEntries: 300_000 });
  const { domains = [] } = options;
  const world = createWorld({ clock, store, settings: { domains } });
  const metrics = createMetrics();
  const warnings = createWarnings({ log: SILENT, clock });
  const now = () => clock.now();
  const events = createRecentEvents({
    now,
    createMap: (maxEntries) => new GenerationalMap(maxEntries),
  });
  const observe = createObserver({
    log: SILENT,
    metrics,
    warnings,
    now,
    refreshInterval: DAY,
    failures: { dns: [], fetch: [] },
  });
  const exceptions = createExceptionWatch({
    log: SILENT,
    metrics,
    clock,
    hasEnded: (exception) => !isInForce(exception, clock.proven()),
  });
  exceptions.use(domains);
  const deferrals = createDeferrals({ now });
  const problems = createProblems({ deferrals, store, now });
  const tallies = new Map<string, Record<AnswerWord, number>>();
  const counts = createAnswerCounts({ createMap: () => tallies, settle: () => {} });
  // The world's events are told as they happen.
  world.events.push = (...happened) => {
    for (const event of happened) {
      observe(event);
      events.note(event);
      exceptions.note(event);
      problems.note(event);
    }
    return 0;
  };
  const history = startHistory({ metrics, clock });
  const parts = {
    probe: { kind: "validates" } as DnssecProbe,
    sockets: 1,
    wall: now,
    refusal: undefined as { at: number; message: string } | undefined,
    fleet: undefined as FleetStatus | undefined,
  };
  const health = createHealth({
    clock,
    wall: () => parts.wall(),
    doubted: () => 0,
    sockets: () => parts.sockets,
    store,
    deferrals,
    refusal: () => parts.refusal,
    probe: () => Promise.resolve(parts.probe),
    validates: () => undefined,
    resolvers: () => [],
    exceptions: () => exceptions.list(),
    fleet: () => parts.fleet,
  });
  const handle = await createSite({
    version: "1.2.3",
    now,
    startedAt: clock.now(),
    metrics,
    store,
    warnings,
    history,
    events,
    exceptions: () => exceptions.list(),
    fleet: () => parts.fleet,
    deferrals,
    problems,
    counts,
    hostname: "mail.example",
    health,
    report: (domain) => world.resolver.report(domain),
  });

  /** Asks for a path. */
  async function get(path: string): Promise<HttpReply & { readonly body: string }> {
    const request = parseHead(`GET ${path} HTTP/1.1\r\nhost: localhost`);
    if (request === undefined) throw new TypeError(`Not a path: ${path}`);
    const reply = await handle(request);
    return { ...reply, body: String(reply.body) };
  }

  return { world, clock, store, metrics, warnings, events, deferrals, counts, parts, get };
}

/** A policy in a store. Times in ms. */
export interface StoredExample extends Partial<Policy> {
  readonly text?: string;
  readonly fetchedAt?: number;
  readonly lastUsedAt?: number;
}

/** Puts a policy into a store. */
export function put(store: PolicyStore, domain: string, example: StoredExample = {}): void {
  const { mode = "enforce", mx = [`mx.${domain}`], maxAge = 604_800 } = example;
  const fetchedAt = example.fetchedAt ?? Date.UTC(2026, 0, 1);
  const file = readPolicyFile(example.text ?? formatPolicy({ mode, mx, maxAge }));
  store.putPolicy({
    domain,
    id: "20260101",
    ...file,
    fetchedAt,
    expiresAt: expiryOf(file.policy, fetchedAt),
    lastUsedAt: example.lastUsedAt ?? fetchedAt,
    refreshAt: fetchedAt + DAY,
  });
}

const VOID_ELEMENTS = ["input", "link", "meta", "wbr"];

/**
 * Reads HTML as strictly as we write it: every tag is closed in its order, every attribute quoted.
 *
 * @returns The names of its elements.
 * @throws {SyntaxError} At the first thing that is not of that form.
 */
export function elementsOf(page: string): string[] {
  const rest = page.replace(/^<!DOCTYPE html>/, "").replace(/<style>[^<]*<\/style>/, "");
  const tag =
    /<(\/?)([a-z][a-z0-9]*)((?: [a-zA-Z-]+="[^"<>]*"| \/|\s+[a-zA-Z-]+="[^"<>]*")*)\s*(\/?)>/y;
  const names: string[] = [];
  const open: string[] = [];
  for (let at = rest.indexOf("<"); at >= 0; at = rest.indexOf("<", at)) {
    tag.lastIndex = at;
    const [whole, closes, name = "", , empty] = tag.exec(rest) ?? [];
    if (whole === undefined) throw new SyntaxError(`Not a tag: ${rest.slice(at, at + 80)}`);
    if (closes === "/") {
      if (open.pop() !== name) throw new SyntaxError(`Not open: ${rest.slice(at - 80, at + 20)}`);
    } else {
      names.push(name);
      if (!whole.endsWith("/>") && empty === "" && !VOID_ELEMENTS.includes(name)) open.push(name);
    }
    at += whole.length;
  }
  if (open.length > 0) throw new SyntaxError(`Still open: ${open}`);
  return names;
}
