import { assertEquals } from "@std/assert";
import { fromDomain } from "../../src/mail/from_domain.ts";
import { splitMessage } from "../../src/mail/raw_message.ts";

function read(...values: string[]): string | undefined {
  const text = values.map((value) => `From:${value}\r\n`).join("") + "\r\n";
  const message = splitMessage(new TextEncoder().encode(text));
  return message && fromDomain(message);
}

Deno.test("fromDomain() reads one address, with whatever is around it", () => {
  for (
    const value of [
      " a@b.test",
      "\ta@b.test ",
      " <a@b.test>",
      " Reports <a@b.test>",
      ' "Reports, <x@evil.test>" <a@b.test>',
      ' "a \\" b" <a@b.test>',
      " (x@evil.test) <a@b.test> (y (z) \\) )",
      " a@b.test (Reports)",
      "\r\n Reports\r\n\t<a@b.test>",
      " x@evil.test <a@b.test>",
      ' "quoted local"@b.test',
      " =?utf-8?q?Gr=C3=BC=C3=9Fe?= <a@b.test>",
    ]
  ) assertEquals(read(value), "b.test", value);
  assertEquals(read(" a@B\u00fccher.test"), "B\u00fccher.test");
});

Deno.test("fromDomain() has none for what can be read in two ways", () => {
  for (
    const value of [
      "",
      " nobody",
      " <>",
      " a@b.test, c@d.test",
      " a@b.test c@d.test",
      " <a@b.test> <c@d.test>",
      " <a@b.test> c@d.test",
      " Group: a@b.test;",
      " Name, Inc. <a@b.test>",
      " <@relay.test:a@b.test>",
      " <a@b.test",
      " a@b@c.test",
      " (open <a@b.test>",
      " a@[192.0.2.1]",
      ' "open <a@b.test>',
      ` ${"x".repeat(2000)} <a@b.test>`,
    ]
  ) assertEquals(read(value), undefined, value);
  assertEquals(read(" a@b.test", " a@b.test"), undefined);
  assertEquals(read(), undefined);
  const octets = new Uint8Array([...new TextEncoder().encode("From: a@"), 0xff, 0x0a, 0x0a]);
  assertEquals(fromDomain(splitMessage(octets)!), undefined);
});
