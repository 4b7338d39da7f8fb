import { assertEquals } from "@std/assert";
import {
  formatCount,
  formatDuration,
  formatMegabytes,
  formatRelative,
  formatShare,
  formatTime,
  timeElement,
} from "../../src/status/wording.ts";

const HOUR = 3_600_000;
const NOW = Date.UTC(2026, 0, 31, 12, 0, 30);

Deno.test("formatDuration() takes the largest unit that fits twice", () => {
  const lengths = [0, 999, 1000, 119_999, 120_000, 2 * HOUR - 1, 2 * HOUR, 47 * HOUR, 48 * HOUR];
  assertEquals(lengths.map(formatDuration), [
    "0 s",
    "0 s",
    "1 s",
    "119 s",
    "2 min",
    "119 min",
    "2 h",
    "47 h",
    "2 d",
  ]);
});

Deno.test("formatRelative() tells before from after", () => {
  assertEquals(formatRelative(NOW - 3 * HOUR, NOW), "3 h ago");
  assertEquals(formatRelative(NOW + 3 * HOUR, NOW), "in 3 h");
  assertEquals(formatRelative(NOW + 999, NOW), "now");
});

Deno.test("numbers and times are written in one way", () => {
  assertEquals([0, 999, 1000, 1234567].map(formatCount), ["0", "999", "1,000", "1,234,567"]);
  assertEquals(formatMegabytes(54_321_000), "54 MB");
  assertEquals(formatTime(NOW), "2026-01-31 12:00");
  assertEquals(
    timeElement(NOW - 120_000, NOW).html,
    `<time datetime="2026-01-31T11:58:30.000Z" title="2026-01-31T11:58:30.000Z">2 min ago</time>`,
  );
});

Deno.test("formatShare() never rounds a failure away, nor a success", () => {
  const shares: [number, number, string][] = [
    [0, 0, "-"],
    [10, 0, "0 %"],
    [999_999, 1, "< 0.1 %"],
    [999, 1, "0.1 %"],
    [7, 1, "12.5 %"],
    [9, 1, "10 %"],
    [1, 999_999, "> 99.9 %"],
    [0, 5, "100 %"],
  ];
  for (const [successful, failed, text] of shares) {
    assertEquals(formatShare(successful, failed), text);
  }
});
