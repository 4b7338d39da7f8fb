import { assertEquals } from "@std/assert";
import { isLocalHost, parseHead } from "../../src/http/request.ts";

function head(...lines: string[]): string {
  return lines.join("\r\n");
}

Deno.test("parseHead() reads method, path, query and host (RFC 9112 §3)", () => {
  const request = parseHead(head("GET /a%20b?q=1&q=2&x HTTP/1.1", "Host: LocalHost:8462", "A:b"));
  assertEquals(request && { ...request, query: [...request.query] }, {
    method: "GET",
    path: "/a%20b",
    query: [["q", "1"], ["q", "2"], ["x", ""]],
    host: "localhost",
  });
  assertEquals(parseHead("HEAD / HTTP/1.0")?.host, "");
  assertEquals(parseHead(head("GET / HTTP/1.1", "host: [::1]:80"))?.host, "[::1]");
});

Deno.test("parseHead() takes a whole URL, whose host counts (RFC 9112 §3.2.2)", () => {
  const request = parseHead(head("GET http://Other.example:80/a?b HTTP/1.1", "Host: localhost"));
  assertEquals([request?.path, request?.host], ["/a", "other.example"]);
});

Deno.test("parseHead() refuses what is not in form (RFC 9112 §2.2, §3.2)", () => {
  const wrong = [
    "",
    "GET /",
    "GET  / HTTP/1.1",
    "get / HTTP/1.1",
    "GET https://example.com/ HTTP/1.1",
    "GET example.com HTTP/1.1",
    head("GET http://a@b/ HTTP/1.1", "Host: a"),
    "GET / HTTP/2.0",
    "GET /\u0000 HTTP/1.1",
    "GET / HTTP/1.1 ",
    head("GET / HTTP/1.1", " folded: x"),
    head("GET / HTTP/1.1", "no colon"),
    head("GET / HTTP/1.1", "space : x"),
    head("GET / HTTP/1.1", "Host: a", "Host: b"),
    head("GET / HTTP/1.1", "Host: a b"),
    head("GET / HTTP/1.1", "Host: a@b"),
    "GET / HTTP/1.1\nHost: a",
  ];
  for (const text of wrong) assertEquals(parseHead(text), undefined, JSON.stringify(text));
});

Deno.test("isLocalHost() takes addresses and localhost, no names that others can have", () => {
  for (const host of ["", "localhost", "a.localhost", "127.0.0.1", "[::1]", "192.0.2.7"]) {
    assertEquals(isLocalHost(host), true, host);
  }
  for (const host of ["rebound.example", "127.0.0.1.example", "localhost.example", "1.2.3"]) {
    assertEquals(isLocalHost(host), false, host);
  }
});
