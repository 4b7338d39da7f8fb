import { assertEquals, assertRejects } from "@std/assert";
import { type Connection, EngineLink, MAX_IN_FLIGHT } from "../../src/fleet/engine_link.ts";
import { EngineError } from "../../src/fleet/types.ts";
import { ManualClock, settle } from "../fakes/manual_clock.ts";

/** A connection under the test's hand. */
class FakeConnection implements Connection {
  state: "open" | "destroyed" | "ended" = "open";
  #lost: (error: EngineError) => void = () => {};

  destroy(): void {
    this.state = "destroyed";
  }

  end(): Promise<void> {
    this.state = "ended";
    return Promise.resolve();
  }

  onEnd(listener: (error: EngineError) => void): void {
    this.#lost = listener;
  }

  lose(): void {
    this.#lost(new EngineError("unreachable", "lost"));
  }
}

/** A link with a server under the test's hand. */
class Bench {
  readonly clock = new ManualClock();
  readonly connections: FakeConnection[] = [];
  attempts = 0;
  server: "up" | "down" | "hung" = "up";
  readonly link: EngineLink<FakeConnection>;

  constructor(options: { idleMs?: number } = {}) {
    this.link = new EngineLink<FakeConnection>({
      open: async (signal) => {
        this.attempts++;
        if (this.server === "down") throw new Error("refused");
        if (this.server === "hung") {
          await new Promise((_, reject) => signal.addEventListener("abort", reject));
        }
        const connection = new FakeConnection();
        this.connections.push(connection);
        return connection;
      },
      toError: (error) => new EngineError("unreachable", (error as Error).message),
      clock: this.clock,
      ...options,
    });
  }

  call(): Promise<string> {
    return this.link.run(() => Promise.resolve("reply"));
  }

  hang(): Promise<string> {
    return this.link.run(() => new Promise<string>(() => {}));
  }

  /** The text of the error of a call. */
  async failure(call = this.call()): Promise<string> {
    return (await assertRejects(() => call, EngineError)).message;
  }
}

Deno.test("a link connects with the first call, once for all that wait", async () => {
  const bench = new Bench();
  assertEquals(await Promise.all([bench.call(), bench.call()]), ["reply", "reply"]);
  assertEquals([bench.attempts, bench.link.isOpen], [1, true]);
  await bench.link.close();
  assertEquals(bench.connections[0]!.state, "ended");
  assertEquals(await bench.failure(), "closed");
});

Deno.test("a link fails at once after a failure, and tries again later and later", async () => {
  const bench = new Bench();
  bench.server = "down";
  assertEquals(await bench.failure(), "refused");
  assertEquals(bench.attempts, 1);
  await bench.clock.advance(50 + 100 + 200 + 400 + 800);
  assertEquals(bench.attempts, 6);
  await bench.clock.advance(5_000);
  assertEquals(bench.attempts, 11);
  bench.server = "up";
  await bench.clock.advance(1_000);
  assertEquals(await bench.call(), "reply");
  bench.connections[0]!.lose();
  await bench.clock.advance(50);
  assertEquals(await bench.call(), "reply");
  await bench.link.close();
});

Deno.test("a link gives up an attempt after two seconds, and calls do not wait for the next", async () => {
  const bench = new Bench();
  bench.server = "hung";
  const first = bench.failure();
  await bench.clock.advance(2_000);
  assertEquals(/^(?:not connected after|no reply for) 2000 ms$/.test(await first), true);
  await bench.clock.advance(1_000);
  const attempts = bench.attempts;
  assertEquals(attempts > 1, true);
  assertEquals(/2000 ms$/.test(await bench.failure()), true);
  await bench.clock.advance(10_000);
  bench.server = "up";
  await bench.clock.advance(3_000);
  assertEquals(await bench.call(), "reply");
  await bench.link.close();
});

Deno.test("a link drops a connection that is silent for two seconds while a call waits", async () => {
  const bench = new Bench();
  await bench.call();
  await bench.clock.advance(60_000);
  assertEquals(bench.connections[0]!.state, "open");
  const hung = bench.failure(bench.hang());
  await bench.clock.advance(1_500);
  // A reply to another call is a sign of life.
  assertEquals(await bench.call(), "reply");
  await bench.clock.advance(1_500);
  assertEquals(bench.connections[0]!.state, "open");
  await bench.clock.advance(500);
  assertEquals(await hung, "no reply for 2000 ms");
  assertEquals(bench.connections[0]!.state, "destroyed");
  await bench.clock.advance(50);
  assertEquals(await bench.call(), "reply");
  await bench.link.close();
});

Deno.test("a loss rejects the calls in flight", async () => {
  const bench = new Bench();
  await bench.call();
  const hung = [bench.failure(bench.hang()), bench.failure(bench.hang())];
  await settle();
  bench.connections[0]!.lose();
  assertEquals(await Promise.all(hung), ["lost", "lost"]);
  await bench.link.close();
});

Deno.test("reconnect() drops what is there, and calls wait for what comes", async () => {
  const bench = new Bench();
  await bench.call();
  const hung = bench.failure(bench.hang());
  await settle();
  bench.link.reconnect();
  assertEquals(await hung, "connection dropped");
  assertEquals(bench.connections[0]!.state, "destroyed");
  assertEquals(await bench.call(), "reply");
  bench.server = "hung";
  bench.link.reconnect();
  const waiting = bench.failure();
  await settle();
  bench.server = "up";
  bench.link.reconnect();
  assertEquals(await waiting, "connection dropped");
  assertEquals(await bench.call(), "reply");
  assertEquals(bench.connections.map(({ state }) => state), ["destroyed", "destroyed", "open"]);
  await bench.link.close();
});

Deno.test("leave() does so once a second", async () => {
  const bench = new Bench();
  bench.link.leave();
  assertEquals(bench.attempts, 0);
  await bench.call();
  bench.link.leave();
  assertEquals(bench.attempts, 1);
  await bench.clock.advance(1_000);
  bench.link.leave();
  assertEquals(bench.attempts, 2);
  await bench.link.close();
});

Deno.test("a link closes what nobody used, and makes another when it is needed", async () => {
  const bench = new Bench({ idleMs: 30_000 });
  await bench.call();
  await bench.clock.advance(29_999);
  await bench.call();
  await bench.clock.advance(29_999);
  assertEquals(bench.connections[0]!.state, "open");
  await bench.clock.advance(1);
  assertEquals([bench.connections[0]!.state, bench.link.isOpen], ["ended", false]);
  await bench.clock.advance(60_000);
  assertEquals(bench.attempts, 1);
  assertEquals(await bench.call(), "reply");
  await bench.link.close();
});

Deno.test("a link refuses a call more than may wait", async () => {
  const bench = new Bench();
  const hung = Array.from({ length: MAX_IN_FLIGHT }, () => bench.hang().catch(() => {}));
  assertEquals(await bench.failure(), `${MAX_IN_FLIGHT} calls wait for a reply already`);
  await bench.link.close();
  await Promise.all(hung);
});

Deno.test("a link that is closed while it connects leaves nothing", async () => {
  const bench = new Bench();
  bench.server = "hung";
  const waiting = bench.failure();
  await settle();
  await bench.link.close();
  assertEquals(await waiting, "closed");
  bench.link.reconnect();
  await bench.clock.advance(60_000);
  assertEquals([bench.attempts, bench.connections.length], [1, 0]);
});
