/**
 * The HTTP surface of the report daemon: metrics and health.
 *
 * @module
 */

import { formatEndpoint, toListenAddress } from "../base/address.ts";
import { messageOf } from "../base/error_text.ts";
import type { Aggregator } from "../collect/aggregator.ts";
import type { HttpReply } from "../http/reply.ts";
import { createHttpServer, type HttpServer, text } from "../http/server.ts";
import { openSocket } from "../postfix/listen.ts";
import { dayOf } from "../reports/report_id.ts";
import { forLocalNames, type Site } from "../status/site.ts";
import type { ReportContext } from "./report_context.ts";
import type { Delivery } from "./report_delivery.ts";

/** What {@link openReportHttp} works with. */
export interface ReportHttpOptions {
  readonly context: ReportContext;
  readonly aggregator: Pick<Aggregator, "size">;
  readonly delivery: Pick<Delivery, "keyMistake">;
}

/** The state of one part of the report daemon. */
export interface ReportHealthCheck {
  readonly name: "store" | "days" | "key";
  readonly status: "ok" | "warning";
  /** One line for a person. */
  readonly detail: string;
}

/** A day must be closed this long after its end, ms. */
const CLOSED_BY_MS = 30 * 60_000;

/**
 * Opens the HTTP surface on all addresses of the configuration.
 *
 * @returns A function that closes it.
 * @throws {Error} If an address cannot be used; with one line for the operator.
 */
export async function openReportHttp(options: ReportHttpOptions): Promise<() => void> {
  const { context } = options;
  const { clock, log } = context;
  declareGauges(options);
  const site = createSite(options);
  const servers: HttpServer[] = [];
  const close = () => servers.forEach((server) => server.close());
  try {
    for (const endpoint of context.config().report.http) {
      const address = toListenAddress(endpoint, context.config().socketMode);
      const socket = await openSocket(address);
      const handle = isLoopback(address) ? forLocalNames(site) : site;
      const server = createHttpServer({ handle, clock, log });
      server.serve(socket);
      servers.push(server);
      log.info("serving http", { address: formatEndpoint(socket.address) });
    }
  } catch (error) {
    close();
    throw error;
  }
  return close;
}

function isLoopback(address: { kind: string; hostname?: string }): boolean {
  return address.kind === "inet" && /^(?:127\.|::1$|localhost$)/.test(address.hostname ?? "");
}

function createSite({ context, delivery }: ReportHttpOptions): Site {
  return ({ path }) => {
    switch (path) {
      case "/metrics":
        return {
          status: 200,
          type: "text/plain; version=0.0.4",
          body: context.metrics.render(),
        };
      case "/healthz":
        return json({ status: "alive" });
      case "/readyz": {
        const checks = checkReports(context, delivery);
        const wrong = checks.filter(({ status }) => status !== "ok").map(({ name }) => name);
        return json({ status: wrong.length > 0 ? "degraded" : "ready", wrong, checks });
      }
    }
    return text(404, "Not found. There are /metrics, /healthz and /readyz.");
  };
}

function json(value: unknown): HttpReply {
  return {
    status: 200,
    type: "application/json",
    body: JSON.stringify(value, null, 2) + "\n",
  };
}

/** Judges the parts. The daemon collects whatever they say, so none counts as failed. */
export function checkReports(
  { store, clock }: Pick<ReportContext, "store" | "clock">,
  delivery: Pick<Delivery, "keyMistake">,
): ReportHealthCheck[] {
  return [checkStore(store), checkDays(store, clock.proven()), checkKey(delivery)];
}

function checkKey(delivery: Pick<Delivery, "keyMistake">): ReportHealthCheck {
  const mistake = delivery.keyMistake();
  if (mistake !== undefined) return { name: "key", status: "warning", detail: mistake };
  return { name: "key", status: "ok", detail: "nothing is known to be wrong with the DKIM key" };
}

function checkStore(store: ReportContext["store"]): ReportHealthCheck {
  const name = "store";
  try {
    if (store.error !== undefined) return { name, status: "warning", detail: store.error };
    if (!store.isFull()) return { name, status: "ok", detail: "the report file can be written" };
    return { name, status: "warning", detail: "the report file is full: new domains are dropped" };
  } catch (error) {
    return { name, status: "warning", detail: messageOf(error) };
  }
}

function checkDays(store: ReportContext["store"], now: number): ReportHealthCheck {
  const name = "days";
  try {
    const open = store.nextToClose(dayOf(now - CLOSED_BY_MS));
    if (open === undefined) {
      return { name, status: "ok", detail: "all past days are closed" };
    }
    return { name, status: "warning", detail: "a past day is not closed" };
  } catch (error) {
    return { name, status: "warning", detail: messageOf(error) };
  }
}

function declareGauges({ context: { metrics, store }, aggregator }: ReportHttpOptions): void {
  const orNothing = (read: () => number) => () => {
    try {
      return read();
    } catch {
      return NaN;
    }
  };
  metrics.gaugeFn(
    "mta_sts_report_keys_held",
    "Sums that wait in memory for the report file.",
    () => aggregator.size,
  );
  metrics.gaugeFn(
    "mta_sts_report_days_open",
    "Days that are counted or not closed yet; more than two mean that closing is stuck.",
    orNothing(() => store.days().filter(({ state }) => state !== "closed").length),
  );
  metrics.gaugeFn(
    "mta_sts_report_deliveries_waiting",
    "Reports of closed days that are not sent yet.",
    orNothing(() => store.deliveries().get("due") ?? 0),
  );
  metrics.gaugeFn(
    "mta_sts_report_oldest_due_timestamp_seconds",
    "When the report that waits longest is or was due; 0 if none waits.",
    orNothing(() => (store.firstDue() ?? 0) / 1000),
  );
}
