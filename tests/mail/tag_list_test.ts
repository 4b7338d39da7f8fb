import { assertEquals } from "@std/assert";
import { parseTagList, splitColons, withoutFws } from "../../src/mail/tag_list.ts";

function read(text: string): Record<string, string> | undefined {
  const tags = parseTagList(text);
  return tags && Object.fromEntries([...tags].map(([name, { value }]) => [name, value]));
}

Deno.test("parseTagList() reads tags with the white space of RFC 6376 §3.2", () => {
  assertEquals(read("v=1; a=b"), { v: "1", a: "b" });
  assertEquals(read(" v =\t1\r\n ;\r\n\ta_1= b  c=d ;"), { v: "1", a_1: "b  c=d" });
  assertEquals(read("p=;A=; a="), { p: "", A: "", a: "" });
});

Deno.test("parseTagList() refuses everything else", () => {
  for (
    const text of [
      "",
      ";",
      "v=1;;a=b",
      "v=1; a",
      "=1",
      "1v=1",
      "v=1; v=1",
      "v w=1",
      "v=1\r\na=b",
      "v=1\n;a=b",
      "v=\u00e4",
      "v=\u0000",
    ]
  ) assertEquals(read(text), undefined, JSON.stringify(text));
});

Deno.test("parseTagList() says where a value is, with the white space around it", () => {
  const text = "a=1;\r\n b = xy\r\n z ;c=";
  const { from = 0, to = 0 } = parseTagList(text)?.get("b") ?? {};
  assertEquals(text.slice(from, to), " xy\r\n z ");
});

Deno.test("splitColons() and withoutFws() leave the white space of folding out", () => {
  assertEquals(splitColons("From :\r\n\tto: "), ["From", "to", ""]);
  assertEquals(withoutFws(" AA\r\n\tBB "), "AABB");
});
