import { assertEquals } from "@std/assert";
import { createProgressLine, createStatusLine } from "../../src/check/progress_line.ts";

Deno.test("createProgressLine() overwrites its line, counts several domains, and erases it at the end", () => {
  const written: string[] = [];
  const progress = { tried: 3, known: 7, domains: 1 };
  const one = createProgressLine(1, (text) => written.push(text));
  one.show(progress);
  one.end();
  createProgressLine(2, (text) => written.push(text)).show(progress);
  assertEquals(written, [
    "\r\x1b[K3 of 7 addresses tried",
    "\r\x1b[K",
    "\r\x1b[K3 of 7 addresses tried, 1 of 2 domains",
  ]);
});

Deno.test("createStatusLine() overwrites its line and erases it at the end", () => {
  const written: string[] = [];
  const line = createStatusLine((text) => written.push(text));
  line.show("looking up");
  line.show("fetching");
  line.end();
  assertEquals(written, ["\r\x1b[Klooking up", "\r\x1b[Kfetching", "\r\x1b[K"]);
});
