import { assertEquals } from "@std/assert";
import { changedKeys } from "../../src/config/changes.ts";
import { loadText } from "./load_text.ts";

function changed(before: string, after: string): string[] {
  return changedKeys(loadText(before).config, loadText(after).config);
}

Deno.test("changedKeys() names the keys whose values differ, at any depth", () => {
  assertEquals(changed("", ""), []);
  assertEquals(changed("", "log: { level: debug }\nhttp: 127.0.0.1:1"), ["http", "log.level"]);
  assertEquals(changed("", "control: unix:/run/c.sock\nrefresh: { interval: 7200 }"), [
    "control",
    "refresh.interval",
  ]);
  assertEquals(
    changed("zones: { a: { timeout: 5 } }", "zones: { a: { timeout: 6 }, b: { dane: off } }"),
    ["zones.a.timeout", "zones.b"],
  );
  assertEquals(changed("dns: { timeout: 5 }", "dns: { timeout: 5.0 }"), []);
});
