import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { closest } from "../../src/config/suggest.ts";
import type { Reported } from "../../src/publish/outlook.ts";
import { rollPolicy } from "../../src/publish/roll.ts";
import type { RollEffects, RollOptions, RollOutcome } from "../../src/publish/roll.ts";
import { formatPolicy } from "../../src/sts/policy.ts";
import type { Policy } from "../../src/sts/policy.ts";
import { createFakeDns } from "../fakes/fake_dns.ts";
import { createMemoryFiles } from "./memory_files.ts";

const FILE = "/srv/a.example.txt";
const START = Date.UTC(2026, 0, 2, 3, 4, 5);
const FRESH = "20260102030405";
const TESTING: Policy = { mode: "testing", mx: ["mx.a.example"], maxAge: 1209600 };

/** A domain with its web server, its zone, and an owner who does as he is told, after a time. */
function createWorld(policy: Policy = TESTING) {
  const files = createMemoryFiles({ [FILE]: formatPolicy(policy) });
  const dns = createFakeDns({
    "MX a.example": [{ preference: 10, exchange: "mx.a.example" }],
    "TXT _mta-sts.a.example": ["v=STSv1; id=1;"],
  });
  const events: string[] = [];
  const world = {
    files,
    dns,
    events,
    now: START,
    /** When the web server serves what is in the file, and DNS the record that was printed; ms. */
    servedAfter: 0,
    publishedAfter: 0,
    served: formatPolicy(policy),
    /** What a sender sees instead of the truth. */
    seen: undefined as { id: string; text: string } | undefined,
    /** What TLS reports say. */
    reported: { kind: "not-kept" } as Reported,
    roll: (options: Partial<RollOptions> = {}): Promise<RollOutcome> =>
      rollPolicy(
        { domain: "a.example", file: FILE, change: {}, wait: 60_000, force: false, ...options },
        effects,
      ),
    settle(): void {
      const passed = world.now - START;
      if (passed >= world.servedAfter) world.served = files.contents.get(FILE) ?? "";
      const printed = events.findLast((line) => line.includes("IN TXT"))?.match(/"(.*)"/)?.[1];
      if (printed !== undefined && passed >= world.publishedAfter) {
        dns.table["TXT _mta-sts.a.example"] = [printed];
      }
    },
  };
  const effects: RollEffects = {
    dns: {
      ...dns,
      lookupTxt(name) {
        world.settle();
        return dns.lookupTxt(name);
      },
    },
    files,
    suggest: closest,
    fetchPolicy() {
      world.settle();
      events.push("fetch");
      return Promise.resolve({ kind: "fetched", text: world.served, bytes: world.served.length });
    },
    async resolveAsSender() {
      const answer = await dns.lookupTxt("_mta-sts.a.example");
      const record = answer.kind === "found" ? answer.records[0] ?? "" : "";
      const truth = { id: /id=(\w+)/.exec(record)?.[1] ?? "", text: world.served };
      return { kind: "policy", ...(world.seen ?? truth) };
    },
    now: () => world.now,
    sleep(ms) {
      world.now += ms;
      return Promise.resolve();
    },
    say: (line) => events.push(line),
    reported: () => world.reported,
  };
  return world;
}

Deno.test("rollPolicy() writes the file, then has the id changed, then looks as a sender does (RFC 8461 §8.1)", async () => {
  const world = createWorld();
  const before = world.files.contents.get(FILE);
  assertEquals(await world.roll({ change: { mode: "enforce" } }), { kind: "done" });
  assertEquals(world.files.writes, [`${FILE}.previous`, FILE]);
  assertEquals(world.files.contents.get(`${FILE}.previous`), before);
  assertEquals(world.files.contents.get(FILE), formatPolicy({ ...TESTING, mode: "enforce" }));
  assertEquals(world.events, [
    "no TLS reports are kept here ('received.domains'): nothing is known about senders",
    `wrote ${FILE}; the previous policy is in ${FILE}.previous`,
    "waiting for the web server to serve the new policy",
    "fetch",
    "the web server serves the new policy",
    "now replace the MTA-STS record with this one:",
    `_mta-sts.a.example. IN TXT "v=STSv1; id=${FRESH};"`,
    "DNS shows the new id",
    "a sender with an empty cache gets the new policy",
    "senders may use the previous policy until 2026-01-16T03:04Z: its MX hosts must work until then",
  ]);
});

Deno.test("rollPolicy() prints no id before the new policy is served (RFC 8461 §8.1)", async () => {
  const world = createWorld();
  world.servedAfter = 20_000;
  world.publishedAfter = 50_000;
  assertEquals(await world.roll({ change: { mode: "enforce" } }), { kind: "done" });
  assertEquals(world.events.filter((line) => line === "fetch").length, 5);
  assertEquals(world.now - START, 50_000);

  const stuck = createWorld();
  stuck.servedAfter = Infinity;
  const outcome = await stuck.roll({ change: { mode: "enforce" } });
  assertEquals(outcome.kind, "unfinished");
  assertEquals(stuck.now - START, 60_000);
  assert(!stuck.events.some((line) => line.includes("IN TXT")));
});

Deno.test("rollPolicy() can be repeated after an interruption, with the same id", async () => {
  const world = createWorld();
  world.publishedAfter = Infinity;
  const outcome = await world.roll({ change: { mode: "enforce" } });
  assertEquals(outcome, {
    kind: "unfinished",
    problem: "DNS still shows the id 1",
    advice: `run this again with --id ${FRESH} when the record is published`,
  });
  world.publishedAfter = 0;
  const writes = world.files.writes.length;
  assertEquals(await world.roll({ change: { mode: "enforce" }, id: FRESH }), { kind: "done" });
  assertEquals(world.files.writes.length, writes);
  assertStringIncludes(world.events.at(-1) ?? "", "until 2026-01-16");
});

Deno.test("rollPolicy() refuses an id that senders know already (RFC 8461 §3.1)", async () => {
  const world = createWorld();
  assertEquals((await world.roll({ change: { mode: "enforce" }, id: "1" })).kind, "refused");
  assertEquals(world.files.writes, []);
  assertEquals(await world.roll({ id: "1" }), { kind: "done" });
});

Deno.test("rollPolicy() does not believe its eyes but the sender's", async () => {
  const world = createWorld();
  const text = formatPolicy({ ...TESTING, mode: "enforce" });
  for (
    const [seen, problem] of [
      [{ id: "1", text }, "a sender still sees the id 1"],
      [{ id: `${FRESH.slice(0, -1)}6`, text: "" }, "a sender sees another policy"],
    ] as const
  ) {
    world.seen = seen;
    const outcome = await world.roll({ change: { mode: "enforce" } });
    assertEquals(outcome.kind === "unfinished" && outcome.problem, problem);
  }
});

Deno.test("rollPolicy() refuses dangerous changes without force, and changes nothing", async () => {
  const world = createWorld();
  const change = { mx: ["mx2.a.example"] };
  const outcome = await world.roll({ change });
  assertEquals(outcome.kind, "refused");
  assertEquals([world.files.writes, world.events], [[], []]);
  assertEquals(await world.roll({ change, force: true }), { kind: "done" });
  assertStringIncludes(world.files.contents.get(FILE) ?? "", "mx: mx2.a.example");
});

Deno.test("rollPolicy() wants the MX records to be known", async () => {
  const world = createWorld();
  world.dns.table["MX a.example"] = "timeout";
  assertEquals((await world.roll({ change: { mode: "enforce" } })).kind, "refused");
  world.dns.table["MX a.example"] = "nodata";
  assertEquals((await world.roll({ change: { mx: ["a.example"] } })).kind, "done");
});

Deno.test("rollPolicy() withdraws a policy with a short max_age, and says when it may go (RFC 8461 §8.3)", async () => {
  const world = createWorld();
  assertEquals(await world.roll({ change: { mode: "none" } }), { kind: "done" });
  assertStringIncludes(world.files.contents.get(FILE) ?? "", "mode: none\r\n");
  assertStringIncludes(world.files.contents.get(FILE) ?? "", "max_age: 86400\r\n");
  assertEquals(
    world.events.at(-1),
    "keep policy and record in place until 2026-01-16T03:04Z; then remove both (RFC 8461 §8.3)",
  );
});

Deno.test("rollPolicy() keeps fields that are not its own", async () => {
  const world = createWorld();
  world.files.put(FILE, `${formatPolicy(TESTING)}contact: a\r\n`);
  assertEquals(await world.roll({ change: { mode: "enforce" } }), { kind: "done" });
  assertEquals(
    world.files.contents.get(FILE),
    `${formatPolicy({ ...TESTING, mode: "enforce" })}contact: a\r\n`,
  );
});

Deno.test("rollPolicy() takes a whole file, if it lints clean", async () => {
  const world = createWorld();
  const text = formatPolicy({ ...TESTING, maxAge: 604800 });
  assertEquals(await world.roll({ change: { text: "nonsense" }, force: true }), {
    kind: "refused",
    problems: [
      "new policy: version is missing",
      "new policy: mode is missing",
      "new policy: max_age is missing",
      "new policy: mx is missing",
      "new policy: line 1: the line does not begin with a field name and a colon",
    ],
    advice: "correct the new policy; 'publish lint' explains each mistake",
  });
  assertEquals((await world.roll({ change: { text: `${text}\r\n` } })).kind, "refused");
  assertEquals((await world.roll({ change: { text } })).kind, "done");
  assertEquals(world.files.contents.get(FILE), text);
});

Deno.test("rollPolicy() says what is wrong with the files", async () => {
  const world = createWorld();
  world.files.contents.delete(FILE);
  assertEquals((await world.roll()).kind, "refused");
  world.files.put(FILE, "nonsense");
  assertEquals((await world.roll()).kind, "refused");
  world.files.put(FILE, formatPolicy(TESTING));
  world.files.fault = "cannot write: disk full";
  assertEquals(await world.roll({ change: { mode: "enforce" } }), {
    kind: "failed",
    problem: "cannot write: disk full",
  });
});

Deno.test("rollPolicy() announces the file as it stands when nothing is to change", async () => {
  const world = createWorld();
  assertEquals(await world.roll(), { kind: "done" });
  assertEquals(world.files.writes, []);
  assertEquals(world.events[0], `${FILE} already holds this policy`);
});

Deno.test("rollPolicy() looks once when it is not to wait", async () => {
  const world = createWorld();
  world.servedAfter = 5000;
  assertEquals((await world.roll({ change: { mode: "enforce" }, wait: 0 })).kind, "unfinished");
  assertEquals(world.now, START);
});

/** Reports of one sender on one day. */
function reportedRows(successful: number, failed: number): Reported {
  const row = {
    domain: "a.example",
    day: "2026-01-01",
    submitter: "sender.example",
    authentication: "dkim",
  } as const;
  return {
    kind: "rows",
    entry: "a.example",
    outcomes: [{ ...row, policy: "sts", successful, failed }],
    problems: [{
      ...row,
      result: "certificate-expired",
      mx: "mx.a.example",
      reason: "",
      network: "",
      count: failed,
    }],
  };
}

Deno.test("rollPolicy() does not enforce what would cost a thousandth of sessions, by the reports", async () => {
  const world = createWorld();
  world.reported = reportedRows(9989, 11);
  const change = { mode: "enforce" } as const;
  assertEquals(await world.roll({ change }), {
    kind: "refused",
    problems: [
      "TLS reports about a.example in the last 14 days: 10000 sessions, of which 11 would have failed",
      "  sender.example: 11 of 10000: certificate-expired at mx.a.example",
      "11 of 10000 sessions would have failed under enforce, more than 0.1 %; " +
      "'report summary' says what to do",
    ],
    advice: "to do it anyway, use --force",
  });
  assertEquals(world.files.writes, []);
  // With force, it says the same, and goes on.
  assertEquals(await world.roll({ change, force: true }), { kind: "done" });
  assertEquals(world.events.slice(0, 2), [
    "TLS reports about a.example in the last 14 days: 10000 sessions, of which 11 would have failed",
    "  sender.example: 11 of 10000: certificate-expired at mx.a.example",
  ]);
  // It is in place now: a repeated run is not judged again.
  world.dns.table["MX a.example"] = "servfail";
  assertEquals(await world.roll({ change }), { kind: "done" });

  const good = createWorld();
  good.reported = reportedRows(9990, 10);
  assertEquals(await good.roll({ change }), { kind: "done" });
});

Deno.test("rollPolicy() enforces without reports, but not over a file that cannot be read", async () => {
  const change = { mode: "enforce" } as const;
  const world = createWorld();
  world.reported = { kind: "rows", entry: "a.example", outcomes: [], problems: [] };
  assertEquals(await world.roll({ change }), { kind: "done" });
  assertEquals(
    world.events[0],
    "no TLS report about a.example came in the last 14 days: nothing is known about senders",
  );
  const unread = createWorld();
  unread.reported = { kind: "failed", detail: "cannot read received.db: disk I/O error" };
  const outcome = await unread.roll({ change });
  assert(outcome.kind === "refused");
  assertEquals(outcome.problems, [
    "cannot read the TLS reports: cannot read received.db: disk I/O error",
    "what the TLS reports say cannot be read; see 'report summary'",
  ]);
});

Deno.test("rollPolicy() looks at reports only when enforcing begins", async () => {
  for (
    const [mode, change] of [["testing", { maxAge: 86_400 }], ["enforce", {
      maxAge: 2_000_000,
    }]] as const
  ) {
    const world = createWorld({ ...TESTING, mode });
    world.reported = reportedRows(0, 100);
    assertEquals((await world.roll({ change })).kind, "done");
    assert(!world.events.some((line) => line.includes("TLS reports")));
  }
});
