import { assertEquals, assertThrows } from "@std/assert";
import { ServerList } from "../../src/dns/servers.ts";
import { createMetrics } from "../../src/monitor/metrics.ts";
import { ManualClock } from "../fakes/manual_clock.ts";
import { createKeptLog } from "./support.ts";

/** A list, with a resolv.conf in a directory of its own. */
async function createList(
  options: { servers?: string[]; resolvConf?: string } = {},
) {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/resolv.conf`;
  let changes = 0;
  /** Writes the file with a time of change of its own, whatever the clock's resolution. */
  async function write(text: string): Promise<void> {
    await Deno.writeTextFile(path, text);
    await Deno.utime(path, ++changes, changes);
  }
  if (options.resolvConf !== undefined) await write(options.resolvConf);
  const clock = new ManualClock();
  const log = createKeptLog();
  const metrics = createMetrics();
  const list = new ServerList({
    servers: options.servers ?? [],
    resolvConfPath: path,
    clock,
    log,
    metrics,
  });
  return {
    list,
    clock,
    log,
    path,
    write,
    labels: () => list.all().map(({ label }) => label),
    down: () => metrics.render().includes("mta_sts_dns_resolvers_down 1\n"),
    async [Symbol.asyncDispose](): Promise<void> {
      list.close();
      await Deno.remove(directory, { recursive: true });
    },
  };
}

Deno.test("ServerList keeps to the configured order and reads no file then", async () => {
  await using test = await createList({
    servers: ["192.0.2.2:5353", "[::1]:53"],
    resolvConf: "nameserver 192.0.2.1",
  });
  test.list.reload();
  assertEquals(test.labels(), ["192.0.2.2:5353", "[::1]:53"]);
  assertEquals(test.log.lines, []);
});

Deno.test("ServerList refuses what is no address", async () => {
  await using test = await createList({ resolvConf: "" });
  const { log, clock, path } = test;
  assertThrows(
    () =>
      new ServerList({
        servers: ["dns.example:53"],
        resolvConfPath: path,
        clock,
        log,
        metrics: createMetrics(),
      }),
    TypeError,
    "'dns.example:53'",
  );
});

Deno.test("ServerList follows a changed resolv.conf, looking every 10 s", async () => {
  await using test = await createList({ resolvConf: "nameserver 192.0.2.1\n" });
  assertEquals(test.labels(), ["192.0.2.1:53"]);
  await test.write("nameserver 192.0.2.2\n");
  await test.clock.advance(9_999);
  assertEquals(test.labels(), ["192.0.2.1:53"]);
  await test.clock.advance(1);
  assertEquals(test.labels(), ["192.0.2.2:53"]);
});

Deno.test("ServerList.reload() does not wait for the next look", async () => {
  await using test = await createList({ resolvConf: "nameserver 192.0.2.1\n" });
  await test.write("nameserver 192.0.2.2\n");
  test.list.reload();
  assertEquals(test.labels(), ["192.0.2.2:53"]);
});

Deno.test("ServerList keeps its resolvers while the file cannot be read, and says so once", async () => {
  await using test = await createList({ resolvConf: "nameserver 192.0.2.1\n" });
  await Deno.remove(test.path);
  for (let look = 0; look < 3; look++) {
    await test.clock.advance(10_000);
    assertEquals(test.labels(), ["192.0.2.1:53"]);
  }
  await test.write(`nameserver 192.0.2.3\n${"#".repeat(65 * 1024)}\n`);
  await test.clock.advance(10_000);
  assertEquals(test.labels(), ["192.0.2.1:53"]);
  await test.write("nameserver 192.0.2.2\n");
  await test.clock.advance(10_000);
  assertEquals(test.labels(), ["192.0.2.2:53"]);
  assertEquals(test.log.lines.map(({ event }) => event), [
    "info resolvers read",
    "warn resolvers not read",
    "info resolvers read",
  ]);
});

Deno.test("ServerList starts with the local resolver when there is no file", async () => {
  await using test = await createList();
  assertEquals(test.labels(), ["127.0.0.1:53"]);
  assertEquals(test.log.lines.map(({ event }) => event), ["warn resolvers not read"]);
});

Deno.test("ServerList keeps state and connection of a resolver that stays", async () => {
  await using test = await createList({
    resolvConf: "nameserver 192.0.2.1\nnameserver 192.0.2.2\n",
  });
  const [first, second] = test.list.all();
  await test.write("nameserver 192.0.2.3\nnameserver 192.0.2.1\n");
  test.list.reload();
  assertEquals(test.labels(), ["192.0.2.3:53", "192.0.2.1:53"]);
  assertEquals(test.list.all()[1] === first, true);
  const reply = await second?.wire.ask(new Uint8Array(14), {
    decode: () => undefined,
    timeout: 1,
  });
  assertEquals(reply?.detail, "the client is closed");
});

Deno.test("candidates() leaves resolvers that are down to the last, for 30 s", async () => {
  await using test = await createList({ servers: ["192.0.2.1:53", "192.0.2.2:53"] });
  const { list, clock } = test;
  const [first, second] = list.all();
  if (first === undefined || second === undefined) throw new TypeError("No resolvers");
  assertEquals(list.candidates(new Set()), [first, second]);
  assertEquals(test.down(), false);
  list.setAside(first, "gone");
  list.setAside(first, "gone");
  assertEquals([list.isDown(first), list.isDown(second), test.down()], [true, false, true]);
  assertEquals(list.candidates(new Set()), [second]);
  assertEquals(list.candidates(new Set([second])), [first]);
  assertEquals(list.candidates(new Set([first, second])), []);
  await clock.advance(30_000);
  assertEquals(list.candidates(new Set()), [first, second]);
  list.setUp(first);
  list.setUp(second);
  assertEquals(test.log.lines, [
    { event: "warn resolver is down", fields: { server: "192.0.2.1:53", detail: "gone" } },
    { event: "info resolver is up again", fields: { server: "192.0.2.1:53" } },
  ]);
});

Deno.test("close() leaves no resolver, and nothing brings one back", async () => {
  await using test = await createList({ resolvConf: "nameserver 192.0.2.1\n" });
  const [server] = test.list.all();
  test.list.close();
  test.list.reload();
  await test.clock.advance(60_000);
  if (server !== undefined) test.list.setAside(server, "closed");
  assertEquals([test.labels(), test.down()], [[], false]);
});
