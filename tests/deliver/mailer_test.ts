/**
 * The mailer against a mail server on loopback: one connection for many mails, one more when the server has gone.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { createClock } from "../../src/base/clock.ts";
import { Mailer, type Opened } from "../../src/deliver/mailer.ts";
import type { Message } from "../../src/mail/compose.ts";
import { denoLink } from "../../src/mail/link.ts";
import { ManualClock } from "../fakes/manual_clock.ts";
import { type MailSink, startMailSink } from "../fakes/mail_sink.ts";

const MESSAGE: Message = { headers: [["X", "y"]], body: "text\r\n" };

function mail(to = "r@a.test") {
  return { from: "tls@example.com", to, message: MESSAGE };
}

/** Signs by a field that says so. */
async function open(sink: MailSink): Promise<Opened> {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port: sink.port });
  const sign = (message: Message) =>
    Promise.resolve({ ...message, headers: [["Signed", "yes"], ...message.headers] as const });
  return { kind: "open", link: denoLink(conn), helo: "[127.0.0.1]", sign };
}

Deno.test("mails go over one connection, signed, at most 70 a second", async () => {
  await using sink = startMailSink();
  const mailer = new Mailer({ clock: createClock(), open: () => open(sink) });
  const started = performance.now();
  for (let index = 0; index < 15; index++) {
    assertEquals(await mailer.send(mail(`r${index}@a.test`)), { kind: "accepted" });
  }
  assert(performance.now() - started > 14 * 1000 / 70 - 20);
  await mailer.close();
  assertEquals([sink.connections, sink.mails.length], [1, 15]);
  assertEquals(sink.mails[14], {
    from: "tls@example.com",
    to: "r14@a.test",
    content: "Signed: yes\r\nX: y\r\n\r\ntext\r\n",
  });
});

Deno.test("after a hundred mails there is a new connection", async () => {
  await using sink = startMailSink();
  const clock = new ManualClock();
  const mailer = new Mailer({ clock, open: () => open(sink) });
  for (let index = 0; index < 101; index++) {
    const sending = mailer.send(mail());
    await clock.advance(20);
    await sending;
  }
  await mailer.close();
  assertEquals([sink.connections, sink.mails.length], [2, 101]);
});

Deno.test("a connection that the server has closed meanwhile is replaced at once", async () => {
  await using sink = startMailSink();
  const links: { close(): void }[] = [];
  const mailer = new Mailer({
    clock: createClock(),
    async open() {
      const opened = await open(sink);
      if (opened.kind === "open") links.push(opened.link);
      return opened;
    },
  });
  assertEquals((await mailer.send(mail())).kind, "accepted");
  links[0]!.close();
  assertEquals((await mailer.send(mail())).kind, "accepted");
  await mailer.close();
  assertEquals(sink.connections, 2);
});

Deno.test("a server that is away is left alone for a minute", async () => {
  const clock = new ManualClock();
  let tries = 0;
  const mailer = new Mailer({
    clock,
    open() {
      tries++;
      return Promise.resolve({ kind: "failed", error: "connection refused" });
    },
  });
  for (let index = 0; index < 3; index++) {
    const attempt = await mailer.send(mail());
    assertEquals(attempt, {
      kind: "failed",
      isDown: true,
      error: "mail server: connection refused",
    });
  }
  assertEquals(tries, 1);
  await clock.advance(60_000);
  await mailer.send(mail());
  assertEquals(tries, 2);
});

Deno.test("a refusal is final, a delay is not, and nothing is sent after the end", async () => {
  await using sink = startMailSink();
  const mailer = new Mailer({ clock: createClock(), open: () => open(sink) });
  sink.refuse = () => "550 5.1.1 unknown\r\n";
  const refused = await mailer.send(mail());
  assertEquals(refused.kind, "refused");
  sink.refuse = () => "450 4.2.0 later\r\n";
  const failed = await mailer.send(mail());
  assertEquals(failed.kind === "failed" && !failed.isDown, true);
  sink.refuse = undefined;
  assertEquals((await mailer.send(mail())).kind, "accepted");
  assertEquals(sink.connections, 1);
  mailer.abort();
  const late = await mailer.send(mail());
  assertStringIncludes(late.kind === "failed" ? late.error : "", "sending has ended");
});
