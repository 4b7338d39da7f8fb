/**
 * Asks a daemon for known domains all the time, and keeps count of how that goes.
 *
 * @module
 */

import { encodeNetstring, NetstringDecoder } from "../../src/postfix/netstring.ts";
import { decodeUtf8 } from "../../src/postfix/octets.ts";
import { MAX_REPLY_BYTES } from "../../src/postfix/socketmap.ts";
import { memoryOf } from "../fakes/memory.ts";

/** Pause between two questions, ms: some three hundred a second, as a busy host asks. */
const PAUSE_MS = 3;

/** What was seen between two looks. */
export interface Tally {
  readonly answers: number;
  /** Replies that were not the one expected, with the first of them. */
  readonly wrong: number;
  readonly firstWrong: string | undefined;
  /** 99th percentile and maximum, ms. */
  readonly p99: number;
  readonly worst: number;
  /** Highest resident set size seen, MB. */
  readonly peakRss: number;
}

/** A running probe. */
export interface Probe {
  /** What was seen since the last call. */
  take(): Tally;
  stop(): Promise<void>;
}

/**
 * Starts a probe on a connection of its own, reopened when it is lost.
 *
 * @param options Port and process id of the daemon, and the replies that are right, by domain.
 */
export function startProbe(
  options: { port: number; pid: number; expected: ReadonlyMap<string, string> },
): Probe {
  const { port, pid, expected } = options;
  let times: number[] = [];
  let wrong = 0;
  let firstWrong: string | undefined;
  let peakRss = 0;
  let stopped = false;

  async function run(): Promise<void> {
    let domains: string[] = [];
    let conn: Deno.Conn | undefined;
    for (let turn = 0; !stopped; turn++) {
      // Domains may be added while the probe runs, and each new round begins on a new connection.
      const index = domains.length === 0 ? 0 : turn % domains.length;
      if (index === 0) {
        domains = [...expected.keys()];
        conn?.close();
        conn = undefined;
      }
      const domain = domains[index]!;
      const started = performance.now();
      try {
        conn ??= await Deno.connect({ hostname: "127.0.0.1", port });
        const reply = await ask(conn, domain);
        times.push(performance.now() - started);
        if (reply !== expected.get(domain)) note(`${domain}: ${reply}`);
      } catch (error) {
        conn?.close();
        conn = undefined;
        note(`${domain}: ${error}`);
      }
      if (turn % 50 === 0) peakRss = Math.max(peakRss, readRss(pid));
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    conn?.close();
  }

  function note(what: string): void {
    wrong++;
    firstWrong ??= what;
  }

  const running = run();
  return {
    take(): Tally {
      const sorted = times.sort((a, b) => a - b);
      const tally: Tally = {
        answers: sorted.length,
        wrong,
        firstWrong,
        p99: sorted[Math.floor(sorted.length * 0.99)] ?? NaN,
        worst: sorted.at(-1) ?? NaN,
        peakRss: Math.max(peakRss, readRss(pid)),
      };
      times = [];
      wrong = 0;
      firstWrong = undefined;
      peakRss = 0;
      return tally;
    },
    async stop(): Promise<void> {
      stopped = true;
      await running;
    },
  };
}

/** Asks once on an open connection. */
export async function ask(conn: Deno.Conn, domain: string): Promise<string> {
  await writeAll(conn, encodeNetstring(`postfix ${domain}`));
  const decoder = new NetstringDecoder(MAX_REPLY_BYTES);
  for (;;) {
    const reply = decoder.next();
    if (reply !== undefined) return decodeUtf8(reply);
    const count = await conn.read(decoder.space());
    if (count === null) throw new Error("connection closed");
    decoder.fill(count);
  }
}

/** Writes all bytes. */
export async function writeAll(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
}

/** Resident set size of a process, MB; 0 when it is gone. */
export function readRss(pid: number): number {
  try {
    // It has no memory between its end and being waited for.
    return memoryOf(pid) || 0;
  } catch {
    return 0;
  }
}
