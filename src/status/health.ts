/**
 * Whether the daemon can do its work, check by check, for probes and people.
 *
 * `failed` means that the daemon cannot answer, or not correctly; then the status of `/readyz` is 503.
 * `warning` means that answers are correct but the postmaster should look. Whether the process is alive is
 * not judged here, because any reply shows it. A supervisor that restarts the daemon because DNS is down
 * only loses what memory holds.
 *
 * @module
 */

import type { StoreCare } from "../cache/types.ts";
import type { DnssecProbe, ResolverState, WayState } from "../dns/types.ts";
import type { Clock, ProvenClock } from "../base/clock.ts";
import type { FleetStatus } from "../fleet/status.ts";
import type { Deferrals } from "./deferrals.ts";
import { formatCount, formatTime } from "./wording.ts";
import { withDeadline } from "../base/wait.ts";
import { checkExceptions } from "./exception_block.ts";
import type { ExceptionState } from "./exception_watch.ts";
import { checkFleet } from "./fleet_check.ts";

/** A correct clock shows no earlier time, ms: the program is younger. */
const CLOCK_NOT_BEFORE_MS = Date.UTC(2026, 0, 1);

/** How far the wall clock may be behind the process's time, which never runs backwards, ms. */
const CLOCK_BEHIND_MS = 5 * 60_000;

/** The resolver is probed at most this often, ms, however often the health is requested. */
const PROBE_KEPT_MS = 10_000;

/** A probe without an answer within this time counts as failed, ms: clients of `/readyz` do not wait for long. */
const PROBE_WAIT_MS = 2500;

/** The most resolvers described one by one; libc uses three. */
const MAX_RESOLVERS = 5;

/** Deferred next hops whose reasons are named; the status page lists the others. */
const MAX_DEFERRED = 3;

/** The state of one part. */
export interface HealthCheck {
  readonly name:
    | "listening"
    | "deferred"
    | "config"
    | "dns"
    | "clock"
    | "cache"
    | "shared"
    | "dnssec"
    | "exceptions";
  readonly status: "ok" | "warning" | "failed";
  /** One line for a person, from a trusted source. */
  readonly detail: string;
}

/** The state of the daemon. */
export interface HealthReport {
  /** `unready` if a check failed, otherwise `degraded` if one warns. */
  readonly status: "ready" | "degraded" | "unready";
  readonly checks: readonly HealthCheck[];
}

/** What {@link createHealth} looks at. */
export interface HealthOptions {
  readonly clock: ProvenClock;
  /** The wall clock, ms since the epoch. */
  readonly wall: () => number;
  /** By how much the wall clock is ahead while that is not believed, ms; otherwise 0. */
  readonly doubted: () => number;
  /** Sockets on which queries are accepted. */
  readonly sockets: () => number;
  readonly store: Pick<StoreCare, "health">;
  readonly deferrals: Pick<Deferrals, "list" | "count" | "since">;
  /** The last reload if it was refused: when, ms, and why, a line for each mistake. */
  readonly refusal: () => { readonly at: number; readonly message: string } | undefined;
  /** Asks the DNS resolver something that it can always answer. Never rejects. */
  readonly probe: () => Promise<DnssecProbe>;
  /** Whether a resolver validated when last asked; `undefined` if unknown. */
  readonly validates: () => boolean | undefined;
  /** What is known of each resolver. */
  readonly resolvers: () => readonly ResolverState[];
  /** The exceptions of the configuration. */
  readonly exceptions?: () => readonly ExceptionState[];
  /** The engine that a fleet shares; `undefined` if there is none. */
  readonly fleet?: () => FleetStatus | undefined;
}

/** Creates the health report. @returns A function that never rejects, and answers within three seconds. */
export function createHealth(options: HealthOptions): () => Promise<HealthReport> {
  const { clock } = options;
  let last: { readonly at: number; readonly probe: Promise<DnssecProbe> } | undefined;

  /** The last probe, or a new one if that is too old; concurrent callers share it. */
  function probe(): Promise<DnssecProbe> {
    const now = clock.now();
    if (last === undefined || now - last.at >= PROBE_KEPT_MS) {
      last = { at: now, probe: inTime(options.probe(), clock) };
    }
    return last.probe;
  }

  return async () => {
    const probed = await probe();
    const checks = [
      checkListening(options.sockets()),
      checkDeferred(options.deferrals),
      checkConfig(options.refusal()),
      checkDns(probed, options.resolvers()),
      checkClock(options, clock.now()),
      checkCache(options.store),
      ...checkFleet(options.fleet?.()),
      checkDnssec(probed, options.validates()),
      ...checkExceptions(options.exceptions?.() ?? [], clock.proven()),
    ];
    const has = (status: HealthCheck["status"]) => checks.some((check) => check.status === status);
    const status = has("failed") ? "unready" : has("warning") ? "degraded" : "ready";
    return { status, checks };
  };
}

async function inTime(probe: Promise<DnssecProbe>, clock: Clock): Promise<DnssecProbe> {
  const detail = `no answer within ${PROBE_WAIT_MS} ms`;
  return await withDeadline(probe, { ms: PROBE_WAIT_MS, clock }) ??
    { kind: "unknown", reason: "timeout", detail };
}

function checkListening(sockets: number): HealthCheck {
  const name = "listening";
  if (sockets === 0) return { name, status: "failed", detail: "queries are not accepted" };
  return { name, status: "ok", detail: `${sockets} ${sockets === 1 ? "socket" : "sockets"}` };
}

/** A reply `TEMP` is correct, but mail waits, and the cause may be here. */
function checkDeferred(deferrals: HealthOptions["deferrals"]): HealthCheck {
  const name = "deferred";
  const count = deferrals.count();
  const since = deferrals.since();
  if (count === 0 || since === undefined) return { name, status: "ok", detail: "no domain" };
  const domains = count === 1 ? "1 domain" : `${formatCount(count)} domains`;
  const reasons = deferrals.list(MAX_DEFERRED).map(({ reason }) => reason);
  const left = count - reasons.length;
  if (left > 0) reasons.push(`and ${formatCount(left)} more`);
  const detail = `mail to ${domains} waits, the longest since ${formatTime(since)} UTC: ${
    reasons.join("; ")
  }`;
  return { name, status: "warning", detail };
}

/** After a refused reload, the daemon works on with the configuration before, which its next start will not find. */
function checkConfig(refusal: ReturnType<HealthOptions["refusal"]>): HealthCheck {
  const name = "config";
  if (refusal === undefined) return { name, status: "ok", detail: "in use as last read" };
  const mistakes = refusal.message.replaceAll(/[\r\n]+/g, "; ");
  const detail = `the reload at ${
    formatTime(refusal.at)
  } UTC was refused, the configuration before stays: ${mistakes}`;
  return { name, status: "warning", detail };
}

/** UDP carries most questions, and TCP the answers that do not fit in a datagram, such as many TLSA records. */
function checkDns(probe: DnssecProbe, resolvers: readonly ResolverState[]): HealthCheck {
  const name = "dns";
  if (probe.kind === "unknown") {
    return { name, status: "failed", detail: `${probe.reason}: ${probe.detail}` };
  }
  const shown = resolvers.slice(0, MAX_RESOLVERS).map(describeResolver);
  const left = resolvers.length - shown.length;
  if (left > 0) shown.push(`and ${left} more`);
  const silent = resolvers.flatMap(({ server, udp, tcp }) => [
    ...udp === "no answer" ? [`${server} does not answer over UDP`] : [],
    ...tcp === "no answer" ? [`${server} does not answer over TCP`] : [],
  ]).slice(0, MAX_RESOLVERS);
  const detail = [...silent, "the resolver answers", ...shown].join("; ");
  return { name, status: silent.length === 0 ? "ok" : "warning", detail };
}

/** Describes a resolver in one line: `127.0.0.1:53: UDP answers, TCP answers, EDNS, validates`. */
export function describeResolver({ server, udp, tcp, edns, validates }: ResolverState): string {
  const answers = udp === "answers" || tcp === "answers";
  const words = [
    `UDP ${WAYS[udp]}`,
    `TCP ${WAYS[tcp]}`,
    ...answers ? [edns ? "EDNS" : "no EDNS (asked without it, also for the AD bit)"] : [],
    validates === undefined ? "validation unknown" : validates ? "validates" : "does not validate",
  ];
  return `${server}: ${words.join(", ")}`;
}

const WAYS: Readonly<Record<WayState, string>> = {
  "answers": "answers",
  "no answer": "does not answer",
  "unknown": "not tried",
  "off": "switched off by use-vc",
};

/** Certificates and the ages of policies depend on the clock. */
function checkClock({ wall: readWall, doubted }: HealthOptions, now: number): HealthCheck {
  const name = "clock";
  const wall = readWall();
  if (wall < CLOCK_NOT_BEFORE_MS) {
    const detail = `the clock shows ${
      new Date(wall).toISOString()
    }, before this program was written`;
    return { name, status: "failed", detail };
  }
  const ahead = Math.round(doubted() / 1000);
  if (ahead > 0) {
    const detail =
      `the clock jumped ahead by ${ahead} s; nothing expires because of it unless the jump lasts`;
    return { name, status: "warning", detail };
  }
  const behind = now - wall;
  if (behind <= CLOCK_BEHIND_MS) return { name, status: "ok", detail: "plausible" };
  const detail = `the clock was set back by ${
    Math.round(behind / 1000)
  } s; policies keep their age`;
  return { name, status: "warning", detail };
}

/** Without its file, the daemon answers from memory, which a stop loses. */
function checkCache(store: Pick<StoreCare, "health">): HealthCheck {
  const name = "cache";
  const health = store.health();
  switch (health.kind) {
    case "ok":
      return { name, status: "ok", detail: "the cache file works" };
    case "memory":
      return { name, status: "ok", detail: "in memory only, as configured" };
    case "degraded":
      return { name, status: "warning", detail: health.error };
  }
}

/** Without validation, DANE cannot be checked, and MTA-STS is the only protection. */
function checkDnssec(probe: DnssecProbe, validates: boolean | undefined): HealthCheck {
  const name = "dnssec";
  if (probe.kind === "does-not-validate") {
    const detail = `the resolver does not validate, so DANE is not checked: ${probe.detail}`;
    return { name, status: "warning", detail };
  }
  if (probe.kind === "validates" || validates) {
    return { name, status: "ok", detail: "the resolver validates" };
  }
  const detail = "whether the resolver validates is unknown";
  return { name, status: "warning", detail };
}
