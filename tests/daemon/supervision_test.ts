import { assertEquals, assertStringIncludes } from "@std/assert";
import { startSupervision } from "../../src/daemon/supervision.ts";
import type { Endpoint } from "../../src/base/address.ts";
import { createMetrics } from "../../src/base/metrics.ts";
import { createWarnings } from "../../src/base/warnings.ts";
import type { Log } from "../../src/base/log.ts";
import { encodeNetstring } from "../../src/postfix/netstring.ts";
import { formatEndpoint } from "../../src/base/address.ts";
import { ManualClock } from "../fakes/manual_clock.ts";
import { recordLog, startServer } from "../postfix/support.ts";

/** A quarter of it is what a socket may take on the real clock, ms: none that answers is that slow. */
const WATCHDOG_MS = 80_000;

/** For sockets that never answer: a quarter of it is waited for on the real clock, ms. */
const SHORT_WATCHDOG_MS = 400;

interface World extends Disposable {
  readonly clock: ManualClock;
  readonly sent: string[];
  readonly lines: ReturnType<typeof recordLog>["lines"];
  readonly supervision: ReturnType<typeof startSupervision>;
  readonly queries: { value: number };
  /** Lets one keep-alive come due. @returns Whether it was sent; if not, the log says why. */
  beat(): Promise<boolean>;
}

/** Supervision of a daemon with these sockets. */
function supervise(
  addresses: Endpoint[],
  { full = false, watchdog = WATCHDOG_MS } = {},
): World {
  const clock = new ManualClock();
  const { log: kept, lines } = recordLog();
  const log: Log = {
    ...kept,
    error(event, fields) {
      kept.error(event, fields);
      fed.resolve(false);
    },
  };
  const metrics = createMetrics();
  const queries = metrics.counter("mta_sts_queries_total", "Queries.", ["zone"]).cell("postfix");
  const sent: string[] = [];
  let fed = Promise.withResolvers<boolean>();
  const supervision = startSupervision({
    clock,
    log,
    warnings: createWarnings({ log, clock }),
    metrics,
    store: { count: () => 7 },
    notifier: {
      send(...datagram) {
        sent.push(datagram.join("\n"));
        if (datagram[0] === "WATCHDOG=1") fed.resolve(true);
        return Promise.resolve();
      },
      close: () => void sent.push("(closed)"),
    },
    watchdog,
    addresses: () => addresses,
    full: () => full,
  });
  return {
    clock,
    sent,
    lines,
    supervision,
    queries,
    async beat(): Promise<boolean> {
      fed = Promise.withResolvers<boolean>();
      await clock.advance(watchdog / 2);
      return await fed.promise;
    },
    [Symbol.dispose]: () => supervision.stop(),
  };
}

const NOTFOUND = encodeNetstring("NOTFOUND ");

Deno.test("startSupervision() tells the status when it changes, at most each minute", async () => {
  using world = supervise([]);
  world.queries.value = 3;
  await world.clock.advance(59_900);
  const status = () => world.sent.filter((datagram) => datagram.includes("STATUS"));
  assertEquals(status(), ["READY=1\nSTATUS=0 queries answered, 7 policies cached"]);
  await world.clock.advance(100);
  assertEquals(status().slice(1), ["STATUS=3 queries answered, 7 policies cached"]);
  await world.clock.advance(600_000);
  assertEquals(status().length, 2);
});

Deno.test("startSupervision() tells nothing after the end has begun", async () => {
  using world = supervise([]);
  world.supervision.reloading();
  world.supervision.ready();
  world.supervision.stop();
  assertEquals(world.sent.slice(1), [
    "RELOADING=1",
    "READY=1",
    "STOPPING=1\nSTATUS=Answering the queries received\nWATCHDOG=1",
    "(closed)",
  ]);
  await world.clock.advance(600_000);
  assertEquals(world.sent.length, 5);
});

Deno.test("startSupervision() feeds the watchdog while each socket answers", async () => {
  await using first = await startServer(() => NOTFOUND);
  await using second = await startServer(() => NOTFOUND);
  using world = supervise([first.address, second.address]);
  assertEquals([await world.beat(), await world.beat()], [true, true]);
  await second.server.drain(0);
  assertEquals(await world.beat(), false);
  const where = formatEndpoint(second.address);
  assertStringIncludes(String(world.lines.at(-1)?.fields.reason), `Cannot query ${where}`);
});

Deno.test("startSupervision() does not feed the watchdog of a server that no longer accepts", async () => {
  await using server = await startServer(() => NOTFOUND);
  // The kernel connects clients; nobody takes them.
  using dead = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  using world = supervise([
    server.address,
    { kind: "inet", hostname: "127.0.0.1", port: dead.addr.port },
  ], { watchdog: SHORT_WATCHDOG_MS });
  assertEquals(await world.beat(), false);
  assertStringIncludes(String(world.lines.at(-1)?.fields.reason), "no reply within 100 ms");
});

Deno.test("startSupervision() does not feed the watchdog of a server that answers wrongly or not", async () => {
  for (const reply of [encodeNetstring("TEMP internal error"), new Promise<Uint8Array>(() => {})]) {
    await using server = await startServer(() => reply);
    using world = supervise([server.address], { watchdog: SHORT_WATCHDOG_MS });
    assertEquals(await world.beat(), false);
    assertEquals(world.lines.map(({ level }) => level), ["error"]);
  }
});

Deno.test("startSupervision() does not ask a server that is full, as the next connection has to wait", async () => {
  using dead = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const address = { kind: "inet", hostname: "127.0.0.1", port: dead.addr.port } as const;
  using world = supervise([address], { full: true });
  assertEquals(await world.beat(), true);
});
