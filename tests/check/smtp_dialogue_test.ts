import { assertEquals, assertLess, assertStringIncludes } from "@std/assert";
import { SmtpDialogue } from "../../src/check/smtp_dialogue.ts";
import { TimeBudget } from "../../src/check/time_budget.ts";
import { type ByteLink, LINE_MAX_BYTES, REPLY_MAX_LINES } from "../../src/mail/reply.ts";
import { ManualClock, settle } from "../fakes/manual_clock.ts";
import { createRandom } from "../fakes/random.ts";

const STEP_MS = 8000;
const TOTAL_MS = 12_000;

/** A server that says the next text whenever it is listened to, and nothing after the last. */
function scripted(texts: readonly string[]) {
  const left = [...texts];
  const sent: string[] = [];
  const clock = new ManualClock();
  let wake = () => {};
  let closed = false;
  const link: ByteLink = {
    async read(buffer) {
      const text = left.shift();
      if (text === "END") return null;
      if (text === undefined) {
        if (!closed) await new Promise<void>((resolve) => wake = resolve);
        return null;
      }
      const bytes = Uint8Array.from(text.slice(0, buffer.length), (unit) => unit.charCodeAt(0));
      if (text.length > buffer.length) left.unshift(text.slice(buffer.length));
      buffer.set(bytes);
      return bytes.length;
    },
    write(bytes) {
      sent.push(new TextDecoder().decode(bytes));
      return Promise.resolve();
    },
    close() {
      closed = true;
      wake();
    },
  };
  const budget = new TimeBudget({ clock, step: STEP_MS, total: TOTAL_MS });
  const dialogue = new SmtpDialogue(link, { budget, helo: "[192.0.2.9]" });
  return { dialogue, sent, clock, isClosed: () => closed };
}

/** What `startTls` comes to. */
async function outcome(...texts: string[]): Promise<string> {
  const fault = await scripted(texts).dialogue.startTls();
  return fault === undefined ? "ready" : fault.id;
}

const HELLO = "250-mx.example\r\n250-SIZE 1000\r\n250 STARTTLS\r\n";

Deno.test("SmtpDialogue leads to TLS through greeting, EHLO and STARTTLS (RFC 3207 §4)", async () => {
  const { dialogue, sent } = scripted(["220-hello\r\n220 ESMTP\r\n", HELLO, "220 go\r\n"]);
  assertEquals(await dialogue.startTls(), undefined);
  assertEquals(sent, ["EHLO [192.0.2.9]\r\n", "STARTTLS\r\n"]);
});

Deno.test("SmtpDialogue puts replies together from pieces, and takes them apart", async () => {
  const pieces = [..."220 hi\r\n", ...HELLO, ..."220 go\r\n"];
  assertEquals(await outcome(...pieces), "ready");
  assertEquals(await outcome("220 hi\n", HELLO.replaceAll("\r", ""), "220\n"), "ready");
});

Deno.test("SmtpDialogue names what is wrong with each step", async () => {
  assertEquals(await outcome("554 no\r\n"), "smtp-greeting");
  assertEquals(await outcome("220 hi\r\n", "502 no\r\n"), "smtp-ehlo");
  assertEquals(await outcome("220 hi\r\n", "250 mx\r\n"), "smtp-no-starttls");
  assertEquals(await outcome("220 hi\r\n", "250 STARTTLS\r\n"), "smtp-no-starttls");
  assertEquals(await outcome("220 hi\r\n", "250-mx\r\n250 XSTARTTLS\r\n"), "smtp-no-starttls");
  assertEquals(await outcome("220 hi\r\n", HELLO, "454 no\r\n"), "smtp-starttls-refused");
  assertEquals(await outcome("220 hi\r\n", HELLO, "220 go\r\n250 ok\r\n"), "smtp-trailing");
  assertEquals(await outcome("220 hi\r\n", HELLO, "END"), "smtp-closed");
  assertEquals(await outcome("END"), "smtp-closed");
});

Deno.test("SmtpDialogue takes what is no reply for garbage (RFC 5321 §4.2)", async () => {
  for (
    const text of [
      "SSH-2.0-x\r\n",
      "220hi\r\n",
      "22 hi\r\n",
      "020 hi\r\n",
      "720 hi\r\n",
      "220-a\r\n250 b\r\n",
      "\r\n",
    ]
  ) assertEquals(await outcome(text), "smtp-garbage", text);
});

Deno.test("SmtpDialogue bounds lines and replies", async () => {
  const line = (length: number) => `220 ${"x".repeat(length - 5)}\n`;
  assertEquals(await outcome(line(LINE_MAX_BYTES), HELLO, "220 go\r\n"), "ready");
  assertEquals(await outcome(line(LINE_MAX_BYTES + 1)), "smtp-garbage");
  assertEquals(await outcome("x".repeat(LINE_MAX_BYTES)), "smtp-garbage");
  const reply = (lines: number) => `${"220-x\r\n".repeat(lines - 1)}220 x\r\n`;
  assertEquals(await outcome(reply(REPLY_MAX_LINES), HELLO, "220 go\r\n"), "ready");
  assertEquals(await outcome(reply(REPLY_MAX_LINES + 1)), "smtp-garbage");
});

Deno.test("SmtpDialogue quotes and cuts what the server says", async () => {
  const fault = await scripted([`554 \x1b[2J${"x".repeat(1000)}\r\n`]).dialogue.startTls();
  assertStringIncludes(fault?.detail ?? "", '"554 \\u001b[2Jxxx');
  assertLess(fault?.detail.length ?? 0, 200);
});

Deno.test("SmtpDialogue gives up when a step takes too long, and closes the connection", async () => {
  const { dialogue, clock, isClosed } = scripted(["220 hi\r\n"]);
  const fault = dialogue.startTls();
  await clock.advance(STEP_MS - 1);
  assertEquals(isClosed(), false);
  await clock.advance(1);
  assertEquals((await fault)?.id, "smtp-timeout");
  assertStringIncludes((await fault)?.detail ?? "", "the reply to EHLO");
  assertEquals(isClosed(), true);
  assertEquals(clock.pending, 0);
});

Deno.test("SmtpDialogue counts drops that come one at a time as one step", async () => {
  const clock = new ManualClock();
  const link: ByteLink = {
    read: (buffer) =>
      new Promise((resolve) => {
        buffer[0] = 0x32;
        clock.setTimer(() => resolve(1), 1000);
      }),
    write: () => Promise.resolve(),
    close: () => {},
  };
  const budget = new TimeBudget({ clock, step: STEP_MS, total: TOTAL_MS });
  const fault = new SmtpDialogue(link, { budget, helo: "x" }).startTls();
  await clock.advance(STEP_MS);
  assertEquals((await fault)?.id, "smtp-timeout");
});

Deno.test("SmtpDialogue says EHLO again inside TLS, whose faults have one name (RFC 3207 §4.2)", async () => {
  assertEquals(await scripted(["250 mx\r\n"]).dialogue.helloAgain(), undefined);
  for (const text of ["421 no\r\n", "what\r\n", "END"]) {
    assertEquals((await scripted([text]).dialogue.helloAgain())?.id, "smtp-after-tls", text);
  }
});

Deno.test("SmtpDialogue comes to an end whatever the server says", async () => {
  const random = createRandom(25);
  for (let round = 0; round < 500; round++) {
    const texts = ["220 hi\r\n", HELLO, "220 go\r\n"].map((text) => random.mutate(text));
    const { dialogue, clock } = scripted(texts);
    const result = dialogue.startTls();
    await settle();
    await clock.advance(TOTAL_MS);
    const fault = await result;
    assertEquals(/^[ -~]*$/.test(fault?.detail ?? ""), true);
  }
});

Deno.test("TimeBudget leaves a later step what is left of the total", async () => {
  const clock = new ManualClock();
  const budget = new TimeBudget({ clock, step: STEP_MS, total: TOTAL_MS });
  await clock.advance(TOTAL_MS - 100);
  let abandoned = false;
  const step = budget.run(new Promise<never>(() => {}), () => abandoned = true);
  await clock.advance(99);
  assertEquals(abandoned, false);
  await clock.advance(1);
  assertEquals(await step, "timeout");
  assertEquals(abandoned, true);
});
