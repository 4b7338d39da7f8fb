import { assert, assertEquals, assertLess, assertMatch, assertStringIncludes } from "@std/assert";
import { HOST, MANY, startAddresses } from "./addresses_world.ts";

/** Below the deadline of a fetch by so much that only one which waits for a dead address exceeds it, ms. */
const QUICK_MS = 3000;

Deno.test("a dead first address costs a quarter of a second (RFC 8305 §5)", async () => {
  await using world = startAddresses();
  await world.dead("127.0.0.5");
  world.live("127.0.0.6");
  const { text, ms } = await world.lookUp({ [`A ${HOST}`]: ["127.0.0.5", "127.0.0.6"] });
  assertStringIncludes(text, "address 127.0.0.5, 127.0.0.6 (connected)\n");
  assertStringIncludes(text, "Decision    fetched: the policy was fetched\n");
  assertEquals(world.dialled, ["127.0.0.5", "127.0.0.6"]);
  assertLess(ms, QUICK_MS);
});

Deno.test("families take turns, whichever of them is dead (RFC 8305 §4)", async () => {
  await using world = startAddresses();
  await world.dead("127.0.0.5");
  await world.dead("127.0.0.6");
  world.live("::1");
  const { text, ms } = await world.lookUp({
    [`A ${HOST}`]: ["127.0.0.5", "127.0.0.6"],
    [`AAAA ${HOST}`]: ["::1"],
  });
  assertStringIncludes(text, "address 127.0.0.5, 127.0.0.6, ::1 (connected)\n");
  assertEquals(world.dialled, ["::1"]);
  assertLess(ms, QUICK_MS);
});

Deno.test("an address that refuses is passed over at once", async () => {
  await using world = startAddresses();
  world.live("127.0.0.6");
  const { text } = await world.lookUp({
    [`A ${HOST}`]: ["127.0.0.5", "127.0.0.6"],
    [`AAAA ${HOST}`]: ["::1"],
  });
  assertStringIncludes(text, "address 127.0.0.5, 127.0.0.6 (connected), ::1\n");
  assertEquals(world.dialled, ["::1", "127.0.0.5", "127.0.0.6"]);
});

Deno.test("lookup says what each address came to when none answers", async () => {
  await using world = startAddresses();
  const { text } = await world.lookUp({
    [`A ${HOST}`]: ["127.0.0.5", "127.0.0.6"],
    [`AAAA ${HOST}`]: ["::1"],
  });
  const each = ["::1", "127.0.0.5", "127.0.0.6"].map((address) => `${address}: connection refused`);
  assertStringIncludes(text, `failed: connect: ${each.join("; ")}\n`);
});

Deno.test("lookup says that the deadline passed over a dead host", async () => {
  await using world = startAddresses();
  await world.dead("127.0.0.5");
  const { text } = await world.lookUp({ [`A ${HOST}`]: ["127.0.0.5"] }, { timeout: 300 });
  const late = "failed: timeout: deadline of 0.3 s passed while waiting for a connection\n";
  assertStringIncludes(text, late);
});

Deno.test("a question for AAAA that is never answered costs 50 ms (RFC 8305 §3)", async () => {
  await using world = startAddresses();
  world.live("127.0.0.6");
  const never = new Promise<never>(() => {});
  const { text, ms } = await world.lookUp({
    [`A ${HOST}`]: ["127.0.0.6"],
    [`AAAA ${HOST}`]: never,
  });
  assertStringIncludes(text, "address 127.0.0.6\n");
  assertStringIncludes(text, "Decision    fetched: the policy was fetched\n");
  assertLess(ms, QUICK_MS);
});

Deno.test("a question for A that is never answered costs no more", async () => {
  await using world = startAddresses();
  world.live("::1");
  const never = new Promise<never>(() => {});
  const { text, ms } = await world.lookUp({ [`A ${HOST}`]: never, [`AAAA ${HOST}`]: ["::1"] });
  assertStringIncludes(text, "Decision    fetched: the policy was fetched\n");
  assertLess(ms, QUICK_MS);
});

Deno.test("a family that comes late joins in", async () => {
  await using world = startAddresses();
  await world.dead("127.0.0.5");
  world.live("::1");
  const { text, ms } = await world.lookUp({
    [`A ${HOST}`]: ["127.0.0.5"],
    [`AAAA ${HOST}`]: world.firstDial.then(() => ["::1"]),
  });
  assertStringIncludes(text, "address 127.0.0.5, ::1 (connected)\n");
  assertLess(ms, QUICK_MS);
});

Deno.test("a family that comes late with an address of our own side ends the fetch", async () => {
  await using world = startAddresses();
  await world.dead("127.0.0.5");
  const { text, ms } = await world.lookUp({
    [`A ${HOST}`]: ["127.0.0.5"],
    [`AAAA ${HOST}`]: world.firstDial.then(() => ["fd00::1"]),
  });
  const why = `${HOST} has an address that is not public: fd00::1 (unique-local)`;
  assertStringIncludes(text, `failed: address-refused: ${why}\n`);
  assertEquals(world.dialled, ["127.0.0.5"]);
  assertLess(ms, QUICK_MS);
});

Deno.test("many fetches leave no file open", async () => {
  await using world = startAddresses();
  await world.dead("127.0.0.5");
  world.live("127.0.0.6");
  const fates = ["127.0.0.5", "127.0.0.6", "127.0.0.7"];
  await world.lookUp({ [`A ${HOST}`]: ["127.0.0.6"] });
  const before = openFiles();
  const all = MANY.map((domain, index) => {
    const isDead = index % 3 === 0;
    const room = { concurrency: MANY.length, perAddress: MANY.length };
    const options = { domain, ...room, ...(isDead ? { timeout: 500 } : {}) };
    return world.lookUp({ [`A mta-sts.${domain}`]: [fates[index % 3]!] }, options);
  });
  const texts = await Promise.all(all);
  assertMatch(texts[0]!.text, /failed: timeout: /);
  assertMatch(texts[1]!.text, /policy was fetched/);
  assertMatch(texts[2]!.text, /connection refused/);
  // The runtime closes TLS connections in the background, the relay those that were given up after a second.
  // Other tests of this process open and close files, too: once as few as before is enough.
  let left = openFiles();
  for (let turn = 0; turn < 500 && left > before; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    left = openFiles();
  }
  assert(left <= before, `${left} files open, ${before} before`);
});

function openFiles(): number {
  return [...Deno.readDirSync("/proc/self/fd")].length;
}
