import { assertEquals } from "@std/assert";
import { checkReceiver, type ReceiverState } from "../../src/daemon/received_health.ts";

const NOW = Date.UTC(2026, 10, 29, 11);
const DAY = 86_400_000;
const WELL: ReceiverState = {
  store: { error: undefined, isFull: false },
  maildir: { scannedAt: NOW - 4000, error: undefined, waiting: 0 },
  certificate: { notAfter: NOW + 30 * DAY, error: undefined },
};

/** The status and the checks that are not ok. */
function judge(change: Partial<ReceiverState>) {
  const { status, checks } = checkReceiver({ ...WELL, ...change }, NOW);
  const wrong = checks.filter((check) => check.status !== "ok");
  return [status, ...wrong.map(({ name, detail }) => `${name}: ${detail}`)];
}

Deno.test("checkReceiver() finds nothing wrong with a receiver that works, or has only one way in", () => {
  assertEquals(judge({}), ["ready"]);
  assertEquals(judge({ maildir: undefined, certificate: undefined }), ["ready"]);
  assertEquals(checkReceiver(WELL, NOW).checks.map(({ detail }) => detail), [
    "the file can be written",
    "read 4 s ago",
    "valid until 2026-12-29 11:00",
  ]);
});

Deno.test("checkReceiver() is unready only if reports cannot be kept", () => {
  assertEquals(judge({ store: { error: "disk I/O error", isFull: false } }), [
    "unready",
    "store: disk I/O error",
  ]);
  assertEquals(judge({ store: { error: undefined, isFull: true } }), [
    "degraded",
    "store: the file is full: new reports are not kept",
  ]);
});

Deno.test("checkReceiver() warns of a Maildir that is not read", () => {
  const maildir = { scannedAt: NOW - 4000, error: undefined, waiting: 0 };
  assertEquals(judge({ maildir: { ...maildir, error: "permission denied" } }), [
    "degraded",
    "maildir: permission denied",
  ]);
  assertEquals(judge({ maildir: { ...maildir, scannedAt: NOW - 15 * 60_000 } }), ["ready"]);
  assertEquals(judge({ maildir: { ...maildir, scannedAt: NOW - 15 * 60_000 - 1, waiting: 2 } }), [
    "degraded",
    "maildir: read 15 min ago, 2 mails wait",
  ]);
  assertEquals(judge({ maildir: { ...maildir, scannedAt: undefined } }), ["ready"]);
});

Deno.test("checkReceiver() warns of a certificate before senders refuse it", () => {
  const until = (notAfter: number | undefined, error?: string) =>
    judge({ certificate: { notAfter, error } });
  assertEquals(until(NOW + 7 * DAY), ["ready"]);
  assertEquals(until(NOW + 7 * DAY - 1), ["degraded", "certificate: valid until 2026-12-06 10:59"]);
  assertEquals(until(NOW), ["degraded", "certificate: expired on 2026-11-29 11:00"]);
  assertEquals(until(undefined), [
    "degraded",
    "certificate: no certificate: senders cannot post reports",
  ]);
  assertEquals(until(undefined, "cannot read fullchain.pem"), [
    "degraded",
    "certificate: cannot read fullchain.pem",
  ]);
});
