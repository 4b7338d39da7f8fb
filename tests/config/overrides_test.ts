import { assertEquals, assertThrows } from "@std/assert";
import { applyOverrides, type Overrides } from "../../src/config/overrides.ts";
import { UsageError } from "../../src/config/usage_error.ts";
import { loadText } from "./load_text.ts";

const { config } = loadText("socket_mode: 0606\nlog: {level: warn}\ncache: {memory_entries: 500}");

Deno.test("applyOverrides() changes nothing without options", () => {
  assertEquals(applyOverrides(config, {}), config);
  const absent = { listen: [], cache: undefined, logLevel: undefined, logFormat: undefined };
  assertEquals(applyOverrides(config, absent), config);
});

Deno.test("applyOverrides() replaces what is named and keeps the rest", () => {
  assertEquals(
    applyOverrides(config, {
      listen: ["127.0.0.1:0", "unix:/run/x.sock"],
      cache: "./x.db",
      logFormat: "json",
    }),
    {
      ...config,
      listen: [
        { kind: "inet", hostname: "127.0.0.1", port: 0 },
        { kind: "unix", path: "/run/x.sock", mode: 0o606 },
      ],
      cache: { ...config.cache, file: "./x.db" },
      log: { ...config.log, level: "warn", format: "json" },
    },
  );
  assertEquals(applyOverrides(config, { cache: "memory" }).cache.file, undefined);
  assertEquals(applyOverrides(config, { logLevel: "debug" }).log.level, "debug");
});

Deno.test("applyOverrides() refuses what the file would not allow either", () => {
  const refused: [Overrides, string][] = [
    [{ listen: ["localhost"] }, "--listen: must be an address such as"],
    [{ cache: "" }, '--cache: must be memory or a path, found ""'],
    [
      { logLevel: "loud" },
      '--log-level: must be one of debug, info, warn, error, found "loud"',
    ],
    [{ logFormat: "xml" }, '--log-format: must be one of text, json, found "xml"'],
  ];
  for (const [overrides, message] of refused) {
    assertThrows(() => applyOverrides(config, overrides), UsageError, message);
  }
});
