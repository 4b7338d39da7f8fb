import { assert, assertEquals, assertMatch } from "@std/assert";
import { createLog, type LogOptions } from "../../src/base/log.ts";
import { MAX_VALUE_CHARS } from "../../src/base/quote_text.ts";

/** A log whose lines are kept. */
function setUp(options: Partial<LogOptions> = {}) {
  const lines: string[] = [];
  const log = createLog({
    level: "debug",
    format: "text",
    write: (line) => lines.push(line),
    now: () => Date.UTC(2026, 0, 1),
    ...options,
  });
  return { log, lines };
}

/** Invisible or misleading characters that must never reach the output as they are. */
const HIDDEN =
  // deno-lint-ignore no-control-regex
  /[\u0000-\u001f\u007f-\u009f\u00a0\u00ad\u061c\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff]|[\u{e0000}-\u{e007f}]|\p{Cs}/u;

/** A small generator with a fixed seed, so that a failure can be repeated. */
function createRandom(seed: number): (below: number) => number {
  return (below) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
}

/** Text of hostile pieces: whole forged lines, terminal codes, lone surrogates. */
function hostileText(random: (below: number) => number): string {
  const pieces = [
    "\n2026-01-01T00:00:00.000Z ERROR forged domain=x",
    '"',
    "\\",
    "\\n",
    " ",
    "=",
    "\r\n",
    "\x1b[2J",
    "\x85",
    "\x9b31m",
    "\u2028",
    "\u2029",
    "\u202e",
    "\u2066",
    "\ufeff",
    "\ud800",
    "\udc00",
    "\u{e0041}",
    '{"level":"error"}',
    "example.com",
    "ü",
    "\0",
    "…",
    "😀",
  ];
  let text = "";
  for (let i = random(12); i > 0; i--) {
    text += random(4) === 0 ? String.fromCharCode(random(65536)) : pieces[random(pieces.length)];
  }
  return text;
}

Deno.test("createLog() writes text as time, level, event and fields", () => {
  const { log, lines } = setUp();
  log.warn("policy changed", {
    domain: "example.com",
    detail: 'now "none"',
    age: 1.5,
    first: true,
  });
  log.info("started");
  assertEquals(lines, [
    '2026-01-01T00:00:00.000Z WARN  policy changed domain=example.com detail="now \\"none\\"" age=1.5 first=true\n',
    "2026-01-01T00:00:00.000Z INFO  started\n",
  ]);
});

Deno.test("createLog() writes JSON as one object with time, level, event, then the fields", () => {
  const { log, lines } = setUp({ format: "json" });
  log.warn("policy changed", { domain: "example.com", age: 1.5, first: true, none: undefined });
  assertEquals(
    lines,
    [
      '{"time":"2026-01-01T00:00:00.000Z","level":"warn","event":"policy changed","domain":"example.com","age":1.5,"first":true}\n',
    ],
  );
});

Deno.test("createLog() in JSON lets no field stand in for time, level or event", () => {
  const { log, lines } = setUp({ format: "json" });
  log.error("broken", { level: "info", event: "fine" });
  assertEquals(JSON.parse(lines[0]!), {
    time: "2026-01-01T00:00:00.000Z",
    level: "error",
    event: "broken",
  });
});

Deno.test("createLog() for the journal writes a priority and no time", () => {
  const { log, lines } = setUp({ journal: true });
  log.debug("asked");
  log.info("started");
  log.warn("slow", { seconds: 3 });
  log.error("broken");
  assertEquals(lines, [
    "<7>DEBUG asked\n",
    "<6>INFO  started\n",
    "<4>WARN  slow seconds=3\n",
    "<3>ERROR broken\n",
  ]);
});

Deno.test("createLog() leaves out lines below its level and says so", () => {
  const { log, lines } = setUp({ level: "warn" });
  log.debug("a");
  log.info("b");
  log.warn("c");
  log.error("d");
  assertEquals(lines.length, 2);
  assertEquals(
    (["debug", "info", "warn", "error"] as const).map((level) => log.enabled(level)),
    [false, false, true, true],
  );
});

Deno.test("createLog() leaves out fields without a value and quotes an empty one", () => {
  const { log, lines } = setUp();
  log.info("x", { none: undefined, empty: "" });
  assertEquals(lines, ['2026-01-01T00:00:00.000Z INFO  x empty=""\n']);
});

Deno.test("several logs do not disturb each other", () => {
  const text = setUp({ level: "error" });
  const json = setUp({ format: "json" });
  text.log.info("a");
  json.log.info("b");
  assertEquals([text.lines.length, json.lines.length], [0, 1]);
});

Deno.test("createLog() cuts long values in both formats", () => {
  const long = "x".repeat(MAX_VALUE_CHARS + 1);
  const kept = "x".repeat(MAX_VALUE_CHARS) + "…";
  for (const format of ["text", "json"] as const) {
    const { log, lines } = setUp({ format });
    log.info("cut", { long });
    assert(lines[0]!.includes(`"${kept}"`));
  }
});

Deno.test("no field value can forge a line, hide text or be misread (property)", () => {
  const random = createRandom(8461);
  for (let round = 0; round < 2000; round++) {
    const value = hostileText(random);
    for (const format of ["text", "json"] as const) {
      const { log, lines } = setUp({ format });
      log.info("said", { value, end: true });
      assertEquals(lines.length, 1);
      const line = lines[0]!.slice(0, -1);
      assertEquals(lines[0]!.slice(-1), "\n");
      assert(!HIDDEN.test(line), `hidden character in ${JSON.stringify(line)}`);
      if (format === "json") {
        assertEquals(JSON.parse(line).value, value);
      } else {
        assertMatch(line, /^2026-01-01T00:00:00\.000Z INFO {2}said value=.* end=true$/);
        const quoted = line.slice(
          "2026-01-01T00:00:00.000Z INFO  said value=".length,
          -" end=true".length,
        );
        assertEquals(quoted.startsWith('"') ? JSON.parse(quoted) : quoted, value);
      }
    }
  }
});

Deno.test("createLog() writes to standard error before it returns, and survives its closing", async () => {
  const program = `
    import { createLog } from ${JSON.stringify(import.meta.resolve("../../src/base/log.ts"))};
    const log = createLog({ level: "info", format: "text" });
    log.info("before exit");
    if (Deno.args[0] === "close") {
      Deno.stderr.close();
      log.info("nobody hears");
      console.log("alive");
    }
    Deno.exit(0);`;
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(file, program);
    const config = new URL("../../deno.json", import.meta.url).pathname;
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-check", "--config", config, file, "close"],
    }).output();
    const decoder = new TextDecoder();
    assertMatch(decoder.decode(stderr), /^\S+Z INFO {2}before exit\n$/);
    assertEquals(decoder.decode(stdout), "alive\n");
  } finally {
    await Deno.remove(file);
  }
});
