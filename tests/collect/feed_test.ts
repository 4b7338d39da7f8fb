import { assertEquals } from "@std/assert";
import { formatFeedLine, readFeedLine } from "../../src/collect/feed.ts";
import { createMetrics } from "../../src/base/metrics.ts";
import { type FeedConn, serveInlet } from "../../src/collect/inlet.ts";
import type { DomainCount } from "../../src/tlsrpt/session.ts";
import { ManualClock, settle } from "../fakes/manual_clock.ts";
import { bare, recordWarnings, valueOf } from "./support.ts";

const COUNT: DomainCount = {
  domain: "a.test",
  record: undefined,
  policies: [{
    policy: { type: "sts", domain: "a.test", strings: ["mode: enforce"], mxHosts: ["mx.a.test"] },
    ok: 0,
    failed: 2,
    details: [{
      result: "validation-failure",
      count: 2,
      mxHost: "mx.b.test",
      reason: "mx-mismatch",
    }],
  }],
};

Deno.test("readFeedLine() gives back what formatFeedLine() wrote", () => {
  for (const count of [COUNT, bare("b.test")]) {
    assertEquals(readFeedLine(formatFeedLine(count).slice(0, -1)), count);
  }
});

Deno.test("readFeedLine() takes nothing else", () => {
  const value = JSON.parse(formatFeedLine(COUNT));
  const [policy] = value.p;
  for (
    const line of [
      "",
      "x",
      "5",
      "{}",
      JSON.stringify({ ...value, d: "a b" }),
      JSON.stringify({ ...value, p: [] }),
      JSON.stringify({ ...value, p: Array(1001).fill(policy) }),
      JSON.stringify({ ...value, p: [{ ...policy, t: "dane" }] }),
      JSON.stringify({ ...value, p: [{ ...policy, ok: -1 }] }),
      JSON.stringify({ ...value, p: [{ ...policy, failed: 1.5 }] }),
      JSON.stringify({ ...value, p: [{ ...policy, s: "x" }] }),
      JSON.stringify({ ...value, p: [{ ...policy, f: [{ t: "x", c: 1 }] }] }),
      JSON.stringify({ ...value, p: [{ ...policy, f: [{ t: "tlsa-invalid", c: "1" }] }] }),
    ]
  ) assertEquals(readFeedLine(line), undefined, line);
});

/** A connection that gives these pieces. */
function connOf(pieces: string[]): FeedConn & { closed: boolean } {
  const waiting = pieces.map((piece) => new TextEncoder().encode(piece));
  return {
    closed: false,
    read(buffer) {
      const next = waiting.shift();
      if (next === undefined) return Promise.resolve(null);
      buffer.set(next);
      return Promise.resolve(next.length);
    },
    close() {
      this.closed = true;
    },
  };
}

async function serve(conns: (FeedConn | Error)[]) {
  const clock = new ManualClock();
  const metrics = createMetrics();
  const counts: DomainCount[] = [];
  const waiting = [...conns];
  let end = () => {};
  const source = {
    accept(): Promise<FeedConn> {
      const next = waiting.shift();
      if (next instanceof Error) return Promise.reject(next);
      if (next !== undefined) return Promise.resolve(next);
      return new Promise((_, reject) => end = () => reject(new Deno.errors.BadResource()));
    },
    close: () => end(),
  };
  const { warnings, lines } = recordWarnings(clock);
  const add = (count: DomainCount) => void counts.push(count);
  const inlet = serveInlet({ source, add, clock, metrics, warnings });
  for (let turn = 0; turn < 20; turn++) await settle();
  await clock.advance(1000);
  inlet.close();
  return { counts, metrics, lines };
}

Deno.test("serveInlet() reads lines in any pieces, and drops what has no end", async () => {
  const line = formatFeedLine(COUNT);
  const conn = connOf([line.slice(0, 10), line.slice(10) + line + line.slice(0, 5)]);
  const { counts, metrics } = await serve([conn]);
  assertEquals(counts, [COUNT, COUNT]);
  assertEquals(conn.closed, true);
  assertEquals(valueOf(metrics, "mta_sts_report_feed_lines_total", "counted"), 2);
});

Deno.test("serveInlet() counts odd lines, and ends a connection with an endless one", async () => {
  const odd = connOf(["nonsense\n" + formatFeedLine(COUNT)]);
  const endless = connOf(Array(20).fill("x".repeat(60_000)));
  const { counts, metrics, lines } = await serve([odd, endless]);
  assertEquals(counts.length, 1);
  assertEquals(valueOf(metrics, "mta_sts_report_feed_lines_total", "refused"), 1);
  assertEquals(endless.closed, true);
  assertEquals(lines.length > 0, true);
});

Deno.test("serveInlet() goes on after a failed accept", async () => {
  const full = new Error("Too many open files (os error 24)");
  const { counts, lines } = await serve([full, connOf([formatFeedLine(COUNT)])]);
  assertEquals(counts, [COUNT]);
  assertEquals(lines.length, 1);
});
