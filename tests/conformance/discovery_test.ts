/** Rules of RFC 8461 §3 and §5 about finding and keeping a policy that no test of a single part shows. */

import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../src/config/usage_error.ts";
import type { FetchOutcome } from "../../src/https/types.ts";
import { formatPolicy } from "../../src/sts/policy.ts";
import { selectTxtRecord } from "../../src/sts/txt_record.ts";
import { loadText } from "../config/load_text.ts";
import { createTestClient } from "../dns/support.ts";
import { cname, startFakeDnsServer, txt } from "../fakes/fake_dns_server.ts";
import { settle } from "../fakes/manual_clock.ts";
import { createWorld, DAY, HOUR, MINUTE } from "../fakes/world.ts";
import type { World } from "../fakes/world.ts";

const DOMAIN = "example.com";
const TXT = `TXT _mta-sts.${DOMAIN}`;
const ENFORCED = "OK secure match=mx.example.com servername=hostname";
const REFUSED: FetchOutcome = { kind: "failed", reason: "connect", detail: "connection refused" };

/** Asks when the next check is due, lets the check in the background end, and asks again. */
async function recheck(world: World): Promise<string> {
  await world.clock.advance(5 * MINUTE);
  await world.reply(DOMAIN);
  await settle();
  return await world.reply(DOMAIN);
}

Deno.test("a subdomain never takes the policy of its parent zone (RFC 8461 §3.4)", async () => {
  const world = createWorld();
  world.publish(DOMAIN, { mx: ["*.example.com"] });
  assertEquals(await world.reply(DOMAIN), ENFORCED);
  world.dns.questions.length = 0;
  world.fetches.length = 0;
  assertEquals(await world.reply("mail.example.com"), "NOTFOUND ");
  assertEquals(world.dns.questions, ["TXT _mta-sts.mail.example.com"]);
  assertEquals(world.fetches, []);
});

for (
  const [name, records] of [
    ["two records", ["v=STSv1; id=1;", "v=STSv1; id=2;"]],
    ["twice the same record", ["v=STSv1; id=1;", "v=STSv1; id=1;"]],
    ["an invalid record beside a valid one", ["v=STSv1; id=1;", "v=STSv1; id=-;"]],
    ["a record without id", ["v=STSv1; ext=1;"]],
    ["a record that is not ASCII", ["v=STSv1; id=1; a=\xe9;"]],
  ] as const
) {
  Deno.test(`${name}: no policy, and nothing is fetched (RFC 8461 §3.1)`, async () => {
    const world = createWorld();
    world.publish(DOMAIN);
    world.dns.table[TXT] = records;
    assertEquals(await world.outcome(DOMAIN), "no-record");
    assertEquals(await world.reply(DOMAIN, { onDnsFailure: "defer" }), "NOTFOUND ");
    assertEquals(world.fetches, []);
  });
}

Deno.test("the TXT record may stand behind a chain of aliases (RFC 8461 §3.1)", async () => {
  await using server = await startFakeDnsServer({
    "TXT _mta-sts.a.example": {
      answers: [
        cname("_mta-sts.a.example", "hop.example"),
        cname("hop.example", "_mta-sts.provider.example"),
      ],
    },
    "TXT _mta-sts.provider.example": txt("v=STSv1; id=1;"),
  });
  // What Deno.resolveDns would find is not asked for: what the wire shows must do.
  using client = createTestClient([server], { resolveTxt: () => Promise.resolve([]) });
  const answer = await client.lookupTxt("_mta-sts.a.example");
  const records = answer.kind === "found" ? answer.records : [];
  assertEquals(selectTxtRecord(records), { kind: "found", id: "1" });
});

Deno.test("the policy host is that of the domain asked for, wherever its TXT record stands (RFC 8461 §3.1, §8.2)", async () => {
  const world = createWorld();
  world.publish(DOMAIN);
  world.publish("provider.example", { mx: ["mx.provider.example"] });
  world.dns.table[TXT] = { records: ["v=STSv1; id=1;"], owner: "_mta-sts.provider.example" };
  assertEquals(await world.reply(DOMAIN), ENFORCED);
  assertEquals(world.fetches, [DOMAIN]);
});

Deno.test("an id is new when it differs, whichever sorts first (RFC 8461 §3.1)", async () => {
  for (const id of ["20250101", "9", "A", "a1", "20260101T"]) {
    const world = createWorld();
    world.publish(DOMAIN, { id: "20260101" });
    await world.resolve(DOMAIN);
    world.publish(DOMAIN, { id, mode: "none" });
    assertEquals(await recheck(world), "NOTFOUND ", id);
    assertEquals(world.stored(DOMAIN)?.id, id);
  }
});

Deno.test("a policy is kept under the id seen before its fetch, so a change meanwhile is not missed (RFC 8461 §8.1)", async () => {
  const world = createWorld();
  world.publish(DOMAIN);
  const old = formatPolicy({ mode: "testing", mx: ["old.example.com"], maxAge: 604_800 });
  const arrival = Promise.withResolvers<FetchOutcome>();
  world.hosts[DOMAIN] = arrival.promise;
  const first = world.reply(DOMAIN);
  await settle();
  // The owner publishes while the old file is on its way.
  world.publish(DOMAIN, { id: "2" });
  arrival.resolve({ kind: "fetched", text: old, bytes: old.length });
  assertEquals(await first, "NOTFOUND ");
  assertEquals(world.stored(DOMAIN)?.id, "1");
  assertEquals(await recheck(world), ENFORCED);
  assertEquals(world.stored(DOMAIN)?.id, "2");
});

Deno.test("mode none ends a policy at once, is kept like any other, and its end is no news (RFC 8461 §8.3)", async () => {
  const world = createWorld();
  world.publish(DOMAIN);
  assertEquals(await world.reply(DOMAIN), ENFORCED);
  world.publish(DOMAIN, { id: "2", mode: "none", mx: [], maxAge: 86_400 });
  assertEquals(await recheck(world), "NOTFOUND ");
  world.dns.table[TXT] = "nxdomain";
  world.hosts[DOMAIN] = REFUSED;
  await world.clock.advance(23 * HOUR);
  assertEquals(world.resolver.report(DOMAIN).held?.policy.mode, "none");
  assertEquals(await world.reply(DOMAIN, { onDnsFailure: "defer" }), "NOTFOUND ");
  await world.clock.advance(DAY);
  assertEquals(world.resolver.report(DOMAIN).held, undefined);
  assertEquals(await world.reply(DOMAIN, { onDnsFailure: "defer" }), "NOTFOUND ");
});

Deno.test("a changed policy is noticed within a day, however the checks are set (RFC 8461 §5.1)", async () => {
  assertThrows(() => loadText("recheck: 86401"), UsageError, "recheck");
  const { recheck: longest } = loadText("recheck: 86400").config;
  const refresh = { interval: 7 * DAY, forgetAfter: 180 * DAY };
  const world = createWorld({ settings: { recheck: longest, refresh } });
  world.publish(DOMAIN, { maxAge: 30 * 86_400 });
  await world.resolve(DOMAIN);
  world.publish(DOMAIN, { id: "2", mx: ["new.example.com"] });
  // Postfix asks at each attempt; the host of the old policy is gone.
  world.dns.table[`MX ${DOMAIN}`] = [{ preference: 10, exchange: "new.example.com" }];
  for (let hour = 0; hour <= 24; hour++) {
    await world.clock.advance(HOUR);
    await world.reply(DOMAIN);
    await settle();
  }
  assertEquals(
    await world.reply(DOMAIN),
    "OK secure match=new.example.com servername=hostname",
  );
});
