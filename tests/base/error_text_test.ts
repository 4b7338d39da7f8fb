import { assertEquals, assertMatch } from "@std/assert";
import { messageOf, stackOf } from "../../src/base/error_text.ts";

Deno.test("messageOf() reads errors and whatever else is thrown", () => {
  assertEquals(messageOf(new TypeError("no such key")), "no such key");
  assertEquals([messageOf("text"), messageOf(undefined), messageOf(7)], ["text", "undefined", "7"]);
});

Deno.test("stackOf() says where an error was made", () => {
  assertMatch(
    stackOf(new RangeError("too large")),
    /^RangeError: too large\n +at .*error_text_test/,
  );
  const bare = Object.assign(new Error("no stack"), { stack: undefined });
  assertEquals([stackOf(bare), stackOf("text")], ["no stack", "text"]);
});
