import { assertEquals } from "@std/assert";
import { createReportPost } from "../../src/daemon/received_post.ts";
import { type HttpRequest, parseHead } from "../../src/http/request.ts";
import type { Taken } from "../../src/receive/inbox.ts";
import type { Arrival } from "../../src/receive/types.ts";

const NOW = Date.UTC(2026, 10, 28);

function request(method: string, target: string): HttpRequest {
  return parseHead(`${method} ${target} HTTP/1.1\r\nhost: a`)!;
}

/** The handlers, with what came to the inbox and what was done in which order. */
function bench(taken: Taken = { kind: "kept" }, token: string | undefined = "token") {
  const arrivals: Arrival[] = [];
  const steps: string[] = [];
  const handlers = createReportPost({
    inbox: (arrival) => {
      arrivals.push(arrival);
      steps.push("inbox");
      return Promise.resolve(taken);
    },
    settle: () => steps.push("settle"),
    token: () => token,
    now: () => NOW,
  });
  return { ...handlers, arrivals, steps };
}

Deno.test("reports are taken at the path of the token alone", () => {
  const { handle, post } = bench();
  const judge = (target: string, type = "application/tlsrpt+json") =>
    post.judge(request("POST", target), type)?.status;
  assertEquals(judge("/token"), undefined);
  assertEquals(judge("/token?x=y"), undefined);
  for (const target of ["/", "/Token", "/token/", "/toke", "/tokenx", `/${"x".repeat(500)}`]) {
    assertEquals(judge(target), 404, target);
    assertEquals(handle(request("GET", target)).status, 404, target);
  }
  const { status, headers } = handle(request("GET", "/token"));
  assertEquals([status, headers], [405, { allow: "POST" }]);
  const without = bench({ kind: "kept" }, undefined);
  assertEquals(without.post.judge(request("POST", "/undefined"), "x")?.status, 404);
});

Deno.test("reports have one of two media types", () => {
  const { post } = bench();
  const judge = (type: string) => post.judge(request("POST", "/token"), type)?.status;
  assertEquals(judge("application/tlsrpt+gzip"), undefined);
  assertEquals(judge('Application/TLSRPT+JSON ; x="a,b"'), undefined);
  for (
    const type of ["", "application/json", "application/tlsrpt", "a/b, application/tlsrpt+json"]
  ) {
    assertEquals(judge(type), 415, type);
  }
});

Deno.test("the reply says what became of a report", async () => {
  const statusOf = async (taken: Taken) => {
    const { post } = bench(taken);
    return (await post.handle(request("POST", "/token"), new Uint8Array())).status;
  };
  assertEquals(await statusOf({ kind: "kept" }), 201);
  assertEquals(await statusOf({ kind: "duplicate" }), 200);
  assertEquals(await statusOf({ kind: "changed" }), 200);
  assertEquals(await statusOf({ kind: "full" }), 503);
  const refused = async (refusal: Extract<Taken, { kind: "refused" }>["refusal"]) =>
    await statusOf({ kind: "refused", refusal, text: "why" });
  assertEquals(await refused("unreadable"), 400);
  assertEquals(await refused("unsigned-refused"), 403);
  assertEquals(await refused("foreign"), 422);
  assertEquals(await refused("too-many"), 429);
});

Deno.test("a report is safe before the sender hears that it is kept", async () => {
  const { post, arrivals, steps } = bench();
  const octets = Uint8Array.of(1, 2);
  await post.handle(request("POST", "/token"), octets);
  assertEquals(arrivals, [{ octets, way: "https", at: NOW }]);
  assertEquals(steps, ["inbox", "settle"]);
});
