import { assertEquals, assertStringIncludes } from "@std/assert";
import { createLog } from "../../src/base/log.ts";
import { createMetrics } from "../../src/base/metrics.ts";
import { createWarnings } from "../../src/base/warnings.ts";
import { SENDMAIL_SETTINGS } from "../../src/config/zones.ts";
import { formatAnswer } from "../../src/postfix/tls_policy.ts";
import { createAnswerLog } from "../../src/status/answer_log.ts";
import { createObserver } from "../../src/status/observer.ts";
import { createWorld, DAY, ZONE } from "../fakes/world.ts";
import type { World } from "../fakes/world.ts";

const DOMAIN = "example.com";

/** MX names that anybody could put under a wildcard: with the colons, 1415 octets. */
const FORGED = Array.from(
  { length: 24 },
  (_, index) => `${"x".repeat(44)}${100 + index}.${DOMAIN}`,
);

function publishMx(world: World, exchanges: readonly string[]): void {
  world.dns.table[`MX ${DOMAIN}`] = exchanges.map((exchange, preference) => ({
    preference,
    exchange,
  }));
}

/** A world with one domain, its policy and its MX hosts. */
function published(policy: readonly string[], exchanges: readonly string[]): World {
  const world = createWorld();
  publishMx(world, exchanges);
  world.publish(DOMAIN, { mx: policy });
  return world;
}

function secure(match: string): string {
  return `OK secure match=${match} servername=hostname`;
}

Deno.test("24 forged MX names under a wildcard do not make the reply longer than the policy", async () => {
  const world = published([`*.${DOMAIN}`], FORGED);
  assertEquals(await world.reply(DOMAIN), secure(FORGED.join(":")));
  assertEquals(await world.reply(DOMAIN, SENDMAIL_SETTINGS), secure(`.${DOMAIN}`));
});

Deno.test("hosts are listed while they fit, to the octet, each once", async () => {
  const hosts = ["a.mx.example.com", "b.mx.example.com", "a.mx.example.com"];
  const world = published(["*.mx.example.com"], hosts);
  const list = "a.mx.example.com:b.mx.example.com";
  assertEquals(await world.reply(DOMAIN, { matchLimit: list.length }), secure(list));
  assertEquals(
    await world.reply(DOMAIN, { matchLimit: list.length - 1 }),
    secure(".mx.example.com"),
  );
});

Deno.test("a policy whose patterns do not fit either defers, to the octet, with the reason", async () => {
  const world = published(FORGED, FORGED);
  const list = FORGED.join(":");
  assertEquals(await world.reply(DOMAIN, { matchLimit: list.length }), secure(list));
  assertEquals(
    await world.reply(DOMAIN, { matchLimit: list.length - 1 }),
    `TEMP the names in the MTA-STS policy of example.com exceed match_limit, ${
      list.length - 1
    } octets`,
  );
});

Deno.test("the bound counts for the patterns alone while MX hosts are not known", async () => {
  const world = published(["*.example.com", "mx.example.net"], []);
  world.dns.table[`MX ${DOMAIN}`] = "servfail";
  const zone = { dane: "off", matchLimit: 27 } as const;
  assertEquals(await world.reply(DOMAIN, zone), secure(".example.com:mx.example.net"));
  assertStringIncludes(await world.reply(DOMAIN, { ...zone, matchLimit: 26 }), "TEMP ");
});

Deno.test("a host that was skipped does not come back through a pattern", async () => {
  const world = published([`*.${DOMAIN}`], []);
  // Only with signed MX records can a host have DANE, and is it left out if that cannot be learned.
  world.dns.table[`MX ${DOMAIN}`] = {
    records: [...FORGED, "skipped.example.com"].map((exchange) => ({ preference: 10, exchange })),
    secure: true,
  };
  for (const host of FORGED) world.dns.table[`A ${host}`] = ["192.0.2.1"];
  world.dns.table["A skipped.example.com"] = "servfail";
  assertEquals(await world.reply(DOMAIN), secure(FORGED.join(":")));
  assertStringIncludes(await world.reply(DOMAIN, { matchLimit: 240 }), "TEMP ");
});

Deno.test("no host in the policy is a mismatch, whatever the bound", async () => {
  const world = published([`*.${DOMAIN}`], ["mx.evil.example"]);
  assertEquals(
    await world.reply(DOMAIN, SENDMAIL_SETTINGS),
    "TEMP no MX host of example.com matches its MTA-STS policy",
  );
});

Deno.test("the log and the metrics have what became of a list that does not fit", async () => {
  const world = published([`*.${DOMAIN}`], FORGED);
  const lines: string[] = [];
  const log = createLog({ level: "debug", format: "text", write: (line) => lines.push(line) });
  const metrics = createMetrics();
  const observe = createObserver({
    log,
    metrics,
    warnings: createWarnings({ log, clock: world.clock }),
    now: () => world.clock.now(),
    refreshInterval: DAY,
    failures: { dns: [], fetch: [] },
  });
  // The line is the one of the answer log: the observer has none about answers any more.
  const note = createAnswerLog({ log, clock: world.clock }).follow("all");
  const deferrals = () =>
    metrics.samples("mta_sts_deferrals_total").filter(({ value }) => value > 0);
  async function ask(matchLimit: number | undefined): Promise<string> {
    const resolved = await world.resolve(DOMAIN, { matchLimit });
    world.events.splice(0).forEach(observe);
    const zone = { ...ZONE, matchLimit };
    note({
      key: DOMAIN,
      domain: DOMAIN,
      zone,
      text: formatAnswer(resolved.answer, zone),
      resolved,
    });
    return lines.splice(0).at(-1)!;
  }
  assertEquals((await ask(undefined)).includes("lists="), false);
  assertStringIncludes(
    await ask(240),
    'answered domain=example.com zone=default reply="OK secure"',
  );
  assertStringIncludes(await ask(240), "lists=patterns");
  assertEquals(deferrals(), []);

  world.publish(DOMAIN, { id: "2", mx: FORGED });
  await world.resolver.check(DOMAIN, { force: true });
  await world.reply(DOMAIN, { matchLimit: 240 });
  world.events.splice(0).forEach(observe);
  assertEquals(deferrals(), [{ labels: { cause: "match-limit" }, value: 1 }]);
  const reason = "the names in the MTA-STS policy of example.com exceed match_limit, 240 octets";
  assertStringIncludes(
    lines.join(""),
    `WARN  deferred domain=example.com reason="${reason}"`,
  );
});
