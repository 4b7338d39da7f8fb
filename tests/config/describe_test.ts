import { assert, assertEquals, assertMatch } from "@std/assert";
import { describeConfig, firstSentence } from "../../src/config/describe.ts";
import { loadText } from "./load_text.ts";

/** The README has room beside a key for this many characters. */
const FIRST_SENTENCE_MAX = 76;

/** Four lines above a key in `config show`. */
const TEXT_MAX = 250;

Deno.test("describeConfig() describes each key once, in whole sentences of which the first is short", () => {
  const keys = describeConfig();
  assertEquals(new Set(keys.map(({ path }) => path)).size, keys.length);
  for (const { path, text, type } of keys) {
    assertMatch(text, /^[^\n;]*[^.]\.$/, path);
    for (const sentence of text.split(". ")) assertMatch(sentence, /^(?:[A-Z]|`)\S* ?/, path);
    assert(/^[A-Z]/.test(text) && text.length <= TEXT_MAX, path);
    assert(firstSentence(text).length <= FIRST_SENTENCE_MAX, `${path}: ${firstSentence(text)}`);
    assertMatch(type, /^(?:number|boolean|string|list|mapping)$/);
  }
});

Deno.test("describeConfig() tells what manuals need", () => {
  const keys = new Map(describeConfig().map((key) => [key.path, key]));
  const { text: _text, ...recheck } = keys.get("recheck")!;
  assertEquals(recheck, {
    path: "recheck",
    type: "number",
    unit: "seconds",
    default: "300",
    allowed: "a number of seconds from 1 to 86400",
  });
  assertEquals(keys.get("default_zone.dane")!.allowed, "one of auto, off, require");
  assertEquals(keys.get("default_zone.dane")!.default, "auto");
  assertEquals(keys.get("control")!.default, "");
  assertEquals(keys.get("socket_mode")!.unit, "octal");
  assertEquals(keys.get("dns")!.type, "mapping");
  assertEquals(keys.get("recheck")!.legacy, undefined);
  for (const path of ["host", "cache.type", "proactive_policy_fetching.interval"]) {
    assertEquals(keys.get(path)!.legacy, true);
  }
});

Deno.test("describeConfig() gives defaults that can stand in the file", () => {
  const { config } = loadText("");
  for (const { path, default: fallback } of describeConfig()) {
    if (fallback === "") continue;
    const names = path.split(".");
    const text = names.map((name) => `{ ${name}: `).join("") + fallback + " }".repeat(names.length);
    assertEquals(loadText(text).config, config, path);
  }
});
