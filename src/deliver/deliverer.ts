/**
 * Delivers reports whose time has come: decides where each goes, has it mailed or posted, and notes the outcome.
 *
 * All state is in the queue. What is under way when the process ends is tried again after the next start, with the
 * same report id.
 *
 * Mail goes out one message after the other. POSTs run side by side, but one host gets one at a time, and a host that
 * hangs holds up only its own reports.
 *
 * @module
 */

import { messageOf } from "../base/error_text.ts";
import type { DeliveryOutcome, DueReport } from "../reports/types.ts";
import type { Destination } from "../tlsrpt/rua.ts";
import { type Attempt, judgePost } from "./attempt.ts";
import { destinationKey, judgeUri } from "./destinations.ts";
import type { DelivererOptions, DeliverySettings } from "./deliverer_options.ts";
import { countDeliveries, type DeliveryCounts } from "./delivery_counts.ts";
import { HostPlaces } from "./host_places.ts";
import { planReport } from "./planner.ts";
import { composeReportMail, packReport } from "./report_mail.ts";
import { outcomeOf } from "./schedule.ts";

/** A day, ms. */
const DAY_MS = 24 * 3600 * 1000;

/** Reports known to be due; the others stay in the file. So many may wait for one host, and others still go out. */
const BACKLOG_MAX = 2000;

/** With fewer than this more are read, if there are more. */
const BACKLOG_LOW = 500;

/** Records that are looked up at once. */
const PLANS_MAX = 16;

/** POSTs at once. */
const POSTS_MAX = 10;

/** Mails at once: they share a connection. */
const MAILS_MAX = 1;

/** Between two looks at the queue, ms. */
const LOOK_MS = 2000;

/** Between two looks while something waits for its turn, ms. */
const TURN_MS = 100;

/** A report on its way to one URI. */
type Delivery = DueReport & { readonly uri: string };

/** A report that waits. Without a destination its URIs are not known yet. */
interface Waiting {
  readonly row: DueReport;
  readonly destination: ReturnType<typeof judgeUri> | undefined;
}

/** What a piece of work needs a place for. */
type Lane = "plan" | "mail" | "post";

const LANES: Readonly<Record<Lane, number>> = {
  plan: PLANS_MAX,
  mail: MAILS_MAX,
  post: POSTS_MAX,
};

/** Delivers, from the call of {@link Deliverer.start} on. */
export class Deliverer {
  readonly #options: DelivererOptions;
  readonly #counts: DeliveryCounts;
  readonly #hosts = new HostPlaces();
  /** In the order of their times. */
  #backlog: Waiting[] = [];
  /** Whether the queue had more than was read. */
  #hasMore = false;
  readonly #running = new Map<string, Lane>();
  /** What the file has not taken. As long as there is any, nothing is begun. */
  readonly #unsettled = new Map<string, { row: Delivery; outcome: DeliveryOutcome }>();
  #cancel = () => {};
  #isAwake = false;
  #isStopped = false;

  /** Does nothing yet. */
  constructor(options: DelivererOptions) {
    this.#options = options;
    this.#counts = countDeliveries(options.metrics);
  }

  /** Begins to deliver. */
  start(): void {
    this.#schedule(0);
  }

  /** Begins nothing any more. What is under way ends by itself, and is noted if the file still takes it. */
  stop(): void {
    this.#isStopped = true;
    this.#cancel();
  }

  #schedule(delay: number): void {
    this.#cancel();
    if (this.#isStopped) return;
    this.#cancel = this.#options.clock.setTimer(() => {
      this.#isAwake = false;
      this.#look();
    }, delay);
  }

  /** Looks at the queue soon. */
  #wake(): void {
    if (this.#isAwake) return;
    this.#isAwake = true;
    this.#schedule(0);
  }

  #look(): void {
    const { log } = this.#options;
    const settings = this.#options.settings();
    let waits = false;
    try {
      for (const [key, { row, outcome }] of this.#unsettled) {
        this.#options.queue.settle(row, outcome);
        this.#unsettled.delete(key);
      }
      if (settings === undefined) this.#backlog = [];
      else {
        this.#refill(settings);
        waits = this.#begin(settings);
      }
    } catch (error) {
      // The keeper of the file has logged what is wrong with it.
      log.debug("deliveries wait for the report file", { error: messageOf(error) });
      this.#backlog = [];
      this.#hasMore = false;
    }
    this.#hosts.prune(this.#now());
    this.#schedule(waits ? TURN_MS : LOOK_MS);
  }

  #now(): number {
    return this.#options.clock.proven();
  }

  #refill(settings: DeliverySettings): void {
    if (this.#backlog.length > 0 && (this.#backlog.length >= BACKLOG_LOW || !this.#hasMore)) return;
    const due = this.#options.queue.due(this.#now(), BACKLOG_MAX);
    this.#hasMore = due.length === BACKLOG_MAX;
    this.#backlog = due.filter((row) => !this.#running.has(keyOf(row))).map((row) => ({
      row,
      destination: row.uri === undefined ? undefined : judgeUri(row.uri, settings),
    }));
  }

  /** Begins what has a place. @returns Whether something waits only for its turn. */
  #begin(settings: DeliverySettings): boolean {
    const taken: Record<Lane, number> = { plan: 0, mail: 0, post: 0 };
    for (const lane of this.#running.values()) taken[lane]++;
    const left: Waiting[] = [];
    let waits = false;
    for (const waiting of this.#backlog) {
      const { row, destination } = waiting;
      const lane = laneOf(destination?.kind);
      const isFree = taken[lane] < LANES[lane];
      const isTurn = destination?.kind !== "https" ||
        this.#hosts.isFree(destination.host, this.#now());
      if (!isFree || !isTurn) {
        if (isFree) waits = true;
        left.push(waiting);
        continue;
      }
      taken[lane]++;
      this.#run(row, lane, async () => {
        const { uri } = row;
        if (uri === undefined || destination === undefined) await this.#plan(row, settings);
        else await this.#deliver({ ...row, uri }, { destination, settings });
      });
    }
    this.#backlog = left;
    return waits;
  }

  async #run(row: DueReport, lane: Lane, work: () => Promise<void>): Promise<void> {
    const key = keyOf(row);
    this.#running.set(key, lane);
    try {
      await work();
    } catch (error) {
      this.#options.log.debug("delivery waits for the report file", { error: messageOf(error) });
    } finally {
      this.#running.delete(key);
      if (this.#backlog.length > 0 || this.#hasMore || row.uri === undefined) this.#wake();
    }
  }

  async #plan(row: DueReport, settings: DeliverySettings): Promise<void> {
    const { queue, lookup, log } = this.#options;
    const { day, domain } = row;
    const plan = await planReport({
      domain,
      counted: queue.report(day, domain),
      mails: queue.mailsTo(day, domain),
      rules: settings,
      lookup,
    });
    switch (plan.kind) {
      case "failed":
        return this.#settle({ ...row, uri: "" }, {
          attempt: { kind: "failed", error: plan.error, isDown: false },
          scheme: "none",
        });
      case "none":
        queue.plan(day, domain, [], this.#now());
        this.#counts.unsent(plan.reason);
        return log.debug("no report", { domain, reason: plan.reason });
      case "send":
        return queue.plan(day, domain, plan.uris, this.#now());
    }
  }

  async #deliver(
    row: Delivery,
    { destination, settings }: {
      destination: ReturnType<typeof judgeUri>;
      settings: DeliverySettings;
    },
  ): Promise<void> {
    if (destination.kind === "invalid") {
      const attempt: Attempt = { kind: "refused", error: destination.reason };
      return this.#settle(row, { attempt, scheme: "none" });
    }
    const attempt = this.#bound(destination, settings) ?? await this.#try(row, destination);
    this.#settle(row, { attempt, scheme: destination.kind });
  }

  /** What ends the delivery if the destination has had its share of today. */
  #bound(destination: Destination, { perDestination }: DeliverySettings): Attempt | undefined {
    const key = destinationKey(destination);
    const today = Math.floor(this.#now() / DAY_MS);
    if (this.#options.queue.mailsTo(today, key) < perDestination) return undefined;
    this.#options.warnings.warn(`per_destination ${key}`, "too many reports to one destination", {
      destination: destination.host,
      limit: perDestination,
      remedy: "raise 'report.per_destination' if that is right",
    });
    return { kind: "refused", error: `more than ${perDestination} reports today` };
  }

  async #try({ day, domain }: Delivery, destination: Destination): Promise<Attempt> {
    const counted = this.#options.queue.report(day, domain);
    if (counted === undefined) return { kind: "refused", error: "its counts are gone" };
    const { report } = counted;
    if (destination.kind === "mailto") {
      const { address: to } = destination;
      const message = composeReportMail(report, { to, time: this.#options.clock.now() });
      return await this.#options.mail({ from: report.contact, to, message });
    }
    const { host, url } = destination;
    const error = this.#hosts.restingSince(host, this.#now());
    if (error !== undefined) return { kind: "failed", error, isDown: true };
    this.#hosts.begin(host, this.#now());
    const attempt = judgePost(await this.#options.post(url, packReport(report)));
    const isDown = attempt.kind === "failed" && attempt.isDown;
    this.#hosts.end(host, { now: this.#now(), error: isDown ? attempt.error : undefined });
    return attempt;
  }

  #settle(
    row: Delivery,
    { attempt, scheme }: { attempt: Attempt; scheme: Destination["kind"] | "none" },
  ): void {
    const { queue, random, log } = this.#options;
    const outcome = outcomeOf(row, attempt, { now: this.#now(), random });
    this.#counts.settled(scheme, outcome.state);
    const { domain, uri } = row;
    const error = outcome.state === "sent" ? undefined : outcome.error;
    const isFinal = outcome.state === "refused" || outcome.state === "expired";
    log[isFinal ? "info" : "debug"](`report ${outcome.state}`, { domain, uri, error });
    try {
      queue.settle(row, outcome);
    } catch {
      // Noted later, so that nothing is sent once more only because the disk is full.
      this.#unsettled.set(keyOf(row), { row, outcome });
    }
  }
}

/** A URI that is none needs no place of its own, but it must be noted. */
function laneOf(kind: Destination["kind"] | "invalid" | undefined): Lane {
  return kind === "mailto" ? "mail" : kind === "https" ? "post" : "plan";
}

function keyOf({ day, domain, uri }: DueReport): string {
  return `${day} ${domain} ${uri ?? ""}`;
}
