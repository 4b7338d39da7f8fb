import { assert, assertEquals } from "@std/assert";
import { type Connected, connectToFirst } from "../../src/https/connect.ts";
import { ManualClock, settle } from "../fakes/manual_clock.ts";

/** A network in which every attempt waits until the test decides. */
class Network {
  readonly clock = new ManualClock();
  readonly controller = new AbortController();
  /** Attempts in order, with what ends each. */
  readonly attempts: { address: string; signal: AbortSignal }[] = [];
  readonly closed: string[] = [];
  readonly #ends = new Map<string, PromiseWithResolvers<Deno.TcpConn>>();

  start(addresses: string[], late?: Promise<string[]>): Promise<Connected> {
    return connectToFirst(addresses, {
      host: "mta-sts.x.test",
      dial: ({ address }, signal) => {
        this.attempts.push({ address, signal });
        const end = Promise.withResolvers<Deno.TcpConn>();
        this.#ends.set(address, end);
        return end.promise;
      },
      clock: this.clock,
      late,
      signal: this.controller.signal,
    });
  }

  get tried(): string[] {
    return this.attempts.map(({ address }) => address);
  }

  answer(address: string): Promise<void> {
    const close = () => this.closed.push(address);
    this.#ends.get(address)!.resolve({ close } as unknown as Deno.TcpConn);
    return settle();
  }

  fail(address: string, message = "Connection refused (os error 111)"): Promise<void> {
    this.#ends.get(address)!.reject(new Error(message));
    return settle();
  }
}

/** The address connected to, or what went wrong. */
function told(outcome: Connected): string {
  return outcome.kind === "connected" ? outcome.address : `${outcome.reason}: ${outcome.detail}`;
}

Deno.test("connectToFirst() starts the next attempt after 250 ms, families in turn (RFC 8305 §4, §5)", async () => {
  const network = new Network();
  const connecting = network.start(["192.0.2.1", "192.0.2.2", "2001:db8::1", "192.0.2.3"]);
  assertEquals(network.tried, ["2001:db8::1"]);
  await network.clock.advance(249);
  assertEquals(network.tried.length, 1);
  await network.clock.advance(1);
  assertEquals(network.tried, ["2001:db8::1", "192.0.2.1"]);
  await network.clock.advance(500);
  assertEquals(network.tried, ["2001:db8::1", "192.0.2.1", "192.0.2.2", "192.0.2.3"]);
  // The slowest attempt may still win.
  await network.answer("2001:db8::1");
  assertEquals(told(await connecting), "2001:db8::1");
  assertEquals(network.clock.pending, 0);
});

Deno.test("connectToFirst() gives up the others, and closes one that answers too late", async () => {
  const network = new Network();
  const connecting = network.start(["192.0.2.1", "192.0.2.2"]);
  await network.clock.advance(250);
  assertEquals(network.attempts.map(({ signal }) => signal.aborted), [false, false]);
  await network.answer("192.0.2.2");
  assertEquals(told(await connecting), "192.0.2.2");
  assertEquals(network.attempts.map(({ signal }) => signal.aborted), [true, true]);
  await network.answer("192.0.2.1");
  assertEquals(network.closed, ["192.0.2.1"]);
});

Deno.test("connectToFirst() starts the next attempt at once when one fails, and tells all failures", async () => {
  const network = new Network();
  const addresses = ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5", "192.0.2.6"];
  const connecting = network.start(addresses);
  await network.fail("192.0.2.1");
  assertEquals(network.tried, ["192.0.2.1", "192.0.2.2"]);
  await network.fail("192.0.2.2", "No route to host (os error 113)");
  for (const address of addresses.slice(2)) await network.fail(address);
  assertEquals(
    told(await connecting),
    "connect: 192.0.2.1: connection refused; 192.0.2.2: no route to host; " +
      "192.0.2.3: connection refused; 192.0.2.4: connection refused; and 2 more",
  );
  assertEquals(network.clock.pending, 0);
});

Deno.test("connectToFirst() waits for the attempts under way when the last address fails", async () => {
  const network = new Network();
  const connecting = network.start(["192.0.2.1", "192.0.2.2"]);
  await network.clock.advance(250);
  await network.fail("192.0.2.2");
  await network.clock.advance(10_000);
  await network.answer("192.0.2.1");
  assertEquals(told(await connecting), "192.0.2.1");
});

Deno.test("connectToFirst() lets addresses that come late join in, the other family first", async () => {
  const network = new Network();
  const late = Promise.withResolvers<string[]>();
  const connecting = network.start(["192.0.2.1", "192.0.2.2", "192.0.2.3"], late.promise);
  await network.clock.advance(100);
  late.resolve(["2001:db8::1", "2001:db8::2"]);
  await network.clock.advance(899);
  assertEquals(
    network.tried,
    ["192.0.2.1", "2001:db8::1", "192.0.2.2", "2001:db8::2"],
  );
  await network.answer("2001:db8::2");
  assertEquals(told(await connecting), "2001:db8::2");
});

Deno.test("connectToFirst() waits for the late ones when all others have failed, and not longer", async () => {
  const network = new Network();
  const late = Promise.withResolvers<string[]>();
  const connecting = network.start(["192.0.2.1"], late.promise);
  await network.fail("192.0.2.1");
  await network.clock.advance(5000);
  late.resolve(["2001:db8::1"]);
  await settle();
  assertEquals(network.tried, ["192.0.2.1", "2001:db8::1"]);
  await network.fail("2001:db8::1");
  assertEquals(
    told(await connecting),
    "connect: 192.0.2.1: connection refused; 2001:db8::1: connection refused",
  );

  const none = new Network();
  const failing = none.start(["192.0.2.1"], Promise.resolve([]));
  await none.fail("192.0.2.1");
  assertEquals(told(await failing), "connect: 192.0.2.1: connection refused");
});

Deno.test("connectToFirst() ends with its signal", async () => {
  const network = new Network();
  const connecting = network.start(["192.0.2.1", "192.0.2.2"]);
  network.controller.abort("deadline passed");
  assertEquals(told(await connecting), "timeout: deadline passed");
  assert(network.attempts[0]!.signal.aborted);
  await network.answer("192.0.2.1");
  assertEquals([network.closed, network.clock.pending], [["192.0.2.1"], 0]);
  assertEquals(told(await network.start(["192.0.2.9"])), "timeout: deadline passed");
  assertEquals(network.tried, ["192.0.2.1"]);
});
