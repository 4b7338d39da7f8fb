import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { createRandom } from "../fakes/random.ts";
import { startDaemon, startOutside } from "../fakes/daemon.ts";

Deno.test("serve answers over TCP and a UNIX socket and stops when told", async () => {
  await using outside = await startOutside();
  outside.publish("good.example");
  const socket = `${outside.directory}/postfix.sock`;
  const config = await outside.configure();
  await using daemon = await startDaemon({
    config,
    args: ["--listen", "inet:127.0.0.1:0", "--listen", `unix:${socket}`],
  });
  assertEquals(await daemon.query("good.example", ".example", "GOOD.Example", "none.example"), [
    "OK secure match=mx.good.example servername=hostname",
    "NOTFOUND ",
    "OK secure match=mx.good.example servername=hostname",
    "NOTFOUND ",
  ]);
  assertEquals(((await Deno.lstat(socket)).mode ?? 0) & 0o777, 0o660);
  daemon.signal("SIGTERM");
  assertEquals((await daemon.ended).code, 0);
  assertStringIncludes(daemon.lines.at(-1) ?? "", "stopped");
  await Deno.lstat(socket).then(() => assert(false, "socket file is left"), () => {});
});

Deno.test("serve answers what it had acknowledged after kill -9, with DNS and HTTPS off (RFC 8461 §10.2)", async () => {
  await using outside = await startOutside();
  const domains = Array.from({ length: 60 }, (_, index) => `d${index}.example`);
  for (const domain of domains) outside.publish(domain);
  const config = await outside.configure();
  const acknowledged = new Map<string, string>();
  const random = createRandom(9);
  for (let round = 0; round < 3; round++) {
    const daemon = await startDaemon({ config });
    const killAfter = 5 + random.int(15);
    const asking = domains.slice(round * 20, round * 20 + 20).map(async (domain) => {
      const [reply] = await daemon.query(domain);
      assertStringIncludes(reply ?? "", "OK secure");
      acknowledged.set(domain, reply ?? "");
      if (acknowledged.size === round * 20 + killAfter) daemon.signal("SIGKILL");
    });
    await Promise.allSettled(asking);
    await daemon[Symbol.asyncDispose]();
  }
  assert(acknowledged.size >= 15);
  for (const question of Object.keys(outside.dns.table)) delete outside.dns.table[question];
  outside.dns.table["NS ."] = { rcode: "SERVFAIL" };
  for (const domain of domains) outside.dns.table[`TXT _mta-sts.${domain}`] = { rcode: "SERVFAIL" };
  await using daemon = await startDaemon({ config });
  for (const [domain, reply] of acknowledged) assertEquals(await daemon.query(domain), [reply]);
});

Deno.test("serve reloads on HUP, and refuses a configuration with mistakes whole", async () => {
  await using outside = await startOutside();
  outside.publish("testing.example", { mode: "testing" });
  const config = await outside.configure();
  await using daemon = await startDaemon({ config });
  assertEquals(await daemon.query("testing.example"), ["NOTFOUND "]);

  await outside.configure("zones: { postfix: { strict_testing: maybe } }");
  daemon.signal("SIGHUP");
  assertStringIncludes(await daemon.logged("reload refused"), "zones.postfix.strict_testing");
  assertEquals(await daemon.query("testing.example"), ["NOTFOUND "]);

  await outside.configure("zones: { postfix: { strict_testing: true } }");
  daemon.signal("SIGHUP");
  await daemon.logged(" reloaded ");
  assertEquals(await daemon.query("testing.example"), [
    "OK secure match=mx.testing.example servername=hostname",
  ]);
});

Deno.test("serve refuses to reload with a proxy given by name after a start that looks up none", async () => {
  await using outside = await startOutside();
  outside.publish("new.example");
  const config = await outside.configure();
  await using daemon = await startDaemon({ config });
  const text = await Deno.readTextFile(config);
  const named = text.replace(/(?<=proxy\S*\s*"?http:\/\/)127\.0\.0\.1/, "proxy.test");
  assert(named !== text);
  await Deno.writeTextFile(config, named);
  daemon.signal("SIGHUP");
  assertStringIncludes(
    await daemon.logged("reload refused"),
    "Cannot look up the name of a proxy after a start without one",
  );
  // The daemon still fetches through the former proxy.
  assertEquals(await daemon.query("new.example"), [
    "OK secure match=mx.new.example servername=hostname",
  ]);
  await Deno.writeTextFile(config, text);
  daemon.signal("SIGHUP");
  await daemon.logged(" reloaded ");
});

Deno.test("serve answers a query that a reload finds under way", async () => {
  await using outside = await startOutside();
  outside.publish("slow.example");
  const txt = outside.dns.table["TXT _mta-sts.slow.example"]!;
  const arrival = Promise.withResolvers<void>();
  outside.dns.table["TXT _mta-sts.slow.example"] = { ...txt, after: arrival.promise };
  const config = await outside.configure();
  await using daemon = await startDaemon({ config });
  const asked = outside.dns.questions.length;
  const query = daemon.query("slow.example");
  await outside.dns.asked(asked + 1);
  daemon.signal("SIGHUP");
  await daemon.logged(" reloaded ");
  arrival.resolve();
  assertEquals(await query, ["OK secure match=mx.slow.example servername=hostname"]);
});

Deno.test("serve starts with the files of postfix-mta-sts-resolver unchanged", async () => {
  const legacy = new URL("../config/legacy/", import.meta.url).pathname;
  const files = [...Deno.readDirSync(legacy)].map(({ name }) => name).filter((name) =>
    name.endsWith(".yml")
  );
  assert(files.length >= 8);
  for (const name of files) {
    // Where it listens and stores are this machine's affair; the rest is taken as it stands.
    await using daemon = await startDaemon({
      config: `${legacy}${name}`,
      args: ["--listen", "inet:127.0.0.1:0", "--cache", "memory"],
    });
    assertEquals(await daemon.query(".example"), ["NOTFOUND "], name);
  }
});

Deno.test("serve refuses to start on a socket in use, a cache others can write, or a wrong option", async () => {
  await using outside = await startOutside();
  const config = await outside.configure();
  await using daemon = await startDaemon({ config });
  const unsafe = await Deno.makeTempDir();
  await Deno.chmod(unsafe, 0o777);
  const mistakes: [string[], number, string][] = [
    [["--listen", `inet:127.0.0.1:${daemon.port}`], 3, `127.0.0.1:${daemon.port}`],
    [["--cache", `${unsafe}/cache.db`], 2, unsafe],
    [["--log-level", "loud"], 2, "--log-level"],
    [["--config", "/nonexistent.yml"], 2, "/nonexistent.yml"],
    [["--cahce", "x"], 2, "--cahce"],
  ];
  for (const [args, code, text] of mistakes) {
    const named = args.includes("--config") ? [] : ["--config", config];
    const { code: actual, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", "main.ts", "serve", ...named, ...args],
      cwd: new URL("../../", import.meta.url),
      env: { NO_COLOR: "1" },
    }).output();
    const said = new TextDecoder().decode(stderr);
    assertEquals(actual, code, said);
    assertStringIncludes(said, text);
  }
  await Deno.remove(unsafe, { recursive: true });
});
