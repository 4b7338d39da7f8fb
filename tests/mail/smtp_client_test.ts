/**
 * The client against servers that answer by a script: PIPELINING, refusals at each step, and servers that hang.
 *
 * @module
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import type { ByteLink } from "../../src/mail/reply.ts";
import { SmtpClient } from "../../src/mail/smtp_client.ts";
import { ManualClock } from "../fakes/manual_clock.ts";

/** A server that says the next text when it is listened to, and then nothing any more. */
function scripted(...texts: string[]) {
  const sent: string[] = [];
  const clock = new ManualClock();
  let wake = () => {};
  let isClosed = false;
  const link: ByteLink = {
    async read(buffer) {
      const text = texts.shift();
      if (text === undefined) {
        if (!isClosed) await new Promise<void>((resolve) => wake = resolve);
        return null;
      }
      if (text === "END") return null;
      return new TextEncoder().encodeInto(text, buffer).written;
    },
    write(octets) {
      sent.push(new TextDecoder().decode(octets));
      return Promise.resolve();
    },
    close() {
      isClosed = true;
      wake();
    },
  };
  const client = new SmtpClient(link, { clock });
  return { client, sent, clock, isClosed: () => isClosed };
}

const GREETING = "220 mx.test ESMTP\r\n";
const PIPELINING = "250-mx.test\r\n250-PIPELINING\r\n250 8BITMIME\r\n";
const MAIL = {
  from: "a@example.com",
  to: "b@example.net",
  content: "X: y\r\n\r\n.dot\r\n..\r\nend",
};
const GROUP = "MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n";

Deno.test("SmtpClient sends messages one after the other, commands in one go where the server offers that", async () => {
  const answers = ["250 ok\r\n250 ok\r\n354 go\r\n", "250 queued\r\n"];
  const { client, sent } = scripted(GREETING, PIPELINING, ...answers, ...answers, "221 bye\r\n");
  assertEquals(await client.open("[127.0.0.1]"), undefined);
  assertEquals(await client.send(MAIL), { kind: "sent" });
  assertEquals(await client.send(MAIL), { kind: "sent" });
  await client.close();
  const text = "X: y\r\n\r\n..dot\r\n...\r\nend\r\n.\r\n";
  assertEquals(sent, ["EHLO [127.0.0.1]\r\n", GROUP, text, GROUP, text, "QUIT\r\n"]);
});

Deno.test("SmtpClient waits for each reply where PIPELINING is not offered", async () => {
  const { client, sent } = scripted(
    ...[GREETING, "250 mx.test\r\n", "250 ok\r\n", "550 5.1.1 unknown\r\n", "250 reset\r\n"],
  );
  await client.open("x");
  const outcome = await client.send(MAIL);
  assertEquals(outcome, {
    kind: "rejected",
    isPermanent: true,
    error: 'answers "550 5.1.1 unknown" to RCPT',
  });
  assertEquals(sent.slice(1), [
    "MAIL FROM:<a@example.com>\r\n",
    "RCPT TO:<b@example.net>\r\n",
    "RSET\r\n",
  ]);
});

Deno.test("SmtpClient sends no text for a recipient that is refused, and uses the connection again", async () => {
  const { client, sent } = scripted(
    ...[GREETING, PIPELINING, "250 ok\r\n451 4.7.1 later\r\n354 go\r\n", "554 no recipients\r\n"],
    ...["250 reset\r\n", "250 ok\r\n250 ok\r\n354 go\r\n", "250 queued\r\n"],
  );
  await client.open("x");
  const outcome = await client.send(MAIL);
  assertEquals(outcome.kind === "rejected" && [outcome.isPermanent, outcome.error], [
    false,
    'answers "451 4.7.1 later" to RCPT',
  ]);
  assertEquals(sent.slice(2), [".\r\n", "RSET\r\n"]);
  assertEquals((await client.send(MAIL)).kind, "sent");
});

Deno.test("SmtpClient sees a message that is refused after its text, for good or for now", async () => {
  for (const [code, isPermanent] of [[554, true], [452, false]] as const) {
    const { client } = scripted(
      ...[GREETING, PIPELINING, "250 ok\r\n250 ok\r\n354 go\r\n", `${code} no\r\n`, "250 ok\r\n"],
    );
    await client.open("x");
    const outcome = await client.send(MAIL);
    assertEquals(outcome.kind === "rejected" && outcome.isPermanent, isPermanent);
  }
});

Deno.test("SmtpClient says what is wrong with a server that cannot be used", async () => {
  for (
    const [text, reason] of [
      ["554 go away\r\n", 'greets with "554 go away"'],
      ["END", "connection ended before the greeting was complete"],
      ["\x1b[31mhi\r\n", "\\u001b[31mhi"],
    ] as const
  ) assertStringIncludes(await scripted(text).client.open("x") ?? "", reason);
  const busy = scripted(GREETING, PIPELINING, "421 4.3.2 shutting down\r\n");
  await busy.client.open("x");
  const outcome = await busy.client.send(MAIL);
  assertEquals(outcome, { kind: "broken", error: 'answers "421 4.3.2 shutting down"' });
  assertEquals(busy.isClosed(), true);
});

Deno.test("SmtpClient waits for a minute for a server that says nothing any more", async () => {
  const { client, clock, isClosed } = scripted(GREETING, PIPELINING, "250 ok\r\n");
  await client.open("x");
  const sending = client.send(MAIL);
  await clock.advance(59_000);
  assertEquals(isClosed(), false);
  await clock.advance(2000);
  assertEquals(await sending, {
    kind: "broken",
    error: "timed out while waiting for the reply to RCPT",
  });
  assertEquals(isClosed(), true);
});
