/**
 * Hostile domains that hang, by the hundred, and a stranger who is asked for amid them.
 *
 * DNS and policy hosts are made up, and the limits are the real ones: those of the resolver, with the default
 * of 256 checks at once, and those of the fetcher, with 20 fetches at once and 8 to an address.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { createFetchLimits } from "../../src/https/fetch_limits.ts";
import type { FetchOutcome } from "../../src/https/types.ts";
import { ownerOf } from "../../src/resolver/owner_share.ts";
import type { FakeReply } from "../fakes/fake_dns.ts";
import { ManualClock } from "../fakes/manual_clock.ts";
import { createWorld, ZONE } from "../fakes/world.ts";
import type { World } from "../fakes/world.ts";

const FETCH_TIMEOUT_MS = 20_000;
const DNS_TIMEOUT_MS = 5000;
/** A round trip to a server that is well. */
const TRIP_MS = 50;
/** Half of what a query has. */
const WELL_WITHIN_MS = ZONE.timeout / 2;

const NO_ANSWER: FakeReply = { reply: "timeout", delay: DNS_TIMEOUT_MS };

/** Where hostile domains hang, and what they have in common. */
interface Attack {
  readonly where: "the TXT record" | "the policy host's addresses" | "the policy host";
  readonly addresses: "one address" | "an address each";
  readonly owner: "one owner" | "an owner each";
}

const ATTACKS: readonly Attack[] = [
  { where: "the TXT record", addresses: "one address", owner: "one owner" },
  { where: "the TXT record", addresses: "one address", owner: "an owner each" },
  { where: "the policy host's addresses", addresses: "one address", owner: "one owner" },
  { where: "the policy host's addresses", addresses: "one address", owner: "an owner each" },
  { where: "the policy host", addresses: "one address", owner: "one owner" },
  { where: "the policy host", addresses: "one address", owner: "an owner each" },
  { where: "the policy host", addresses: "an address each", owner: "one owner" },
  { where: "the policy host", addresses: "an address each", owner: "an owner each" },
];

function createHostileWorld(clock: ManualClock): World {
  const limits = createFetchLimits({ concurrency: 20, perAddress: 8, clock });

  /** As `policy_fetch.ts` goes about it; a host that is not in the table takes the connection, or half a body, and hangs. */
  async function fetchPolicy(
    domain: string,
    { dns, hosts }: World,
    turn: number,
  ): Promise<FetchOutcome> {
    const controller = new AbortController();
    const { signal } = controller;
    const giveWay = () => controller.abort();
    const cancel = clock.setTimer(giveWay, FETCH_TIMEOUT_MS);
    try {
      const address = await dns.lookup(`mta-sts.${domain}`, "A", { signal });
      if (address.kind !== "found") return TIMEOUT;
      const release = await limits.acquire(address.records, { signal, giveWay, turn });
      if (release === undefined) return TIMEOUT;
      const text = hosts[domain];
      if (typeof text === "string") await new Promise<void>((end) => clock.setTimer(end, TRIP_MS));
      else await new Promise((end) => signal.addEventListener("abort", end));
      release();
      return typeof text === "string" ? { kind: "fetched", text, bytes: text.length } : TIMEOUT;
    } finally {
      cancel();
    }
  }

  return createWorld({ clock, fetchPolicy });
}

const TIMEOUT: FetchOutcome = { kind: "failed", reason: "timeout", detail: "" };

function publishHostile(world: World, { where, addresses, owner }: Attack, index: number): string {
  const domain = owner === "one owner" ? `d${index}.evil.example` : `d${index}.example`;
  const { table } = world.dns;
  const record = { reply: ["v=STSv1; id=1;"], delay: TRIP_MS };
  const address = addresses === "one address"
    ? "198.18.0.1"
    : `198.18.${index >> 8}.${index & 255}`;
  table[`TXT _mta-sts.${domain}`] = where === "the TXT record" ? NO_ANSWER : record;
  table[`A mta-sts.${domain}`] = where === "the policy host's addresses"
    ? NO_ANSWER
    : { reply: [address], delay: TRIP_MS };
  return domain;
}

function publishStranger(world: World, domain: string): void {
  world.publish(domain, { mx: ["mx.example.org"] });
  const { table } = world.dns;
  const record = ["v=STSv1; id=1;"];
  table[`TXT _mta-sts.${domain}`] = { reply: record, delay: TRIP_MS };
  table[`A mta-sts.${domain}`] = { reply: ["203.0.113.1"], delay: TRIP_MS };
  table[`MX ${domain}`] = {
    reply: [{ preference: 10, exchange: "mx.example.org" }],
    delay: TRIP_MS,
  };
}

/** What a stranger gets who is asked for `after` ms, and after how many ms. */
async function contact(attack: Attack, { hostile, after }: { hostile: number; after: number }) {
  const clock = new ManualClock();
  const world = createHostileWorld(clock);
  for (let index = 0; index < hostile; index++) {
    const domain = publishHostile(world, attack, index);
    world.resolve(domain);
  }
  await clock.advance(after);
  publishStranger(world, "stranger.test");
  const asked = clock.now();
  let answer = { kind: "none", ms: Infinity };
  const resolution = world.resolve("stranger.test");
  assert(resolution instanceof Promise);
  resolution.then((found) => answer = { kind: found.answer.kind, ms: clock.now() - asked });
  await clock.advance(ZONE.timeout);
  // All ends, or the test would not notice what is never given back.
  await clock.advance(20 * FETCH_TIMEOUT_MS);
  assertEquals(world.resolver.load(), { running: 0, waiting: 0 });
  return answer;
}

for (const attack of ATTACKS) {
  const { where, addresses, owner } = attack;
  for (const hostile of [60, 1000]) {
    Deno.test(`a stranger gets his turn while ${hostile} domains hang in ${where}, with ${addresses} and ${owner}`, async () => {
      for (const after of [0, 700, 3000]) {
        const answer = await contact(attack, { hostile, after });
        assertEquals(answer.kind, "secure", `after ${after} ms`);
        assert(answer.ms <= WELL_WITHIN_MS, `${answer.ms} ms, after ${after} ms`);
      }
    });
  }
}

Deno.test("ownerOf() guesses what was registered", () => {
  const table: [string, string][] = [
    ["example.com", "example.com"],
    ["a.b.example.com", "example.com"],
    ["mail.example.co.uk", "example.co.uk"],
    ["example.co.uk", "example.co.uk"],
    ["a.gouv.example.fr", "example.fr"],
    ["com", "com"],
  ];
  for (const [domain, owner] of table) assertEquals(ownerOf(domain), owner, domain);
});
