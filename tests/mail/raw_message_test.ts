import { assertEquals } from "@std/assert";
import { fieldName, latin1Text, splitMessage } from "../../src/mail/raw_message.ts";

function split(text: string) {
  const message = splitMessage(new TextEncoder().encode(text));
  return message && { headers: message.headers, body: latin1Text(message.body) };
}

Deno.test("splitMessage() keeps fields as they are written", () => {
  assertEquals(split("A: x\r\n y\r\nB :\tz \r\n\r\nbody\r\n"), {
    headers: [["A", " x\r\n y"], ["B ", "\tz "]],
    body: "body\r\n",
  });
  assertEquals(fieldName(["Subject \t", ""]), "subject");
});

Deno.test("splitMessage() gives bare LF a CR, and leaves CR alone", () => {
  assertEquals(split("A: x\n y\n\na\r\nb\rc\n\r\r\n"), {
    headers: [["A", " x\r\n y"]],
    body: "a\r\nb\rc\r\n\r\r\n",
  });
});

Deno.test("splitMessage() takes a mail without body, or without header", () => {
  assertEquals(split("A: x\r\n\r\n"), { headers: [["A", " x"]], body: "" });
  assertEquals(split("A: x\r\n"), { headers: [["A", " x"]], body: "" });
  assertEquals(split("A: x"), { headers: [["A", " x"]], body: "" });
  assertEquals(split("\r\nbody"), { headers: [], body: "body" });
});

Deno.test("splitMessage() leaves out the line that an mbox has before a mail", () => {
  const mail = { headers: [["A", " x"]], body: "" };
  assertEquals(split("From a@b Sat Nov 28 08:40:00 2026\nA: x\n\n"), mail as never);
  assertEquals(split("From : a@b\nA: x\n\n")?.headers[0], ["From ", " a@b"]);
  assertEquals(split("A: x\nFrom a@b Sat\n\n"), undefined);
  assertEquals(split(">From a@b Sat\nA: x\n\n"), undefined);
});

Deno.test("splitMessage() refuses what is no field, and headers that no real mail has", () => {
  assertEquals(split(" folded\r\n\r\n"), undefined);
  assertEquals(split("A\u00fc: x\r\n\r\n"), undefined);
  assertEquals(split("A: x\r\n".repeat(1000))?.headers.length, 1000);
  assertEquals(split("A: x\r\n".repeat(1001)), undefined);
  assertEquals(split(`A: ${"x".repeat(256 * 1024)}\r\n\r\n`), undefined);
});
