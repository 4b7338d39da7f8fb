import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { checkFleet } from "../../src/status/fleet_check.ts";
import type { FleetStatus } from "../../src/fleet/status.ts";
import { fleetStatus } from "../fakes/fleet_status.ts";
import { createTestSite, elementsOf } from "./support.ts";

const NOW = Date.UTC(2026, 5, 1, 12);
const LABEL = "redis://10.0.0.5:6379/2";

/** The check of a state with changes, in one line. */
function check(changes: Partial<FleetStatus> = {}): string {
  const [result, ...more] = checkFleet(fleetStatus(NOW, changes));
  assertEquals([result?.name, more], ["shared", []]);
  return `${result!.status}: ${result!.detail}`;
}

Deno.test("the check of a fleet's engine names what is wrong, and never fails", () => {
  const down = {
    state: "down",
    since: NOW - 60_000,
    hearing: "deaf",
    fault: "connection refused",
  } as const;
  const cases: [Partial<FleetStatus>, string][] = [
    [{}, `ok: ${LABEL}, 2 other hosts seen`],
    [{ hosts: [] }, `ok: ${LABEL}, 0 other hosts seen`],
    [{ state: "connecting", hosts: [] }, `ok: ${LABEL}: connecting`],
    [
      down,
      `warning: ${LABEL}: down since 2026-06-01 11:59 UTC, each host fetches for itself meanwhile: connection refused`,
    ],
    [
      { state: "refusing", fault: "READONLY You can't write against a read only replica." },
      `warning: ${LABEL}: has refused writes since 2026-06-01 11:00 UTC: READONLY You can't write against a read only replica.`,
    ],
    [
      { hearing: "deaf" },
      `warning: ${LABEL}: no news arrives: changes are noticed at the next check of each domain`,
    ],
    [{ offset: 60_000 }, `ok: ${LABEL}, 2 other hosts seen`],
    [{ offset: 3_600_000 }, `warning: ${LABEL}: its clock is 3,600 s ahead of this host's`],
    [{ offset: -61_000 }, `warning: ${LABEL}: its clock is 61 s behind this host's`],
    [
      { isSigned: false, hearing: "opening" },
      `warning: ${LABEL}: entries are not signed, so they only stand in for a first fetch: set cache.shared.secret_file`,
    ],
  ];
  for (const [changes, expected] of cases) assertEquals(check(changes), expected);
  assertEquals(checkFleet(undefined), []);
});

Deno.test("an engine that is down degrades the daemon, and does not make it unready", async () => {
  const { get, parts } = await createTestSite();
  assert(!(await get("/readyz")).body.includes("shared"));
  parts.fleet = fleetStatus(NOW, { state: "down" });
  const reply = await get("/readyz");
  const { status, wrong } = JSON.parse(reply.body);
  assertEquals([reply.status, status, wrong], [200, "degraded", ["shared"]]);
  assertStringIncludes((await get("/")).body, "<h1>Working, but check Fleet</h1>");
});

Deno.test("the status page shows the engine and the hosts of the fleet", async () => {
  const { get, parts, clock } = await createTestSite();
  assert(!(await get("/")).body.includes('id="fleet"'));
  parts.fleet = fleetStatus(clock.now(), {
    offset: 3_000,
    outbox: { entries: 12, octets: 3_000, dropped: 0 },
  });
  const { body } = await get("/");
  elementsOf(body);
  const [, section = ""] = /<section aria-labelledby="fleet">([^]*?)<\/section>/.exec(body) ?? [];
  const words = section.replaceAll(/<[^>]*>/g, " ").replaceAll(/\s+/g, " ");
  assertStringIncludes(words, `${LABEL} works since 2025-12-31 23:00`);
  assertStringIncludes(
    words,
    "last news 5 s ago , its clock 3 s ahead, 12 entries wait to be sent.",
  );
  assertStringIncludes(words, "mx2. example 1.0.0 4 s ago right");
  assertStringIncludes(words, "mx3. example 1.1.0 9 s ago 90 s behind");
  parts.fleet = fleetStatus(clock.now(), { hosts: [], lastNewsAt: undefined });
  const alone = (await get("/")).body;
  assertStringIncludes(alone, "No other host was seen");
  assertStringIncludes(alone, "no news yet");
});

Deno.test("what other hosts call themselves is text on the page, and not more than a hundred of them", async () => {
  const { get, parts, clock } = await createTestSite();
  const hosts = Array.from({ length: 150 }, (_, index) => ({
    name: `<b>mx${index}</b>`,
    version: "<i>1</i>",
    lastHeardAt: clock.now(),
    ahead: undefined,
  }));
  parts.fleet = fleetStatus(clock.now(), { hosts });
  const { body } = await get("/");
  elementsOf(body);
  assertStringIncludes(body, "&lt;b&gt;mx99&lt;/b&gt;");
  assert(!body.includes("mx100"));
  assertStringIncludes(body, "And 50 more.");
});
