import { assert, assertEquals } from "@std/assert";
import { MAIL_MAX_OCTETS, readMail } from "../../src/mail/read_mime.ts";
import { composeReport } from "./report_mails.ts";

/** A mail at the limits may take as long as this, ms; with margin for a busy machine. */
const SLOW_MS = 10_000;

const ascii = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

async function read(octets: Uint8Array) {
  const reading = await readMail(octets);
  if (reading.kind === "refused") throw new Error(reading.fault);
  return reading.mail;
}

Deno.test("readMail() gives headers, sender, subject and decoded parts", async () => {
  const mail = await read(composeReport("{}", { octets: ascii("{}") }));
  assertEquals(mail.from, "noreply@sender.test");
  assertEquals(
    mail.subject,
    "Report Domain: a.test Submitter: sender.test Report-ID: <20261127.a.test@x>",
  );
  assertEquals(mail.headers("tls-report-domain"), ["a.test"]);
  assertEquals(mail.headers("none"), []);
  assertEquals(mail.parts, [{
    mediaType: "application/tlsrpt+gzip",
    fileName: "sender.test!a.test!1795737600!1795823999.json.gz",
    octets: ascii("{}"),
  }]);
});

Deno.test("readMail() finds a report that is the mail itself, or in a mail that was forwarded", async () => {
  const head = "From: a@b.test\r\nContent-Type: application/tlsrpt+json\r\n\r\n";
  const whole = await read(ascii(`${head}{}\r\n`));
  assertEquals(whole.parts.map(({ mediaType }) => mediaType), ["application/tlsrpt+json"]);
  const inner = new TextDecoder().decode(composeReport("{}"));
  const outer = "From: a@b.test\r\nContent-Type: multipart/mixed; boundary=o\r\n\r\n" +
    `--o\r\nContent-Type: message/rfc822\r\n\r\n${inner}\r\n--o--\r\n`;
  const forwarded = await read(ascii(outer));
  assertEquals(forwarded.parts.map(({ mediaType }) => mediaType), ["application/tlsrpt+gzip"]);
});

Deno.test("readMail() refuses what is no mail", async () => {
  const none = { kind: "refused", fault: "no-mail" } as const;
  assertEquals(await readMail(ascii("")), none);
  assertEquals(await readMail(ascii("Hello, world\n")), none);
  assertEquals(await readMail(crypto.getRandomValues(new Uint8Array(60_000)).fill(0, 0, 3)), none);
  assertEquals(await readMail(new Uint8Array(MAIL_MAX_OCTETS + 1)), {
    kind: "refused",
    fault: "too-large",
  });
});

Deno.test("readMail() refuses base64 in a million pieces", async () => {
  const head = "From: a@b.test\nContent-Type: application/x\nContent-Transfer-Encoding: base64\n\n";
  const began = performance.now();
  const reading = await readMail(ascii(head + "Q=".repeat(1_000_000)));
  assertEquals(reading, { kind: "refused", fault: "too-large" });
  assert(performance.now() - began < 1000, "it takes 8 s to read them");
  // Quoted-printable and what ends each line have as many as there are.
  assertEquals((await readMail(ascii(head + "Q=\n".repeat(30_000)))).kind, "read");
});

Deno.test("readMail() gives a part of many lines as it is, in little time", async () => {
  const text = Array.from({ length: 99_000 }, (_, index) => `${index}`).join("\n");
  const head = "From: a@b.test\nContent-Type: application/x\n\n";
  const { parts } = await read(ascii(head + text));
  assertEquals(new TextDecoder().decode(parts[0]?.octets).trimEnd() === text, true);
  // From one pause to the next nothing else runs.
  let longest = 0;
  let last = performance.now();
  const look = () => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  };
  await readMail(ascii(head + text), { pause: () => Promise.resolve(look()) });
  look();
  assert(longest < 500, `${longest} ms`);
});

Deno.test("readMail() lets other work run", async () => {
  const octets = ascii(`From: a@b.test\n${"\n".repeat(50_000)}`);
  let pauses = 0;
  await readMail(octets, { pause: () => Promise.resolve(void pauses++) });
  assert(pauses >= 25, `${pauses} pauses`);
});

Deno.test("readMail() reads 5 MiB of JSON in base64, and no mail with more than 100,000 lines", async () => {
  const octets = new Uint8Array(5 * 1024 * 1024).fill(0x20);
  const mail = await read(composeReport("", { mediaType: "application/tlsrpt+json", octets }));
  assertEquals(mail.parts[0]?.octets.length, octets.length);
  assertEquals(await readMail(ascii(`From: a@b.test\n${"\n".repeat(100_000)}`)), {
    kind: "refused",
    fault: "too-large",
  });
});

Deno.test("readMail() bounds headers, nesting and parts", async () => {
  const none = { kind: "refused", fault: "no-mail" } as const;
  const headers = "From: a@b.test\r\n" + "X-A: b\r\n".repeat(80_000);
  assertEquals(await readMail(ascii(headers + "\r\ntext")), none);
  let nested = "";
  for (let depth = 0; depth < 20; depth++) {
    nested += `Content-Type: multipart/mixed; boundary=b${depth}\r\n\r\n--b${depth}\r\n`;
  }
  assertEquals(await readMail(ascii(`From: a@b.test\r\n${nested}`)), none);
  const parts = "--b\r\nContent-Type: application/json\r\n\r\n{}\r\n".repeat(500);
  const mail = await read(
    ascii(`From: a@b.test\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n${parts}--b--\r\n`),
  );
  assertEquals(mail.parts.length, 20);
});

Deno.test("readMail(): hostile mails of 8 MiB end in time", async () => {
  const fill = (unit: string, head = "", tail = "") =>
    ascii(
      `From: a@b.test\r\n${head}` +
        unit.repeat(Math.floor((MAIL_MAX_OCTETS - 1000) / unit.length)) + tail,
    );
  const multipart = "Content-Type: multipart/mixed; boundary=b\r\n\r\n";
  const lines = (unit: string, head: string) =>
    ascii(`From: a@b.test\r\n${head}${unit.repeat(99_000)}`);
  const hostile = [
    lines("\r\n", "\r\n"),
    lines("> \r\n", "Content-Type: text/plain; format=flowed\r\n\r\n"),
    lines("--b\r\n", multipart),
    fill("\r", "\r\n"),
    fill("\r\n"),
    fill("a", "\r\n"),
    fill("--b\r\n\r\n", multipart),
    fill("--", multipart),
    fill("<b>", "Content-Type: text/html\r\n\r\n"),
    fill("<", "Content-Type: text/html\r\n\r\n"),
    fill("&", "Content-Type: text/html\r\n\r\n"),
    fill("=\r\n", "Content-Transfer-Encoding: quoted-printable\r\n\r\n"),
    fill("A", `${multipart}--b\r\nContent-Transfer-Encoding: base64\r\n\r\n`),
    fill("a@b,", "To: "),
    fill(" \r\n", "Subject: x"),
  ];
  for (const [index, octets] of hostile.entries()) {
    const start = performance.now();
    await readMail(octets);
    assert(performance.now() - start < SLOW_MS, `hostile mail ${index}`);
  }
});
