import { assert } from "@std/assert";
import { isMapping } from "../../src/base/mapping.ts";

Deno.test("isMapping() takes what has keys", () => {
  for (const value of [{}, { a: 1 }, JSON.parse('{"__proto__":1}')]) assert(isMapping(value));
  for (const value of [null, undefined, "", 1, [], new Date(0), new Uint8Array(1)]) {
    assert(!isMapping(value), String(value));
  }
});
