/**
 * A daemon whose cache file cannot be read at first, and can be later: the policies in it count from then on,
 * though their records are hidden and other answers were given meanwhile.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { startDaemon, startOutside } from "../fakes/daemon.ts";
import type { Outside } from "../fakes/daemon.ts";

const DOMAIN = "good.example";
const TXT = `TXT _mta-sts.${DOMAIN}`;
const ENFORCED = `OK secure match=mx.${DOMAIN} servername=hostname`;
const DEFER = "default_zone: { on_dns_failure: defer }";

const USABLE = "cache file usable again";

/**
 * Has a daemon store the policy of the domain, and hides its record.
 *
 * @returns The cache file.
 */
async function learn(outside: Outside, state = outside.directory): Promise<string> {
  outside.publish(DOMAIN);
  const file = `${state}/cache.db`;
  const config = await outside.configure();
  const daemon = await startDaemon({
    config,
    args: ["--listen", "inet:127.0.0.1:0", "--cache", file],
  });
  assertEquals(await daemon.query(DOMAIN), [ENFORCED]);
  daemon.signal("SIGTERM");
  await daemon.ended;
  outside.dns.table[TXT] = { rcode: "NXDOMAIN" };
  return file;
}

/** Gives the index of the domains a page of garbage; the rows themselves stay whole. */
function damageIndex(file: string): void {
  const database = new DatabaseSync(file);
  const index =
    "SELECT rootpage AS page FROM sqlite_schema WHERE name = 'sqlite_autoindex_policies_1'";
  const page = Number(database.prepare(index).get()?.page);
  database.close();
  using handle = Deno.openSync(file, { write: true });
  handle.seekSync((page - 1) * 4096, Deno.SeekMode.Start);
  handle.writeSync(new Uint8Array(4096).fill(0x5a));
}

Deno.test("a cache file with the wrong mode at the start", async () => {
  await using outside = await startOutside();
  const file = await learn(outside);
  Deno.chmodSync(file, 0o666);
  const config = await outside.configure(DEFER);
  await using daemon = await startDaemon({ config });
  const temp = `TEMP cannot learn the MTA-STS policy of ${DOMAIN}: cache file unusable (unsafe)`;
  assertEquals(await daemon.query(DOMAIN, DOMAIN), [temp, temp]);
  await daemon.logged("answered without the cache");
  Deno.chmodSync(file, 0o600);
  await daemon.logged(USABLE);
  assertEquals(await daemon.query(DOMAIN), [ENFORCED]);
});

Deno.test("a cache file with the wrong mode at the start, mail delivered meanwhile", async () => {
  await using outside = await startOutside();
  const file = await learn(outside);
  Deno.chmodSync(file, 0o666);
  await using daemon = await startDaemon({ config: await outside.configure() });
  assertEquals(await daemon.query(DOMAIN, DOMAIN), ["NOTFOUND ", "NOTFOUND "]);
  Deno.chmodSync(file, 0o600);
  await daemon.logged(USABLE);
  assertEquals(await daemon.query(DOMAIN), [ENFORCED]);
});

Deno.test("a cache file locked by another program at the start", async () => {
  await using outside = await startOutside();
  const file = await learn(outside);
  const other = new DatabaseSync(file);
  other.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
  await using daemon = await startDaemon({ config: await outside.configure(DEFER) });
  const [reply = ""] = await daemon.query(DOMAIN);
  assertStringIncludes(reply, "TEMP ");
  assertStringIncludes(reply, "cache file unusable (busy)");
  other.close();
  await daemon.logged(USABLE);
  assertEquals(await daemon.query(DOMAIN), [ENFORCED]);
});

Deno.test("a cache file with a damaged page, rescued by the daemon itself", async () => {
  await using outside = await startOutside();
  const file = await learn(outside);
  damageIndex(file);
  await using daemon = await startDaemon({ config: await outside.configure() });
  // The repair may be over before the lookups are.
  const [reply = ""] = await daemon.query(DOMAIN);
  assert(["NOTFOUND ", ENFORCED].includes(reply), reply);
  await daemon.logged("policies taken over");
  assertEquals(await daemon.query(DOMAIN), [ENFORCED]);
});

Deno.test("a volume mounted late over the directory of the cache file", async () => {
  await using outside = await startOutside();
  const { directory } = outside;
  const [state, volume] = [`${directory}/state`, `${directory}/volume`];
  for (const path of [state, volume]) Deno.mkdirSync(path, { mode: 0o700 });
  await learn(outside, volume);
  const config = await outside.configure();
  await using daemon = await startDaemon({
    config,
    args: ["--listen", "inet:127.0.0.1:0", "--cache", `${state}/cache.db`],
  });
  assertEquals(await daemon.query(DOMAIN, DOMAIN), ["NOTFOUND ", "NOTFOUND "]);
  Deno.renameSync(state, `${directory}/covered`);
  Deno.renameSync(volume, state);
  await daemon.logged("policies taken over");
  assertEquals(await daemon.query(DOMAIN), [ENFORCED]);
});

Deno.test("a HUP while the first fetch is under way", async () => {
  await using outside = await startOutside();
  outside.publish(DOMAIN);
  const address = `A mta-sts.${DOMAIN}`;
  const arrival = Promise.withResolvers<void>();
  outside.dns.table[address] = { ...outside.dns.table[address], after: arrival.promise };
  await using daemon = await startDaemon({ config: await outside.configure() });
  const first = daemon.query(DOMAIN);
  const asked = () => outside.dns.questions.some(({ text }) => text === address);
  while (!asked()) await outside.dns.asked(outside.dns.questions.length + 1);
  daemon.signal("SIGHUP");
  await daemon.logged(" reloaded ");
  outside.dns.table[TXT] = { rcode: "NXDOMAIN" };
  assertEquals(await daemon.query(DOMAIN, DOMAIN), ["NOTFOUND ", "NOTFOUND "]);
  arrival.resolve();
  assertEquals(await first, [ENFORCED]);
  assertEquals(await daemon.query(DOMAIN), [ENFORCED]);
});
