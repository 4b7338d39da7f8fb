import { assertEquals, assertThrows } from "@std/assert";
import { ServerList } from "../../src/dns/servers.ts";
import { createMetrics } from "../../src/base/metrics.ts";
import { startFakeDnsServer } from "../fakes/fake_dns_server.ts";
import { ManualClock } from "../fakes/manual_clock.ts";
import { createKeptLog, passTime } from "./support.ts";

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
  const renewed = Promise.withResolvers<void>();
  let isReady = false;
  const list = new ServerList({
    servers: options.servers ?? [],
    resolvConfPath: path,
    clock,
    log,
    metrics,
    onRenewed: () => isReady && renewed.resolve(),
  });
  isReady = true;
  return {
    list,
    /** A resolver has come up or was added after the start. */
    renewed,
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
  await test.clock.advance(10_000);
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
    "info resolv.conf read",
    "warn resolv.conf not read: the dns resolvers stay the same",
    "info resolv.conf read",
  ]);
});

Deno.test("ServerList starts with the local resolver when there is no file", async () => {
  await using test = await createList();
  assertEquals(test.labels(), ["127.0.0.1:53"]);
  assertEquals(test.log.lines.map(({ event }) => event), [
    "warn resolv.conf not read: the dns resolvers stay the same",
  ]);
});

Deno.test("ServerList keeps state and connection of a resolver that stays", async () => {
  await using test = await createList({
    resolvConf: "nameserver 192.0.2.1\nnameserver 192.0.2.2\n",
  });
  const [first, second] = test.list.all();
  await test.write("nameserver 192.0.2.3\nnameserver 192.0.2.1\n");
  await test.clock.advance(10_000);
  assertEquals(test.labels(), ["192.0.2.3:53", "192.0.2.1:53"]);
  assertEquals(test.list.all()[1] === first, true);
  const question = { name: "a.example", type: "A" } as const;
  const asked = await second?.transport.ask(question, { deadline: Infinity, signal: undefined });
  const reply = asked?.reply;
  assertEquals(reply?.kind === "failed" && reply.detail, "the client is closed");
});

Deno.test("candidates() leaves resolvers that are down to the last, until they give a sign of life", async () => {
  await using server = await startFakeDnsServer();
  await using test = await createList({ servers: [server.address, "127.0.0.1:9"] });
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
  await clock.advance(29_999);
  assertEquals(list.candidates(new Set()), [second]);
  assertEquals(server.questions, []);
  await clock.advance(1);
  assertEquals(list.candidates(new Set()), [second]);
  await passTime(clock, test.renewed.promise);
  assertEquals(list.candidates(new Set()), [first, second]);
  list.setUp(first);
  list.setUp(second);
  assertEquals(test.log.lines, [
    { event: "warn dns resolver is down", fields: { server: server.address, detail: "gone" } },
    { event: "info dns resolver is up again", fields: { server: server.address } },
  ]);
});

Deno.test("ServerList makes new ways to its resolvers when resolv.conf asks for TCP alone", async () => {
  await using test = await createList({ resolvConf: "nameserver 192.0.2.1\n" });
  const [before] = test.list.all();
  assertEquals(before?.transport.state().udp, "unknown");
  await test.write("options edns0 use-vc trust-ad\nnameserver 192.0.2.1\n");
  await test.clock.advance(10_000);
  const [after] = test.list.all();
  assertEquals(after?.transport.state().udp, "off");
  assertEquals(test.list.all().length, 1);
});

Deno.test("close() leaves no resolver, and nothing brings one back", async () => {
  await using test = await createList({ resolvConf: "nameserver 192.0.2.1\n" });
  const [server] = test.list.all();
  test.list.close();
  await test.clock.advance(60_000);
  if (server !== undefined) test.list.setAside(server, "closed");
  assertEquals([test.labels(), test.down()], [[], false]);
});
