/**
 * The ways that reports come in, as configured: a Maildir that is read again and again, and sockets that they are
 * posted to.
 *
 * @module
 */

import { formatEndpoint, toListenAddress } from "../base/address.ts";
import { createFiles } from "../base/files.ts";
import { withDeadline } from "../base/wait.ts";
import { createHttpServer, type HttpServer } from "../http/server.ts";
import { createTlsSources, type TcpSource } from "../http/tls_source.ts";
import { type OpenSocket, openSocket } from "../postfix/listen.ts";
import type { Inbox } from "../receive/inbox.ts";
import { createMaildir, type Maildir } from "../receive/maildir.ts";
import type { ReceiveContext } from "./receive_context.ts";
import { watchCertificate, type WatchedCertificate } from "./received_certificate.ts";
import type { ReceiverState } from "./received_health.ts";
import { createReportPost, declarePostMetrics } from "./received_post.ts";

/** What {@link openWays} works with. */
export interface WaysOptions {
  readonly context: ReceiveContext;
  readonly inbox: Inbox;
}

/** The ways as they stand. */
export interface Ways {
  /** What health says of them. */
  state(): Pick<ReceiverState, "maildir" | "certificate">;
  /** Reads Maildir and certificate now. */
  scan(): void;
  /** Takes nothing more, and waits for what is being judged. */
  close(): Promise<void>;
}

/** Reports judged at once: each takes up to a tenth of a second of this process, at the limits. */
const MAX_REQUESTS = 4;

/** Connections that wait for their client. Each may have a body of 1 MiB. */
const MAX_CONNECTIONS = 50;

/** Pause between scans of Maildir and certificate, ms. Reports are about yesterday, and a scan costs little. */
const SCAN_MS = 10_000;

/** Pause between two batches of a full Maildir, ms, for everything else. */
const BATCH_PAUSE_MS = 100;

/** How long the end waits for mails that are being judged, ms. They stay where they are. */
const CLOSE_MS = 5000;

/** Opens them. @throws {Error} If a socket cannot be opened; with one line for the operator. */
export async function openWays(options: WaysOptions): Promise<Ways> {
  const { context, inbox } = options;
  const { clock, warnings } = context;
  const { maildir: directory, certs, listen } = context.config().received;
  const maildir = directory === undefined
    ? undefined
    : createMaildir({ directory, inbox, clock, warnings, settle: () => context.store.flush() });
  const certificate = certs === undefined || listen.length === 0
    ? undefined
    : watchCertificate({ directory: certs, files: createFiles(), log: context.log });
  await certificate?.scan();
  const servers = await openServers(options, certificate);
  const scans = repeatScans({ maildir, certificate, clock });
  return {
    state: () => ({ maildir: maildir?.state, certificate: certificate?.state }),
    scan: scans.now,
    async close(): Promise<void> {
      for (const server of servers) server.close();
      maildir?.stop();
      await withDeadline(scans.stop(), { ms: CLOSE_MS, clock });
    },
  };
}

async function openServers(
  { context, inbox }: WaysOptions,
  certificate: WatchedCertificate | undefined,
): Promise<HttpServer[]> {
  const { clock, log, metrics, store, config } = context;
  const { listen } = config().received;
  if (listen.length === 0) return [];
  const { requests, tlsFailures } = declarePostMetrics(metrics);
  const server = createHttpServer({
    ...createReportPost({
      inbox,
      settle: () => store.flush(),
      token: () => config().received.token,
      now: clock.now,
    }),
    ...{ clock, log, maxConnections: MAX_REQUESTS, maxWaiting: MAX_CONNECTIONS },
    observe: ({ reply }) => void requests.cell(String(reply.status)).value++,
  });
  const secure = certificate && createTlsSources({
    // Whatever name the client uses: there is one certificate, and the client judges it.
    findCertificate: certificate.get,
    failures: tlsFailures,
    log,
  });
  try {
    for (const endpoint of listen) {
      const socket = await openSocket(toListenAddress(endpoint, config().socketMode));
      const isSecure = secure !== undefined && socket.address.kind === "inet";
      server.serve(isSecure ? secure(overTcp(socket)) : socket);
      const address = formatEndpoint(socket.address);
      log.info("taking reports", { protocol: isSecure ? "https" : "http", address });
    }
  } catch (error) {
    server.close();
    throw error;
  }
  return [server];
}

/** A UNIX socket has a web server in front, so only TCP gets here. */
function overTcp(socket: OpenSocket): TcpSource {
  return {
    accept: async () => await socket.accept() as Deno.TcpConn,
    close: () => socket.close(),
  };
}

/** Scans at regular intervals, one scan at a time; a full Maildir sooner. */
function repeatScans(
  { maildir, certificate, clock }: {
    maildir: Maildir | undefined;
    certificate: WatchedCertificate | undefined;
    clock: ReceiveContext["clock"];
  },
): { now(): void; stop(): Promise<void> } {
  let running: Promise<void> | undefined;
  let isAsked = false;
  let isStopped = false;
  let cancel = clock.setTimer(next, 0);

  function next(): void {
    cancel();
    if (running !== undefined) {
      isAsked = true;
      return;
    }
    if (isStopped) return;
    running = scan().then((hasMore) => {
      running = undefined;
      const pause = hasMore ? BATCH_PAUSE_MS : isAsked ? 0 : SCAN_MS;
      isAsked = false;
      if (!isStopped) cancel = clock.setTimer(next, pause);
    });
  }

  async function scan(): Promise<boolean> {
    await certificate?.scan();
    return await maildir?.scan() ?? false;
  }

  return {
    now: next,
    async stop(): Promise<void> {
      isStopped = true;
      cancel();
      await running;
    },
  };
}
