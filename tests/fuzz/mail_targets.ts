/**
 * The readers of `src/mail/`: what a mail server answers, and DKIM records in DNS.
 *
 * @module
 */

import { assert } from "@std/assert";
import { dkimRecordMistake } from "../../src/mail/dkim_key.ts";
import { SmtpClient } from "../../src/mail/smtp_client.ts";
import { ManualClock } from "../fakes/manual_clock.ts";
import { createRecordedLink } from "./recorded_link.ts";
import type { Target } from "./targets.ts";

const KEY = { type: "rsa", published: "MIIBIjANBgkq" } as const;

const latin1 = (text: string): Uint8Array => Uint8Array.from(text, (unit) => unit.charCodeAt(0));

/** Two mails, as far as the server goes along. */
async function send(bytes: Uint8Array, piece: number): Promise<string> {
  const link = createRecordedLink(bytes, piece);
  const client = new SmtpClient(link, { clock: new ManualClock() });
  const fault = await client.open("[192.0.2.1]");
  if (fault !== undefined) {
    assertPrintable(fault);
    return "unusable";
  }
  const words: string[] = [];
  for (let mail = 0; mail < 2 && words.at(-1) !== "broken"; mail++) {
    const outcome = await client.send({ from: "a@a.example", to: "b@b.example", content: ".\r\n" });
    if (outcome.kind !== "sent") assertPrintable(outcome.error);
    words.push(outcome.kind);
  }
  return words.join();
}

function assertPrintable(text: string): void {
  assert(/^[ -~]*$/.test(text) && text.length < 2000, text);
}

const mailServer: Target = {
  name: "smtp_client",
  corpus: [
    "220 mx\r\n250-mx\r\n250 PIPELINING\r\n250 ok\r\n250 ok\r\n354 go\r\n250 queued\r\n",
    "220 mx\r\n250 mx\r\n250 ok\r\n550 no\r\n250 reset\r\n250 ok\r\n250 ok\r\n354 go\r\n452 full\r\n",
    "220 mx\r\n250-mx\r\n250 pipelining\r\n421 \xff\x1b bye\r\n",
    "554-no\r\n554 service\r\n",
  ].map(latin1),
  async run(bytes) {
    const whole = await send(bytes, 4096);
    // How it is cut into pieces makes no difference.
    assert(await send(bytes, 3) === whole);
    return whole;
  },
};

const dkimRecord: Target = {
  name: "dkim_record",
  corpus: [
    `v=DKIM1; k=rsa; s=*; p=${KEY.published}`,
    "v=DKIM1 ;p= MIIB IjAN\tBgkq ; s = email : tlsrpt",
    "k=ed25519; p=\nv=DKIM1; p=AAAA; p=BBBB\nv=spf1 -all",
  ].map(latin1),
  run(bytes) {
    const records = new TextDecoder("latin1").decode(bytes).split("\n");
    return dkimRecordMistake(records, KEY) ?? "published";
  },
};

/** All targets about mail. */
export const MAIL_TARGETS: readonly Target[] = [mailServer, dkimRecord];
