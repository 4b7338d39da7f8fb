import { assertEquals } from "@std/assert";
import { findTxt } from "../../src/dns/find_txt.ts";
import type { FindTxtOptions } from "../../src/dns/find_txt.ts";
import { startFakeDnsServer, txt } from "../fakes/fake_dns_server.ts";
import { ManualClock } from "../fakes/manual_clock.ts";

const NEVER = new Promise<never>(() => {});

function find(options: Partial<FindTxtOptions>): Promise<string[]> {
  return findTxt("a.example", {
    resolveTxt: () => NEVER,
    server: { hostname: "127.0.0.1", port: 53 },
    clock: new ManualClock(),
    timeout: 1000,
    signal: undefined,
    ...options,
  });
}

Deno.test("findTxt() asks the given resolver for the complete name", async () => {
  const asked: unknown[] = [];
  await find({
    server: { hostname: "2001:db8::1", port: 5353 },
    resolveTxt: (...question) => {
      asked.push(question);
      return Promise.resolve([]);
    },
  });
  assertEquals(asked, [["a.example.", { nameServer: { ipAddr: "2001:db8::1", port: 5353 } }]]);
});

Deno.test("findTxt() joins the strings of each record without a space (RFC 8461 §3.1)", async () => {
  const found = (records: string[][]) => find({ resolveTxt: () => Promise.resolve(records) });
  assertEquals(await found([["v=STSv1; i", "d=1;"], ["other"], [""], []]), [
    "v=STSv1; id=1;",
    "other",
    "",
    "",
  ]);
  assertEquals(await found([]), []);
});

Deno.test("findTxt() finds nothing when the lookup fails, whatever it says", async () => {
  for (const error of [new Deno.errors.NotFound("x"), new Error("x"), "x"]) {
    assertEquals(await find({ resolveTxt: () => Promise.reject(error) }), []);
  }
});

Deno.test("findTxt() finds nothing after its time, and a later failure hurts nobody", async () => {
  const clock = new ManualClock();
  const late = Promise.withResolvers<string[][]>();
  const found = find({ clock, resolveTxt: () => late.promise });
  await clock.advance(1000);
  assertEquals(await found, []);
  late.reject(new Deno.errors.TimedOut("late"));
  await clock.advance(1);
  assertEquals(clock.pending, 0);
});

Deno.test("findTxt() gives up when the caller does", async () => {
  const clock = new ManualClock();
  const caller = new AbortController();
  const found = find({ clock, signal: caller.signal });
  caller.abort();
  assertEquals(await found, []);
  assertEquals(await find({ clock, signal: caller.signal }), []);
  assertEquals(clock.pending, 0);
});

Deno.test("Deno.resolveDns is what findTxt() takes it for", async () => {
  await using server = await startFakeDnsServer({
    "TXT a.example": txt("v=STSv1; id=caf\xe9", "two"),
  });
  const found = await find({
    server: { hostname: "127.0.0.1", port: server.port },
    resolveTxt: (name, how) => Deno.resolveDns(name, "TXT", how),
  });
  assertEquals(found, ["v=STSv1; id=caf\xe9", "two"]);
  assertEquals(server.questions.map(({ text, via }) => [text, via]), [["TXT a.example", "udp"]]);
});
