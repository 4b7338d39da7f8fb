import { assert, assertEquals, assertRejects } from "@std/assert";
import { createMetrics } from "../../src/base/metrics.ts";
import { collectDatagrams } from "../../src/collect/datagrams.ts";
import {
  createStreamSource,
  type DatagramSource,
  measureQueueLength,
  openDatagramSocket,
} from "../../src/collect/datagram_socket.ts";
import type { DomainCount } from "../../src/tlsrpt/session.ts";
import { ManualClock, settle } from "../fakes/manual_clock.ts";
import vectors from "../vectors/tlsrpt_datagrams.json" with { type: "json" };
import { recordWarnings, valueOf } from "./support.ts";

const ENCODER = new TextEncoder();

/** Gives these datagrams, and then none. */
function sourceOf(datagrams: (Uint8Array | Error)[]): DatagramSource {
  const waiting = [...datagrams];
  return {
    receive() {
      const next = waiting.shift();
      return next instanceof Error ? Promise.reject(next) : Promise.resolve(next);
    },
    close() {},
  };
}

/** The 13 of which a collector in Python died of 9. */
const MALFORMED: readonly Uint8Array[] = [
  "5",
  "null",
  "",
  "hello",
  "\xff\xfe",
  '{"d":5,"policies":[]}',
  '{"d":"a.test","policies":"x"}',
  '{"d":"a.test","pr":[],"policies":[{"policy-type":9}]}',
  "[".repeat(100_000),
  "[]",
  "{}",
  '{"d":"a.test","policies":[5]}',
  '{"d":"a.test","policies":[{"policy-type":9,"failure-details":"x"}]}',
].map((text) => Uint8Array.from(text, (char) => char.charCodeAt(0)));

Deno.test("collectDatagrams() counts what Postfix sends, and survives what nobody should", async () => {
  const clock = new ManualClock();
  const metrics = createMetrics();
  const { warnings, lines } = recordWarnings(clock);
  const counts: DomainCount[] = [];
  const good = vectors.map((text) => ENCODER.encode(text));
  const source = sourceOf([...MALFORMED, ...good, ...MALFORMED]);
  await collectDatagrams({ source, add: (count) => counts.push(count), metrics, clock, warnings });
  assertEquals(counts.length, 19);
  const name = "mta_sts_report_datagrams_total";
  assertEquals(valueOf(metrics, name, "counted"), 19);
  const refused = metrics.samples(name).filter(({ labels }) => labels.result !== "counted");
  assertEquals(refused.reduce((sum, { value }) => sum + value, 0), 26);
  // One line for each reason, however many there are.
  assertEquals(lines.length, new Set(lines.map((line) => /reason=(\S+)/.exec(line)?.[1])).size);
});

Deno.test("collectDatagrams() goes on after a failed receive", async () => {
  const clock = new ManualClock();
  const counts: DomainCount[] = [];
  const source = sourceOf([new Error("no buffer"), ENCODER.encode(vectors[0]!)]);
  const collecting = collectDatagrams({
    source,
    add: (count) => counts.push(count),
    metrics: createMetrics(),
    clock,
    warnings: recordWarnings(clock).warnings,
  });
  await settle();
  assertEquals(counts.length, 0);
  await clock.advance(1000);
  await collecting;
  assertEquals(counts.length, 1);
});

/** Runs a test in a directory of its own. */
async function inDirectory(test: (directory: string) => Promise<void>): Promise<void> {
  const directory = Deno.makeTempDirSync();
  try {
    await test(directory);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

/** Sends datagrams from a socket of its own. */
async function send(directory: string, path: string, datagrams: Uint8Array[]): Promise<void> {
  const sender = Deno.listenDatagram({
    transport: "unixpacket",
    path: `${directory}/sender-${crypto.randomUUID()}`,
  });
  for (const octets of datagrams) await sender.send(octets, { transport: "unixpacket", path });
  sender.close();
}

Deno.test("openDatagramSocket() receives whole datagrams at a socket with a mode, and removes it", () =>
  inDirectory(async (directory) => {
    const path = `${directory}/tlsrpt.sock`;
    const source = await openDatagramSocket(path, 0o622);
    assertEquals(Deno.lstatSync(path).mode! & 0o777, 0o622);
    const large = new Uint8Array(200_000).fill(0x78);
    const buffer = new Uint8Array(256 * 1024);
    const [received] = await Promise.all([source.receive(buffer), send(directory, path, [large])]);
    assertEquals(received?.length, 200_000);
    await assertRejects(() => openDatagramSocket(path, 0o660), Error, "in use by another process");
    const pending = source.receive(buffer);
    source.close();
    assertEquals(await pending, undefined);
    assertEquals(
      [...Deno.readDirSync(directory)].map(({ name }) => name).filter((name) =>
        name.startsWith("tlsrpt")
      ),
      [],
    );
  }));

Deno.test("openDatagramSocket() replaces the socket of a process that is gone, and no other file", () =>
  inDirectory(async (directory) => {
    const path = `${directory}/tlsrpt.sock`;
    const gone = Deno.listenDatagram({ transport: "unixpacket", path });
    gone.close();
    assert(Deno.lstatSync(path).isSocket);
    (await openDatagramSocket(path, 0o660)).close();
    Deno.writeTextFileSync(path, "x");
    await assertRejects(() => openDatagramSocket(path, 0o660), Error, "not a socket");
    await assertRejects(
      () => openDatagramSocket(`${directory}/none/x.sock`, 0o660),
      Error,
      "no such directory",
    );
  }));

Deno.test("openDatagramSocket() is closed even if its file may not be removed any more", () =>
  inDirectory(async (directory) => {
    const source = await openDatagramSocket(`${directory}/x.sock`, 0o660);
    const { removeSync } = Deno;
    Deno.removeSync = () => {
      throw new Deno.errors.PermissionDenied();
    };
    try {
      source.close();
    } finally {
      Deno.removeSync = removeSync;
    }
    assertEquals(await source.receive(new Uint8Array(10)), undefined);
  }));

Deno.test("measureQueueLength() finds a queue of some length, and leaves nothing behind", async () => {
  const length = await measureQueueLength(5);
  assertEquals(length, 5);
});

Deno.test("createStreamSource() takes an empty read for an empty datagram, and does not spin", async () => {
  const reads: (number | null)[] = [3, null, 2, ...Array(102).fill(null), 1];
  let silences = 0;
  const input = { read: () => Promise.resolve(reads.shift() ?? null) };
  const source = createStreamSource(input, () => silences++);
  const lengths: (number | undefined)[] = [];
  while (reads.length > 0) lengths.push((await source.receive(new Uint8Array(8)))?.length);
  assertEquals(lengths.slice(0, 4), [3, 0, 2, 0]);
  assertEquals(lengths.at(-1), 1);
  assertEquals(silences, 2);
});
