/**
 * What the deliverer makes of a queue: where reports go, when they are tried again, and what is never sent.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { createLog } from "../../src/base/log.ts";
import { createMetrics } from "../../src/base/metrics.ts";
import { createWarnings } from "../../src/base/warnings.ts";
import type { Attempt, PostOutcome } from "../../src/deliver/attempt.ts";
import { Deliverer } from "../../src/deliver/deliverer.ts";
import type { DeliverySettings } from "../../src/deliver/deliverer_options.ts";
import type { ReportMail } from "../../src/deliver/mailer.ts";
import { createFakeDns, type FakeReply } from "../fakes/fake_dns.ts";
import { FakeDeliveryQueue } from "../fakes/delivery_queue.ts";
import { ManualClock } from "../fakes/manual_clock.ts";

const HOUR_MS = 3_600_000;

const SETTINGS: DeliverySettings = {
  exclude: [],
  denyRecipients: [],
  noMail: undefined,
  https: true,
  perDestination: 10_000,
};

/** A deliverer with everything around it. */
function bench(options: {
  records?: Record<string, FakeReply>;
  settings?: Partial<DeliverySettings> | undefined;
  mail?: (mail: ReportMail) => Attempt | Promise<Attempt>;
  post?: (url: string) => PostOutcome | Promise<PostOutcome>;
} = {}) {
  const clock = new ManualClock(Date.UTC(2026, 0, 2, 1));
  const queue = new FakeDeliveryQueue();
  const lines: string[] = [];
  const log = createLog({ level: "debug", format: "text", write: (line) => lines.push(line) });
  const mails: ReportMail[] = [];
  const posts: string[] = [];
  const metrics = createMetrics();
  let settings: DeliverySettings | undefined = { ...SETTINGS, ...options.settings };
  const deliverer = new Deliverer({
    ...{ queue, clock, log, metrics },
    warnings: createWarnings({ log, clock }),
    settings: () => settings,
    lookup: createFakeDns(options.records ?? {}, { clock }).lookup,
    mail(mail) {
      mails.push(mail);
      return Promise.resolve(options.mail?.(mail) ?? { kind: "accepted" });
    },
    post(url) {
      posts.push(url);
      return Promise.resolve(options.post?.(url) ?? { kind: "answered", status: 201 });
    },
    random: () => 0.5,
  });
  deliverer.start();
  const add = (domain: string, given: Partial<Parameters<FakeDeliveryQueue["add"]>[1]> = {}) =>
    queue.add(domain, { at: clock.now(), ...given });
  const set = (value: DeliverySettings | undefined) => settings = value;
  return { clock, queue, lines, mails, posts, metrics, deliverer, add, set };
}

/** A TLSRPT record. */
function rua(...uris: string[]): string[] {
  return [`v=TLSRPTv1; rua=${uris.join(",")}`];
}

Deno.test("a report goes to each URI of the record, and is sent once", async () => {
  const { add, queue, clock, mails, posts, metrics } = bench({
    records: { "TXT _smtp._tls.a.test": rua("mailto:tls@a.test", "https://r.a.test/x") },
  });
  add("a.test");
  await clock.advance(10 * HOUR_MS);
  assertEquals(queue.states("a.test"), ["mailto:tls@a.test sent", "https://r.a.test/x sent"]);
  assertEquals(posts, ["https://r.a.test/x"]);
  assertEquals(mails.map(({ from, to }) => [from, to]), [["tls@example.com", "tls@a.test"]]);
  assertStringIncludes(
    metrics.render(),
    'mta_sts_report_deliveries_total{scheme="mailto",result="sent"} 1',
  );
});

Deno.test("a domain without a record any more gets no report, and none is asked for excluded ones", async () => {
  const { add, queue, clock, mails, metrics } = bench({
    records: {
      "TXT _smtp._tls.two.test": [...rua("mailto:a@two.test"), ...rua("mailto:b@two.test")],
      "TXT _smtp._tls.out.test": rua("mailto:a@out.test"),
      "TXT _smtp._tls.x.wild.test": rua("mailto:a@out.test"),
    },
    settings: { exclude: ["out.test", "*.wild.test"] },
  });
  for (const domain of ["none.test", "two.test", "out.test", "x.wild.test"]) {
    add(domain, { record: rua("mailto:old@none.test")[0]! });
  }
  await clock.advance(5000);
  assertEquals(queue.rows, []);
  assertEquals(mails, []);
  assertStringIncludes(metrics.render(), 'mta_sts_report_unsent_total{reason="no-record"} 2');
  assertStringIncludes(metrics.render(), 'mta_sts_report_unsent_total{reason="excluded"} 2');
});

Deno.test("with DNS down the record that Postfix saw counts; without one the report waits for DNS", async () => {
  const { add, queue, clock, mails } = bench({
    records: { "TXT _smtp._tls.a.test": "servfail", "TXT _smtp._tls.b.test": "servfail" },
  });
  add("a.test", { record: rua("mailto:old@a.test")[0]! });
  add("b.test");
  await clock.advance(5000);
  assertEquals(mails.map(({ to }) => to), ["old@a.test"]);
  assertEquals(queue.rows[0]?.attempts, 1);
  assertStringIncludes(queue.states("b.test")[0]!, "due TLSRPT record");
  await clock.advance(30 * HOUR_MS);
  assertStringIncludes(queue.states("b.test")[0]!, "expired TLSRPT record");
});

Deno.test("our own reports to a domain are no reason for a report (RFC 8460 §5.3)", async () => {
  const { add, queue, clock, mails } = bench({
    records: Object.fromEntries(
      ["quiet", "more", "failed", "detail"].map((name) => [
        `TXT _smtp._tls.${name}.test`,
        rua(`mailto:r@elsewhere.test`),
      ]),
    ),
  });
  for (const name of ["quiet", "more", "failed", "detail"]) queue.mailed.set(`${name}.test`, 2);
  add("quiet.test", { policy: { successful: 2, failed: 0, details: [] } });
  add("more.test", { policy: { successful: 3, failed: 0, details: [] } });
  add("failed.test", { policy: { successful: 1, failed: 1, details: [] } });
  add("detail.test", {
    policy: { successful: 1, failed: 0, details: [{ result: "sts-policy-fetch-error", count: 1 }] },
  });
  await clock.advance(5000);
  assertEquals(queue.states("quiet.test"), []);
  assertEquals(mails.length, 3);
});

Deno.test("what fails is tried again for 24 hours, ever more rarely, then it has expired", async () => {
  const { add, queue, clock, mails, posts } = bench({
    records: { "TXT _smtp._tls.a.test": rua("mailto:tls@a.test", "https://r.a.test/x") },
    mail: () => ({ kind: "failed", isDown: false, error: "answers 451" }),
    post: () => ({ kind: "answered", status: 500 }),
  });
  add("a.test");
  await clock.advance(3000);
  assertEquals([mails.length, posts.length], [1, 1]);
  await clock.advance(5 * 60_000);
  assertEquals([mails.length, posts.length], [2, 2]);
  await clock.advance(6 * 60_000);
  assertEquals([mails.length, posts.length], [2, 2]);
  await clock.advance(23 * HOUR_MS);
  const tries = mails.length;
  assert(tries >= 8 && tries <= 12, `${tries} tries`);
  await clock.advance(48 * HOUR_MS);
  assertEquals(queue.states("a.test"), [
    "mailto:tls@a.test expired answers 451",
    "https://r.a.test/x expired HTTP status 500",
  ]);
  assert(mails.length <= tries + 1);
  assertEquals(new Set(mails.map(({ message }) => message.body)).size, 1);
});

Deno.test("a delivery that was due while the daemon was down is tried a few times all the same", async () => {
  let isDown = true;
  const { add, queue, clock } = bench({
    records: { "TXT _smtp._tls.a.test": "servfail" },
    mail: () => isDown ? { kind: "failed", isDown: true, error: "down" } : { kind: "accepted" },
  });
  add("a.test", { at: clock.now() - 72 * HOUR_MS, record: rua("mailto:tls@a.test")[0]! });
  await clock.advance(60_000);
  assertEquals(queue.states("a.test"), ["mailto:tls@a.test due down"]);
  isDown = false;
  await clock.advance(60 * 60_000);
  assertEquals(queue.states("a.test"), ["mailto:tls@a.test sent"]);
});

Deno.test("refusals end a delivery: 404, SMTP 5xx, an inside address; 3xx, 408, 429 and 5xx of HTTP do not", async () => {
  const answers: Record<string, PostOutcome> = {
    "404": { kind: "answered", status: 404 },
    "302": { kind: "answered", status: 302 },
    "408": { kind: "answered", status: 408 },
    "429": { kind: "answered", status: 429 },
    "503": { kind: "answered", status: 503 },
    "inside": { kind: "failed", isRefused: true, detail: "not public" },
    "away": { kind: "failed", isRefused: false, detail: "connection refused" },
  };
  const names = Object.keys(answers);
  const { add, queue, clock } = bench({
    records: {
      ...Object.fromEntries(
        names.map((name) => [`TXT _smtp._tls.${name}.test`, rua(`https://r${name}.test/`)]),
      ),
      "TXT _smtp._tls.mail.test": rua("mailto:x@mail.test"),
    },
    post: (url) => answers[/r([a-z0-9]+)\./.exec(url)![1]!]!,
    mail: () => ({ kind: "refused", error: "answers 550" }),
  });
  for (const name of [...names, "mail"]) add(`${name}.test`);
  await clock.advance(3000);
  const state = (name: string) => queue.rows.find((row) => row.domain === `${name}.test`)?.state;
  for (const name of names) {
    const isFinal = name === "404" || name === "inside";
    assertEquals(state(name), isFinal ? "refused" : "due", name);
  }
  assertEquals(queue.states("mail.test"), ["mailto:x@mail.test refused answers 550"]);
});

Deno.test("URIs that nobody may be sent to are refused, and said so; more than five are not used", async () => {
  const uris = [
    ...["ftp://a.test/", "mailto:x@denied.test", "https://in.corp.test/", "https://a.test:8443/"],
    ...["https://10.0.0.1/", "mailto:six@a.test", "mailto:six@a.test"],
  ];
  const { add, queue, clock, mails, posts } = bench({
    records: { "TXT _smtp._tls.a.test": rua(...uris) },
    settings: { denyRecipients: ["denied.test", "*.corp.test"] },
  });
  add("a.test");
  await clock.advance(3000);
  assertEquals(queue.states("a.test"), [
    "ftp://a.test/ refused neither mailto nor https",
    "mailto:x@denied.test refused report.deny_recipients names the host",
    "https://in.corp.test/ refused report.deny_recipients names the host",
    "https://a.test:8443/ refused a port other than 443",
    "https://10.0.0.1/ refused not a URL of a host with a dot in its name",
  ]);
  assertEquals([mails.length, posts.length], [0, 0]);
});

Deno.test("exactly one POST goes to a URI with brackets, as published", async () => {
  const { add, clock, posts } = bench({
    records: { "TXT _smtp._tls.a.test": rua("https://a.test/r[1-5]") },
  });
  add("a.test");
  await clock.advance(3000);
  assertEquals(posts, ["https://a.test/r[1-5]"]);
});

Deno.test("one destination gets so many reports a day and no more, whoever names it", async () => {
  const domains = Array.from({ length: 6 }, (_, index) => `d${index}.test`);
  const { add, queue, clock, mails, posts, lines } = bench({
    records: Object.fromEntries(
      domains.map((name) => [
        `TXT _smtp._tls.${name}`,
        rua(`mailto:x@victim.test`, "https://victim.test/"),
      ]),
    ),
    settings: { perDestination: 4 },
  });
  for (const domain of domains) add(domain);
  await clock.advance(60_000);
  assertEquals([mails.length, posts.length], [4, 4]);
  assertEquals(queue.rows.filter(({ state }) => state === "refused").length, 4);
  assertEquals(lines.filter((line) => line.includes("too many reports")).length, 2);
});

Deno.test("a web host gets one report at a time, five a second; one that hangs keeps the others from nothing", async () => {
  let running = 0;
  let most = 0;
  const domains = Array.from({ length: 10 }, (_, index) => `d${index}.test`);
  const hang = Promise.withResolvers<PostOutcome>();
  const { add, clock, posts, queue } = bench({
    records: {
      ...Object.fromEntries(
        domains.map((name) => [`TXT _smtp._tls.${name}`, rua("https://one.test/")]),
      ),
      "TXT _smtp._tls.slow.test": rua("https://slow.test/1", "https://slow.test/2"),
    },
    async post(url) {
      if (url.includes("slow")) return await hang.promise;
      most = Math.max(most, ++running);
      await Promise.resolve();
      running--;
      return { kind: "answered", status: 200 };
    },
  });
  add("slow.test");
  for (const domain of domains) add(domain);
  await clock.advance(1500);
  const some = posts.filter((url) => url.includes("one")).length;
  assert(some >= 4 && some <= 8, `${some} posts`);
  await clock.advance(3000);
  assertEquals(posts.filter((url) => url.includes("one")).length, 10);
  assertEquals(most, 1);
  assertEquals(posts.filter((url) => url.includes("slow")), ["https://slow.test/1"]);
  // The second is not tried within the minute, and fails with the first.
  hang.resolve({ kind: "failed", isRefused: false, detail: "deadline passed" });
  await clock.advance(2000);
  assertEquals(posts.filter((url) => url.includes("slow")).length, 1);
  assertEquals(queue.states("slow.test"), [
    "https://slow.test/1 due deadline passed",
    "https://slow.test/2 due deadline passed",
  ]);
});

Deno.test("an outcome that the file does not take is noted later, and nothing is sent twice", async () => {
  const { add, queue, clock, mails } = bench({
    records: { "TXT _smtp._tls.a.test": rua("mailto:tls@a.test") },
    mail: () => {
      queue.isBroken = true;
      return { kind: "accepted" };
    },
  });
  add("a.test");
  await clock.advance(60_000);
  assertEquals([mails.length, queue.states("a.test")], [1, ["mailto:tls@a.test due"]]);
  queue.isBroken = false;
  await clock.advance(2000);
  assertEquals([mails.length, queue.states("a.test")], [1, ["mailto:tls@a.test sent"]]);
});

Deno.test("nothing is sent before the operator has said who reports, and nothing after the stop", async () => {
  const records = { "TXT _smtp._tls.a.test": rua("mailto:tls@a.test") };
  const { add, clock, mails, set, deliverer } = bench({ records });
  set(undefined);
  add("a.test");
  await clock.advance(10_000);
  assertEquals(mails.length, 0);
  set({ ...SETTINGS, noMail: "report.smtp is off" });
  await clock.advance(5000);
  assertEquals(mails.length, 0);
  set(SETTINGS);
  add("a.test");
  deliverer.stop();
  await clock.advance(10_000);
  assertEquals(mails.length, 0);
});

Deno.test("thousands of reports are delivered, none twice", async () => {
  const domains = Array.from({ length: 2500 }, (_, index) => `d${index}.test`);
  const { add, queue, clock, posts } = bench({
    records: Object.fromEntries(
      domains.map((name) => [`TXT _smtp._tls.${name}`, rua(`https://r.${name}/`)]),
    ),
  });
  for (const domain of domains) add(domain);
  await clock.advance(30_000);
  assertEquals(new Set(posts).size, 2500);
  assertEquals(posts.length, 2500);
  assert(queue.rows.every(({ state }) => state === "sent"));
});
