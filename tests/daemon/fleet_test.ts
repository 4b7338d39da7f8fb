/** Daemons that share a Redis or a PostgreSQL, and what the operator of one sees of the fleet. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type Schema, violations } from "../check/json_schema.ts";
import { cli } from "../cli/support.ts";
import { startDaemon, startOutside } from "../fakes/daemon.ts";
import { type FleetHostProcess, openFleetGround } from "../fakes/fleet_daemons.ts";
import { until } from "../fakes/plain_user.ts";
import { hasPostgres, OWNER, PostgresServer } from "../fakes/postgres_server.ts";
import { hasRedis, RedisServer } from "../fakes/redis_server.ts";

const SECURE = "OK secure match=mx.a.example servername=hostname";

function schemaOf(name: string): Schema {
  return JSON.parse(
    Deno.readTextFileSync(new URL(`../../docs/${name}.schema.json`, import.meta.url)),
  );
}

/** Runs a `cache` command for a host. */
function cache(host: FleetHostProcess, command: string, ...argv: string[]) {
  return cli("cache", command, "-c", host.config, ...argv);
}

/** Waits until a host hears another one's heartbeats. */
async function hears(host: FleetHostProcess, other: FleetHostProcess): Promise<void> {
  await until(`${host.name} hears of ${other.name}`, async () => {
    const { body } = await host.get("/");
    return body.includes(`<th scope="row">${other.name}</th>`);
  });
}

/** An engine with a password, which nothing may print. */
const ENGINES: readonly {
  readonly name: string;
  readonly isMissing: boolean;
  start(): Promise<AsyncDisposable & { readonly port: number }>;
  /** Its URL. @param login A user, and what stands for the password. */
  url(port: number, password: string): string;
  /** As it is shown. */
  label(port: number): string;
}[] = [
  {
    name: "a Redis",
    isMissing: !hasRedis,
    start: () => RedisServer.start(["requirepass geheim"]),
    url: (port, password) => `redis://:${password}@127.0.0.1:${port}/2`,
    label: (port) => `redis://127.0.0.1:${port}/2`,
  },
  {
    name: "a PostgreSQL",
    isMissing: !hasPostgres,
    start: () => PostgresServer.start(),
    url: (port, password) => `postgres://${OWNER}:${password}@127.0.0.1:${port}/postgres`,
    label: (port) => `postgres://${OWNER}@127.0.0.1:${port}/postgres`,
  },
];

for (const { name, isMissing, start, url, label } of ENGINES) {
  Deno.test({
    name: `what one host fetches, the other knows from ${name}, shows and forgets with it`,
    ignore: isMissing,
    async fn() {
      await using server = await start();
      await using ground = await openFleetGround();
      const { outside, secretFile } = ground;
      outside.publish("a.example");
      const shared = `url: "${url(server.port, "geheim")}", secret_file: "${secretFile}"`;
      const one = await ground.start("mx1", shared);
      const two = await ground.start("mx2", shared);
      assertStringIncludes(one.daemon.lines.join("\n"), `shared=${label(server.port)}`);
      await hears(two, one);

      assertEquals(await one.daemon.query("a.example"), [SECURE]);
      // The answer does not wait for the engine to take the entry.
      await until(
        "the other host shows the entry",
        async () => (await cache(two, "show", "a.example")).out !== "",
      );
      const early = await cache(two, "show", "a.example");
      assertEquals(early.code, 1);
      assertMatch(
        early.out,
        /^a\.example\n {2}Fleet +mode enforce, id 1, fetched \S+ by mx1 \((?:redis|postgres):/,
      );
      assertStringIncludes(early.out, "will be used from the first query on");
      assertStringIncludes(early.err, "a.example is not in the cache");

      assertEquals(await two.daemon.query("a.example"), [SECURE]);
      assertEquals(ground.fetches("a.example"), 1);
      const held = await cache(two, "show", "a.example");
      assertEquals(held.code, 0);
      assertStringIncludes(held.out, "the policy held here");
      const json = await cache(two, "show", "--json", "a.example");
      const entry = JSON.parse(json.out);
      assertEquals([entry.fleet.policy.host, entry.fleet.policy.effect], ["mx1", "same"]);
      assertEquals(
        violations(entry, { ...schemaOf("cache"), $ref: "#/$defs/shown" }),
        [],
      );
      const page = (await two.get("/domain/a.example")).body.replaceAll(/<[^>]*>|\s+/g, " ");
      assertMatch(page, /Fetched by +mx1/);

      const lookup = await cli("lookup", "-c", two.config, "a.example");
      assertMatch(lookup.out, /^ {2}Fleet +mode enforce, id 1, fetched \S+ by mx1/m);
      const looked = JSON.parse((await cli("lookup", "-c", two.config, "--json", "a.example")).out);
      assertEquals(looked.fleet.policy.signed, true);
      assertEquals(violations(looked, schemaOf("lookup")), []);

      outside.publish("a.example", { id: "1", mode: "testing" });
      assertEquals((await cache(one, "refresh", "a.example")).code, 0);
      await until("mx2 hears of it", async () => {
        const { out } = await cache(two, "show", "--json", "a.example");
        return JSON.parse(out).mode === "testing";
      });
      assertEquals(await two.daemon.query("a.example"), ["NOTFOUND "]);

      const purged = await cache(one, "purge", "a.example");
      assertEquals(purged.code, 0);
      assertStringIncludes(purged.err, "the fleet forgets it: 1 other host notified");
      await until("mx2 forgets", async () => (await cache(two, "show", "a.example")).code === 1);
      const nowhere = await cache(two, "show", "a.example");
      assertEquals(nowhere.out, "");

      const { out: configuration } = await cli("config", "show", "-c", two.config);
      assertStringIncludes(configuration, `url: "${url(server.port, "***")}"`);
      const pages = await Promise.all(["/", "/metrics", "/readyz"].map((path) => two.get(path)));
      const seen = [...two.daemon.lines, configuration, ...pages.map(({ body }) => body)].join(
        "\n",
      );
      assert(!seen.includes("geheim"));
    },
  });
}

Deno.test({
  name: "cache push fills an engine, and cache pull takes it over, signed entries alone",
  ignore: !hasRedis,
  async fn() {
    await using server = await RedisServer.start();
    await using ground = await openFleetGround();
    const { outside, secretFile } = ground;
    const domains = ["a.example", "b.example"];
    for (const domain of domains) outside.publish(domain);
    const engine = (database: number) => `url: "redis://127.0.0.1:${server.port}/${database}"`;
    const one = await ground.start("mx1", engine(0));
    await one.daemon.query(...domains);
    const nothing = await cli("cache", "pull", "-c", one.config);
    assertEquals(nothing.code, 0, nothing.err);

    // Not signed, until there is a secret.
    const two = await ground.start("mx2", engine(0));
    const unsigned = await cache(two, "pull", "--json");
    assertEquals(JSON.parse(unsigned.out).unsigned, 2);
    assertEquals((await cache(two, "list", "--json")).out, "");
    const purge = await cache(two, "purge", "--json", "a.example");
    assertEquals([purge.code, purge.out], [1, ""]);
    assertStringIncludes(purge.err, "only this host forgets it, because entries are not signed");
    const shown = await cache(two, "show", "b.example");
    assertStringIncludes(
      shown.out,
      "not signed: it stands in for the first fetch if the TXT record",
    );
    const forced = await cache(two, "pull", "--unsigned");
    // What was purged here is not taken for an hour.
    assertMatch(
      forced.out,
      /^1 added, 0 replaced, 0 kept .*, 0 not signed, skipped, 1 refused$/m,
    );

    const signed = `${engine(1)}, secret_file: "${secretFile}"`;
    one.rewrite(signed);
    one.daemon.signal("SIGHUP");
    await one.daemon.logged("reloaded");
    assertMatch(
      one.daemon.lines.join("\n"),
      /changed="?cache\.shared\.url cache\.shared\.secret_file/,
    );
    const pushed = await cache(one, "push");
    assertMatch(
      pushed.out,
      /^[0-9]+ sent, [0-9]+ kept as they are \(the engine's are not older\), 0 refused\n$/,
    );
    const three = await ground.start("mx3", signed);
    const pulled = await cache(three, "pull", "--json");
    const counts = JSON.parse(pulled.out);
    assertEquals([counts.read, counts.added, counts.unsigned, counts.refused], [2, 2, 0, 0]);
    assertEquals(violations(counts, { ...schemaOf("cache"), $ref: "#/$defs/pulled" }), []);
    assertEquals(await three.daemon.query("a.example"), [SECURE]);
    assertEquals(ground.fetches("a.example"), 1);
    for (const domain of domains) assertEquals(ground.fetches(domain), 1);

    // Without a daemon, from a file.
    for (const { daemon } of [one, three]) {
      daemon.signal("SIGTERM");
      await daemon.ended;
    }
    const file = three.config.replace("config.yml", "cache.db");
    assertEquals((await cache(three, "push")).code, 2);
    await server.command("FLUSHALL");
    const sent = await cache(three, "push", "--offline", file, "--json");
    assertEquals(JSON.parse(sent.out), { sent: 2, kept: 0, refused: 0 }, sent.err);
    assertEquals(
      violations(JSON.parse(sent.out), { ...schemaOf("cache"), $ref: "#/$defs/pushed" }),
      [],
    );
    const back = await cache(three, "pull", "--offline", file);
    assertMatch(back.out, /^0 added, 0 replaced, 2 kept as they are/);
    // As an init container does, whose volume is empty; a mistake in the path makes no directories.
    const first = await cache(three, "pull", "--offline", `${file}.new`);
    assertMatch(first.out, /^2 added, 0 replaced, 0 kept as they are/);
    const astray = await cache(three, "pull", "--offline", `${file}.new/cache.db`);
    assertEquals([astray.code, astray.out], [3, ""]);
    const missing = await cache(three, "push", "--offline", `${file}.gone`);
    assertMatch(missing.err, /there is no .*: has a daemon created it\?/);
  },
});

Deno.test({
  name: "an engine that is down is a warning on every page, and gone with the next reload",
  ignore: !hasRedis,
  async fn() {
    await using server = await RedisServer.start();
    await using ground = await openFleetGround();
    ground.outside.publish("a.example");
    const shared = `url: "redis://127.0.0.1:${server.port}", secret_file: "${ground.secretFile}"`;
    const host = await ground.start("mx1", shared);
    await host.daemon.query("a.example");
    const up = async () => /^mta_sts_shared_up (.*)$/m.exec((await host.get("/metrics")).body)?.[1];
    assertEquals(await up(), "1");
    await server.kill();
    await until("the engine counts as down", async () => await up() === "0");
    const ready = await host.get("/readyz");
    assertEquals([ready.status, JSON.parse(ready.body).wrong.includes("shared")], [200, true]);
    assertStringIncludes((await host.get("/")).body, "each host fetches for itself meanwhile");
    assertEquals(await host.daemon.query("a.example"), [SECURE]);
    const purged = await cache(host, "purge", "a.example");
    assertStringIncludes(purged.err, "has not taken it yet");

    host.rewrite(undefined);
    host.daemon.signal("SIGHUP");
    await host.daemon.logged("reloaded");
    assertEquals(await up(), "NaN");
    assert(!(await host.get("/readyz")).body.includes("shared"));
    assertEquals((await cache(host, "push")).code, 3);
  },
});

Deno.test({
  name:
    "an unchanged file of postfix-mta-sts-resolver shares its Redis, and takes its entry for the first fetch",
  ignore: !hasRedis,
  async fn() {
    await using server = await RedisServer.start();
    await using outside = await startOutside();
    for (const domain of ["a.example", "b.example"]) outside.publish(domain, { id: "7" });
    const body = { version: "STSv1", mode: "enforce", mx: ["old.a.example"], max_age: 604_800 };
    const now = Math.floor(Date.now() / 1000);
    const member = "0123456789abcdef" + JSON.stringify(["7", body]);
    await server.command("ZADD", "a.example", String(now), member);
    // With another id than the TXT record, it is none.
    await server.command("ZADD", "b.example", String(now), member.replace('"7"', '"6"'));

    const options = `url: "redis://127.0.0.1:${server.port}/0", socket_timeout: 5`;
    const text = Deno.readTextFileSync(await outside.configure())
      .replace(/^cache: .*$/m, `cache: { type: redis, options: { ${options} } }`);
    const config = `${outside.directory}/mta-sts-daemon.yml`;
    Deno.writeTextFileSync(config, text);
    const env = { STATE_DIRECTORY: outside.directory };
    await using daemon = await startDaemon({ config, env });
    const log = () => daemon.lines.join("\n");
    assertMatch(log(), /configuration note key=cache\.shared\.secret_file note="is not set/);
    const [old, fresh] = await daemon.query("a.example", "b.example");
    assertEquals(fresh, "OK secure match=mx.b.example servername=hostname");
    // The policy of the old program does not fit any more: it was taken as it was.
    assertMatch(old!, /^TEMP no MX host of a\.example matches/);
    const fetched = (domain: string) =>
      outside.hosts.requests.filter((head) => head.includes(`mta-sts.${domain}`)).length;
    assertEquals([fetched("a.example"), fetched("b.example")], [0, 1]);
    assertMatch(log(), /policy of the fleet found domain=a\.example .*signed=false/);
    // The old entry is as it was, for the hosts that still use it.
    assertEquals(await server.command("ZCARD", "a.example"), "1\n");
  },
});
