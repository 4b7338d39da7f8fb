import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { createMetrics } from "../../src/base/metrics.ts";

Deno.test("counter() without labels exists at 0 before the first event", () => {
  const metrics = createMetrics();
  const cell = metrics.counter("replies_total", "Replies sent.").cell();
  const text = (value: number) =>
    `# HELP replies_total Replies sent.\n# TYPE replies_total counter\nreplies_total ${value}\n`;
  assertEquals(metrics.render(), text(0));
  cell.value += 2;
  assertEquals(metrics.render(), text(2));
});

Deno.test("gauge() with labels has a series for each set of values, created at 0", () => {
  const metrics = createMetrics();
  const gauge = metrics.gauge("sockets", "Open sockets.", ["kind", "state"]);
  assertEquals(metrics.render(), "# HELP sockets Open sockets.\n# TYPE sockets gauge\n");
  gauge.cell("inet", "open").value = 1.5;
  gauge.cell("unix", "open");
  assertStrictEquals(gauge.cell("inet", "open"), gauge.cell("inet", "open"));
  assertEquals(metrics.render().split("\n").slice(2), [
    'sockets{kind="inet",state="open"} 1.5',
    'sockets{kind="unix",state="open"} 0',
    "",
  ]);
});

Deno.test("gaugeFn() reads when rendered, and a newer reader replaces the older", () => {
  const metrics = createMetrics();
  let held = 3;
  metrics.gaugeFn("policies", "Policies held.", () => held);
  held = 4;
  assertEquals(metrics.render().split("\n")[2], "policies 4");
  metrics.gaugeFn("policies", "Policies held.", () => -1);
  assertEquals(metrics.render().split("\n").slice(2), ["policies -1", ""]);
});

Deno.test("histogram() counts cumulatively, bounds included, and sums", () => {
  const metrics = createMetrics();
  const histogram = metrics.histogram("wait_seconds", "Wait.", [0.25, 1], ["result"]);
  for (const seconds of [0.125, 0.25, 0.5, 8]) histogram.observe(seconds, "ok");
  histogram.observe(0.5, "failed");
  assertEquals(
    metrics.render(),
    `# HELP wait_seconds Wait.
# TYPE wait_seconds histogram
wait_seconds_bucket{result="ok",le="0.25"} 2
wait_seconds_bucket{result="ok",le="1"} 3
wait_seconds_bucket{result="ok",le="+Inf"} 4
wait_seconds_sum{result="ok"} 8.875
wait_seconds_count{result="ok"} 4
wait_seconds_bucket{result="failed",le="0.25"} 0
wait_seconds_bucket{result="failed",le="1"} 1
wait_seconds_bucket{result="failed",le="+Inf"} 1
wait_seconds_sum{result="failed"} 0.5
wait_seconds_count{result="failed"} 1
`,
  );
});

Deno.test("histogram() without labels has its buckets before the first observation", () => {
  const metrics = createMetrics();
  metrics.histogram("wait_seconds", "Wait.", [1]);
  assertEquals(metrics.render().split("\n").slice(2, 4), [
    'wait_seconds_bucket{le="1"} 0',
    'wait_seconds_bucket{le="+Inf"} 0',
  ]);
});

Deno.test("render() escapes help, label values and numbers as format 0.0.4 asks", () => {
  const metrics = createMetrics();
  const gauge = metrics.gauge("odd", 'A "line\\\nbreak".', ["text"]);
  gauge.cell('a"b\\c\nd').value = Infinity;
  gauge.cell("low").value = -Infinity;
  gauge.cell("none").value = NaN;
  assertEquals(
    metrics.render(),
    String.raw`# HELP odd A "line\\\nbreak".
# TYPE odd gauge
odd{text="a\"b\\c\nd"} +Inf
odd{text="low"} -Inf
odd{text="none"} NaN
`,
  );
});

Deno.test("a metric declared again with the same shape shares its series", () => {
  const metrics = createMetrics();
  const declare = () => metrics.counter("replies_total", "Replies sent.", ["result"]);
  assertStrictEquals(declare().cell("ok"), declare().cell("ok"));
  for (let i = 0; i < 2; i++) metrics.histogram("wait_seconds", "Wait.", [1]).observe(0.5);
  assertEquals(metrics.render().split("\n").at(-2), "wait_seconds_count 2");
});

Deno.test("a metric declared again with another shape is refused", () => {
  const metrics = createMetrics();
  metrics.counter("replies_total", "Replies sent.", ["result"]);
  metrics.gauge("policies", "Policies held.");
  metrics.histogram("wait_seconds", "Wait.", [1]);
  assertThrows(() => metrics.counter("replies_total", "Replies sent."), TypeError, "another shape");
  assertThrows(() => metrics.gauge("replies_total", "x", ["result"]), TypeError, "another shape");
  assertThrows(() => metrics.gaugeFn("policies", "x", () => 0), TypeError, "another shape");
  assertThrows(() => metrics.histogram("wait_seconds", "x", [2]), TypeError, "another shape");
});

Deno.test("wrong names and wrong numbers of label values are refused", () => {
  const metrics = createMetrics();
  assertThrows(() => metrics.counter("bad name", "x"), TypeError, "'bad name' is not a name");
  assertThrows(() => metrics.gauge("good", "x", ["le-ss"]), TypeError, "'le-ss' is not a name");
  const gauge = metrics.gauge("pair", "x", ["a", "b"]);
  assertThrows(() => gauge.cell("only one"), RangeError, "labels are 'a,b'");
});

Deno.test("samples() gives the series of counters and gauges with their labels", () => {
  const metrics = createMetrics();
  const replies = metrics.counter("replies_total", "Replies sent.", ["zone", "result"]);
  replies.cell("a,b", "ok").value = 2;
  replies.cell("c", "ok").value++;
  metrics.histogram("wait_seconds", "Wait.", [1]);
  assertEquals(metrics.samples("replies_total"), [
    { labels: { zone: "a,b", result: "ok" }, value: 2 },
    { labels: { zone: "c", result: "ok" }, value: 1 },
  ]);
  assertEquals(metrics.samples("wait_seconds"), []);
  assertEquals(metrics.samples("unknown"), []);
});
