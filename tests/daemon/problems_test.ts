/** Deferred mail and a refused reload, as health, page, metrics and control socket of a real daemon show them. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { httpGet } from "../../src/http/client.ts";
import { querySocketmap } from "../../src/postfix/client.ts";
import { startDaemon, startOutside } from "../fakes/daemon.ts";

const TIMEOUT = { timeout: 10_000 };

/** Connections to the HTTP surface beyond its 64 places. */
const CONNECTIONS = 66;

async function setUp() {
  const outside = await startOutside();
  const [http, control] = ["http", "control"].map((name) =>
    ({ kind: "unix", path: `${outside.directory}/${name}.sock`, mode: 0o600 }) as const
  );
  const config = await outside.configure(
    `http: "unix:${http!.path}"\ncontrol: "unix:${control!.path}"`,
  );
  const daemon = await startDaemon({ config });
  const get = async (path: string) => (await httpGet(http!, path, TIMEOUT)).body;
  return {
    outside,
    daemon,
    config,
    http: http!,
    control: control!,
    get,
    wrong: async () => JSON.parse(await get("/readyz")).wrong as string[],
    gauge: async (name: string) =>
      new RegExp(`^${name} (\\S+)$`, "m").exec(await get("/metrics"))?.[1],
    async problems() {
      const [reply = ""] = await querySocketmap(control!, "problems", [""], TIMEOUT);
      return JSON.parse(reply.replace(/^OK /, ""));
    },
    async [Symbol.asyncDispose]() {
      await daemon[Symbol.asyncDispose]();
      await outside[Symbol.asyncDispose]();
    },
  };
}

Deno.test("a daemon shows everywhere what it defers, until the domain gets another answer", async () => {
  await using world = await setUp();
  const { outside, daemon, get, wrong, gauge, problems } = world;
  outside.publish("good.example");
  outside.publish("broken.example");
  const { "MX broken.example": mx } = outside.dns.table;
  outside.dns.table["MX broken.example"] = { rcode: "SERVFAIL" };
  const reason = "cannot check broken.example for DANE: DNS servfail";
  const replies = await daemon.query("good.example", "broken.example", "broken.example");
  assertEquals(replies.slice(1), [`TEMP ${reason}`, `TEMP ${reason}`]);

  assertEquals((await wrong()).includes("deferred"), true);
  const page = await get("/");
  assertStringIncludes(page, "Deferred now");
  assert(!page.includes("Everything works"));
  assertEquals(await gauge("mta_sts_deferred_domains"), "1");
  assertMatch(await gauge("mta_sts_deferred_since_timestamp_seconds") ?? "", /^[0-9.]+$/);
  const { deferred, deferred_domains } = await problems();
  assertEquals([deferred_domains, deferred[0].reason, deferred[0].queries], [1, reason, 2]);
  // A ready reply counts its uses, too.
  await daemon.query("good.example", "good.example");
  assertStringIncludes(await get("/domain/good.example"), "3 MTA-STS enforced");

  outside.dns.table["MX broken.example"] = mx!;
  // What was learned of its MX hosts is remembered for a while.
  await querySocketmap(world.control, "purge", ["broken.example"], TIMEOUT);
  const [reply] = await daemon.query("broken.example");
  assertMatch(reply ?? "", /^OK secure /);
  assertEquals((await wrong()).includes("deferred"), false);
  assertEquals([(await problems()).deferred, await gauge("mta_sts_deferred_domains")], [[], "0"]);
  assertEquals(await gauge("mta_sts_deferred_since_timestamp_seconds"), "NaN");
});

Deno.test("a daemon shows that a reload was refused, until one takes effect", async () => {
  await using world = await setUp();
  const { daemon, config, get, wrong } = world;
  const good = await Deno.readTextFile(config);
  assertEquals((await wrong()).includes("config"), false);
  await Deno.writeTextFile(config, `${good}lissten: 1\n`);
  daemon.signal("SIGHUP");
  await daemon.logged("reload refused");
  assertEquals((await wrong()).includes("config"), true);
  const page = await get("/");
  assertStringIncludes(page, "the last reload was refused");
  assertStringIncludes(page, "lissten: unknown key, did you mean listen?");
  await Deno.writeTextFile(config, good);
  daemon.signal("SIGHUP");
  await daemon.logged("reloaded");
  assertEquals((await wrong()).includes("config"), false);
});

Deno.test("a daemon counts the connections to its HTTP surface that lose their place", async () => {
  await using world = await setUp();
  const { http, gauge } = world;
  const name = "mta_sts_http_connections_displaced_total";
  assertEquals(await gauge(name), "0");
  const connections: Deno.Conn[] = [];
  try {
    for (let i = 0; i < CONNECTIONS; i++) {
      connections.push(await Deno.connect({ transport: "unix", path: http.path }));
    }
    assertEquals(await gauge(name) === "0", false);
  } finally {
    for (const connection of connections) connection.close();
  }
});
