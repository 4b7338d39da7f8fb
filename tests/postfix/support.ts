/**
 * A socketmap server on loopback under a manual clock, and clients that send whatever octets they like.
 *
 * @module
 */

import { createMetrics, type Metrics } from "../../src/base/metrics.ts";
import type { Log, LogValue } from "../../src/base/log.ts";
import type { Handler } from "../../src/postfix/connection.ts";
import { encodeNetstring, NetstringDecoder } from "../../src/postfix/netstring.ts";
import { type Octets, viewOf } from "../../src/postfix/octets.ts";
import {
  createServer,
  type ServerOptions,
  type SocketmapServer,
} from "../../src/postfix/server.ts";
import type { ListenAddress } from "../../src/config/types.ts";
import { MAX_REPLY_BYTES } from "../../src/postfix/socketmap.ts";
import { ManualClock } from "../fakes/manual_clock.ts";

/** Limits under which nothing is limited unless a test says so. Times in ms; the sweep comes every second. */
export const LIMITS = { connections: 1000, pipeline: 100, idleTimeout: 80_000, ioTimeout: 8000 };

/** The sweep notices a state up to one second late, and ends it at the next full second. */
export const SWEEP_MS = 1000;

/** A line that was logged. */
export interface LogLine {
  readonly level: string;
  readonly event: string;
  readonly fields: Record<string, LogValue>;
}

/** A log that keeps its lines. */
export function recordLog(): { log: Log; lines: LogLine[] } {
  const lines: LogLine[] = [];
  const at = (level: string) => (event: string, fields: Record<string, LogValue> = {}) => {
    lines.push({ level, event, fields });
  };
  const log = {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    enabled: () => true,
  };
  return { log, lines };
}

/** The value of one series of the metrics, as a scrape shows it. */
export function metricValue(metrics: Metrics, series: string): number | undefined {
  const line = metrics.render().split("\n").find((line) => line.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

/** A server on a free port of 127.0.0.1. */
export interface TestServer extends AsyncDisposable {
  readonly server: SocketmapServer;
  readonly address: ListenAddress;
  readonly clock: ManualClock;
  readonly metrics: Metrics;
  readonly lines: LogLine[];
  connect(): Promise<TestClient>;
}

/** A {@link Handler} that gets the request as text, one char per octet. */
export type TextHandler = (request: string) => ReturnType<Handler>;

/** The handler itself. */
export function fromText(handler: TextHandler): Handler {
  return (payload) => handler(chars(payload));
}

/** Starts a server with this handler. */
export async function startServer(
  handler: TextHandler,
  limits: Partial<ServerOptions["limits"]> = {},
): Promise<TestServer> {
  const clock = new ManualClock();
  const metrics = createMetrics();
  const { log, lines } = recordLog();
  const server = createServer({
    handler: fromText(handler),
    log,
    metrics,
    clock,
    limits: { ...LIMITS, ...limits },
  });
  const address = await server.listen({ kind: "inet", hostname: "127.0.0.1", port: 0 });
  return {
    server,
    address,
    clock,
    metrics,
    lines,
    connect: () => TestClient.connect(address),
    [Symbol.asyncDispose]: () => server.drain(0),
  };
}

/** A client that sends octets, and reads replies or the end of the stream. */
export class TestClient implements Disposable {
  readonly conn: Deno.Conn;
  readonly #decoder = new NetstringDecoder(MAX_REPLY_BYTES);

  private constructor(conn: Deno.Conn) {
    this.conn = conn;
  }

  static async connect(address: ListenAddress): Promise<TestClient> {
    const conn = address.kind === "unix"
      ? await Deno.connect({ transport: "unix", path: address.path })
      : await Deno.connect({ hostname: address.hostname, port: address.port });
    return new TestClient(conn as Deno.Conn);
  }

  /** Sends text with one char per octet. */
  async send(octets: string): Promise<void> {
    let rest = toBytes(octets);
    while (rest.length > 0) rest = rest.subarray(await this.conn.write(rest));
  }

  /** Sends framed requests in one piece. */
  async request(...payloads: string[]): Promise<void> {
    await this.send(payloads.map(frame).join(""));
  }

  /** The next reply; `null` at the end of the stream, be it orderly or not. */
  async reply(): Promise<string | null> {
    for (;;) {
      const reply = this.#decoder.next();
      if (reply !== undefined) return chars(reply);
      const count = await this.conn.read(this.#decoder.space()).catch(() => null);
      if (count === null) return null;
      this.#decoder.fill(count);
    }
  }

  /** The next `count` replies. */
  async replies(count: number): Promise<(string | null)[]> {
    const replies: (string | null)[] = [];
    while (replies.length < count) replies.push(await this.reply());
    return replies;
  }

  /** Sends a request and waits for its reply. */
  async ask(payload: string): Promise<string | null> {
    await this.request(payload);
    return await this.reply();
  }

  [Symbol.dispose](): void {
    try {
      this.conn.close();
    } catch {
      // The test closed it.
    }
  }
}

/** Frames a payload; one char per octet before and after. */
export function frame(payload: string): string {
  return `${payload.length}:${payload},`;
}

/** Lets the sockets move. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** Replies with the request. */
export const echo: TextHandler = (request) => encodeNetstring(toBytes(`OK ${request}`));

/** Text as octets in the midst of a buffer, one char each. */
export function received(chars: string): Octets {
  const bytes = toBytes(`x y${chars} .z`);
  return { bytes, view: viewOf(bytes), from: 3, to: 3 + chars.length };
}

/** Octets as text, one char each. They may be more than a call can have arguments. */
export function chars({ bytes, from, to }: Octets): string {
  let text = "";
  for (let at = from; at < to; at += 1000) {
    text += String.fromCharCode(...bytes.subarray(at, Math.min(at + 1000, to)));
  }
  return text;
}

function toBytes(octets: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(octets, (char) => char.charCodeAt(0));
}
