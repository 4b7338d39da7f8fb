import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { runCli } from "../../src/cli/cli.ts";
import type { Io } from "../../src/cli/command.ts";
import { startDaemon, startOutside } from "../fakes/daemon.ts";
import { runProgram } from "../fakes/program.ts";

/** Waits, ms. */
const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Runs a command in this process. */
async function cli(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  let out = "";
  let err = "";
  const io: Io = {
    out: (text) => out += text,
    err: (line) => err += `${line}\n`,
    env: (name) => Deno.env.get(name),
    isTerminal: false,
  };
  return { code: await runCli(argv, io), out, err };
}

Deno.test("cache commands work over the control socket, which is the operator's alone", async () => {
  await using outside = await startOutside();
  outside.publish("good.example");
  const control = `${outside.directory}/control.sock`;
  const config = await outside.configure(`control: "unix:${control}"`);
  await using daemon = await startDaemon({ config });
  await daemon.query("good.example");
  assertEquals(((await Deno.lstat(control)).mode ?? 0) & 0o777, 0o600);

  const shown = await cli("cache", "show", "-c", config, "good.example");
  assertEquals(shown.code, 0, shown.err);
  assertStringIncludes(shown.out, "mode enforce, id 1, max_age 604800 s");
  assertStringIncludes(shown.out, "MX hosts   mx.good.example");

  outside.publish("good.example", { id: "1", mode: "testing" });
  const refreshed = await cli("cache", "refresh", "-c", config, "--json", "good.example");
  assertEquals(JSON.parse(refreshed.out).mode, "testing");
  assertEquals(await daemon.query("good.example"), ["NOTFOUND "]);

  outside.hosts.add("good.example", { policy: "nothing" });
  const failed = await cli("cache", "refresh", "-c", config, "good.example");
  assertEquals(failed.code, 3);
  assertStringIncludes(failed.err, "policy-syntax");
  // The daemon writes failures in groups, within a second.
  let problems = await cli("cache", "list", "-c", config, "--problems");
  while (!problems.out.includes("good.example")) {
    await pause(20);
    problems = await cli("cache", "list", "-c", config, "--problems");
  }
  assertStringIncludes(problems.out, "good.example\ttesting\t1\t");

  assertEquals((await cli("cache", "purge", "-c", config, "good.example")).code, 0);
  assertEquals((await cli("cache", "show", "-c", config, "good.example")).code, 1);
});

Deno.test("cache commands work on the file when no daemon runs", async () => {
  await using outside = await startOutside();
  outside.publish("good.example");
  outside.publish("sub.good.example", { mode: "testing" });
  const config = await outside.configure();
  const daemon = await startDaemon({ config });
  assertEquals(await daemon.query("good.example", "sub.good.example"), [
    "OK secure match=mx.good.example servername=hostname",
    "NOTFOUND ",
  ]);
  daemon.signal("SIGTERM");
  await daemon.ended;

  const list = await cli("cache", "list", "-c", config);
  assertEquals(list.out.split("\n").map((line) => line.split("\t")[0]), [
    "domain",
    "good.example",
    "sub.good.example",
    "",
  ]);
  const below = await cli("cache", "list", "-c", config, "--json", "*.good.example");
  assertEquals(JSON.parse(below.out).domain, "sub.good.example");
  const testing = await cli("cache", "list", "-c", config, "--mode", "testing");
  assertEquals(testing.out.trim().split("\n").length, 2);
  const lines = (await cli("cache", "export", "-c", config)).out.trim().split("\n");
  assertEquals(lines.length, 2);
  assertEquals(JSON.parse(lines[0]!).dane.hosts, ["mx.good.example"]);
  const purged = await cli("cache", "purge", "-c", config, "good.example");
  assertStringIncludes(purged.err, "a running daemon still holds the policy in memory");
  assertEquals((await cli("cache", "show", "-c", config, "good.example")).code, 1);
  assertEquals((await cli("cache", "show", "-c", config, "sub.good.example")).code, 0);
});

Deno.test("cache commands say what is wrong in one line", async () => {
  await using outside = await startOutside();
  const config = await outside.configure();
  const calls: [string[], number, string][] = [
    [["cache", "list"], 3, "cannot read"],
    [["cache", "list", "--mode", "strict"], 2, "'--mode' takes enforce, testing or none"],
    [["cache", "show", "a b"], 2, "not a domain"],
    [["cache", "list", "*.*"], 2, "not a domain"],
    [["cache"], 2, "incomplete command 'cache': use one of 'cache list'"],
  ];
  for (const [argv, code, text] of calls) {
    const operands = argv.length > 1 ? [...argv, "-c", config] : argv;
    const result = await cli(...operands);
    assertEquals(result.code, code, result.err);
    assertStringIncludes(result.err, text);
    assert(!result.err.trim().includes("\n"));
  }
});

/** Everything in a directory but sockets and the configuration, with the rows of the cache. */
function contentsOf(directory: string): string {
  const database = new DatabaseSync(`${directory}/cache.db`, { readOnly: true });
  const rows = ["policies", "failures", "mx"].map((table) =>
    database.prepare(`SELECT * FROM ${table}`).all()
  );
  database.close();
  const names = Array.from(Deno.readDirSync(directory), ({ name }) => name);
  return JSON.stringify([rows, names.filter((name) => name.startsWith("cache.db")).sort()]);
}

Deno.test("what only looks at the cache changes nothing in it, whatever the clock says", async () => {
  await using outside = await startOutside();
  outside.publish("good.example");
  const config = await outside.configure();
  await using daemon = await startDaemon({ config });
  await daemon.query("good.example");
  {
    // The daemon's clock is ahead by a month.
    const database = new DatabaseSync(`${outside.directory}/cache.db`);
    database.exec("UPDATE clock SET last_seen = last_seen + 2592000000");
    database.close();
  }
  const before = contentsOf(outside.directory);
  const commands = [["list"], ["show", "good.example"], ["export"], ["list"], ["list"]];
  for (const [name = "", ...operands] of commands) {
    const { code, out, err } = await cli("cache", name, "-c", config, ...operands);
    assertEquals([code, err], [0, ""]);
    assertStringIncludes(out, "good.example");
  }
  const { code, out } = await runProgram(["lookup", "-c", config, "good.example"]);
  assertEquals(code, 0);
  assertStringIncludes(out, "Cache       id 1, fetched ");
  assertEquals(contentsOf(outside.directory), before);
});

Deno.test("what only looks at a damaged cache says so in one line and leaves it where it is", async () => {
  await using outside = await startOutside();
  outside.publish("good.example");
  const config = await outside.configure();
  const daemon = await startDaemon({ config });
  await daemon.query("good.example");
  daemon.signal("SIGTERM");
  await daemon.ended;
  const file = `${outside.directory}/cache.db`;
  {
    using handle = Deno.openSync(file, { write: true });
    handle.seekSync(4096, Deno.SeekMode.Start);
    handle.writeSync(new Uint8Array(Deno.statSync(file).size - 4096).fill(0x5a));
  }
  const octets = Deno.readFileSync(file);
  for (const [name = "", ...operands] of [["list"], ["show", "good.example"], ["export"]]) {
    const { code, err } = await cli("cache", name, "-c", config, ...operands);
    assertEquals(code, 3);
    assertStringIncludes(
      err,
      `cannot read ${file}: database disk image is malformed: it is damaged`,
    );
    assert(!err.trim().includes("\n"));
  }
  assertEquals(Deno.readFileSync(file), octets);
  const names = Array.from(Deno.readDirSync(outside.directory), ({ name }) => name);
  assertEquals(names.filter((name) => name.startsWith("cache.db")), ["cache.db"]);
});
