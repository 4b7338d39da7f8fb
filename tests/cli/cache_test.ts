import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { serviceCacheFile } from "../../src/cli/cache_source.ts";
import { findDaemon } from "../../src/cli/find_daemon.ts";
import { type Schema, violations } from "../check/json_schema.ts";
import { type Outside, startDaemon, startOutside } from "../fakes/daemon.ts";
import { runProgram } from "../fakes/program.ts";
import { cli } from "./support.ts";

const SCHEMA: Schema = JSON.parse(
  Deno.readTextFileSync(new URL("../../docs/cache.schema.json", import.meta.url)),
);

/** Says where the lines of an output depart from one form of the schema. */
function faults(out: string, form: string): string[] {
  const lines = out.split("\n").slice(0, -1);
  assert(lines.length > 0);
  const schema = { ...SCHEMA, $ref: `#/$defs/${form}` };
  return lines.flatMap((line) => violations(JSON.parse(line), schema));
}

/** A configuration with a control socket; whether a daemon serves it is up to the test. */
async function configure(outside: Outside): Promise<{ config: string; control: string }> {
  const control = `${outside.directory}/control.sock`;
  return { config: await outside.configure(`control: "unix:${control}"`), control };
}

Deno.test("cache commands ask the daemon on the control socket, which is the operator's alone", async () => {
  await using outside = await startOutside();
  outside.publish("good.example");
  const { config, control } = await configure(outside);
  await using daemon = await startDaemon({ config });
  await daemon.query("good.example");
  assertEquals(((await Deno.lstat(control)).mode ?? 0) & 0o777, 0o600);
  const shown = await cli("cache", "show", "-c", config, "good.example");
  assertEquals([shown.code, shown.err], [0, `asked the daemon on unix:${control}\n`]);
  assertStringIncludes(shown.out, "mode enforce, id 1, max_age 604800 s");
  assertStringIncludes(shown.out, "MX hosts   mx.good.example");

  outside.publish("good.example", { id: "1", mode: "testing" });
  const refreshed = await cli("cache", "refresh", "-c", config, "--json", "good.example");
  assertEquals(JSON.parse(refreshed.out).mode, "testing");
  assertEquals(faults(refreshed.out, "held"), []);
  assertEquals(await daemon.query("good.example"), ["NOTFOUND "]);

  outside.hosts.add("good.example", { policy: "nothing" });
  const failed = await cli("cache", "refresh", "-c", config, "good.example");
  assertEquals(failed.code, 3);
  assertStringIncludes(failed.err, "policy-syntax");

  assertEquals((await cli("cache", "purge", "-c", config, "good.example")).code, 0);
  assertEquals((await cli("cache", "show", "-c", config, "good.example")).code, 1);
});

Deno.test("cache list --problems lists what cannot be fetched, held or not", async () => {
  await using outside = await startOutside();
  for (const domain of ["held.example", "never.example", "good.example"]) outside.publish(domain);
  outside.hosts.add("never.example", { policy: "nothing" });
  const { config } = await configure(outside);
  await using daemon = await startDaemon({ config });
  await daemon.query("held.example", "never.example", "good.example");
  outside.hosts.add("held.example", { policy: "nothing" });
  await cli("cache", "refresh", "-c", config, "held.example");

  const problems = await cli("cache", "list", "-c", config, "--problems", "--json");
  assertEquals(faults(problems.out, "entry"), []);
  const entries = problems.out.trim().split("\n").map((line) => JSON.parse(line));
  assertEquals(entries.map(({ domain, mode }) => [domain, mode]), [
    ["held.example", "enforce"],
    ["never.example", undefined],
  ]);
  assertEquals(entries[1].failure.reason, "policy-syntax");
  const one = await cli("cache", "list", "-c", config, "--problems", "never.example");
  assertMatch(one.out, /^domain +mode .*\nnever\.example +- .* policy-syntax\n$/);
  const testing = await cli("cache", "list", "-c", config, "--problems", "--mode", "testing");
  assertEquals(testing.out.split("\n").length, 2);
  const whole = await cli("cache", "list", "-c", config, "--problems");
  assertStringIncludes(whole.out, "Policies that cannot be fetched\n");
  assertMatch(
    whole.out,
    /\n {2}never\.example\n {4}policy-syntax: .*\n {4}since .*\n {4}The policy file/,
  );
});

Deno.test("without a daemon, what looks reads the file and says so; what changes is refused", async () => {
  await using outside = await startOutside();
  outside.publish("good.example");
  outside.publish("sub.good.example", { mode: "testing" });
  const { config, control } = await configure(outside);
  const file = `${outside.directory}/cache.db`;
  const daemon = await startDaemon({ config });
  assertEquals(await daemon.query("good.example", "sub.good.example"), [
    "OK secure match=mx.good.example servername=hostname",
    "NOTFOUND ",
  ]);
  daemon.signal("SIGTERM");
  await daemon.ended;
  const asked = `asked the file ${file}, because no daemon answers on unix:${control}\n`;

  const list = await cli("cache", "list", "-c", config);
  assertEquals(list.err, asked);
  const lines = list.out.trim().split("\n");
  assertEquals(lines.map((line) => line.split(/ +/)[0]), [
    "domain",
    "good.example",
    "sub.good.example",
  ]);
  assertEquals(new Set(lines.map((line) => / (mode|enforce|testing) /.exec(line)?.index)).size, 1);
  const below = await cli("cache", "list", "-c", config, "--json", "*.good.example");
  assertEquals(JSON.parse(below.out).domain, "sub.good.example");
  const testing = await cli("cache", "list", "-c", config, "--mode", "testing");
  assertEquals(testing.out.trim().split("\n").length, 2);
  const exported = await cli("cache", "export", "-c", config);
  assertEquals(faults(exported.out, "held"), []);
  const rows = exported.out.trim().split("\n").map((line) => JSON.parse(line));
  assertEquals(rows[0].dane.hosts, ["mx.good.example"]);
  assertStringIncludes(rows[0].text, "mode: enforce\r\n");

  for (
    const argv of [["refresh", "good.example"], ["purge", "good.example"], ["import", "/dev/null"]]
  ) {
    const refused = await cli("cache", ...argv, "-c", config);
    assertEquals([refused.code, refused.out], [2, ""]);
    assertStringIncludes(
      refused.err,
      `no daemon answers on unix:${control}: start it, or name the cache file with --offline`,
    );
  }
  assertEquals((await cli("cache", "show", "-c", config, "good.example")).code, 0);
  const purged = await cli("cache", "purge", "-c", config, "--offline", file, "good.example");
  assertEquals(purged.code, 0);
  assertStringIncludes(purged.err, `asked the file ${file}\n`);
  assertStringIncludes(purged.err, "still holds in memory");
  assertEquals((await cli("cache", "show", "-c", config, "good.example")).code, 1);
  assertEquals((await cli("cache", "show", "-c", config, "sub.good.example")).code, 0);
});

Deno.test("cache purge --all forgets every domain, if that is confirmed", async () => {
  await using outside = await startOutside();
  const domains = ["a.example", "b.example", "never.example"];
  for (const domain of domains) outside.publish(domain);
  outside.hosts.add("never.example", { policy: "nothing" });
  const { config } = await configure(outside);
  await using daemon = await startDaemon({ config });
  await daemon.query(...domains);
  const unsure = await cli("cache", "purge", "--all", "-c", config);
  assertEquals(unsure.code, 2);
  assertStringIncludes(unsure.err, "add --yes");
  for (const argv of [["--all", "--yes", "a.example"], []]) {
    const { err } = await cli("cache", "purge", "-c", config, ...argv);
    assertStringIncludes(err, "'cache purge' takes a domain, or --all instead");
  }
  const { out } = await cli("cache", "purge", "--all", "--yes", "-c", config);
  assertEquals(out, "3 domains forgotten\n");
  assertEquals((await cli("cache", "list", "--json", "-c", config)).out, "");
  const again = await cli("cache", "purge", "--all", "--yes", "--json", "-c", config);
  assertEquals(again.out, '{"purged":0}\n');
});

Deno.test("cache import takes over what is newer and valid, and nothing else", async () => {
  await using outside = await startOutside();
  for (const domain of ["a.example", "b.example"]) outside.publish(domain);
  const { config } = await configure(outside);
  await using daemon = await startDaemon({ config });
  await daemon.query("a.example", "b.example");
  const file = `${outside.directory}/export.jsonl`;
  const { out } = await cli("cache", "export", "-c", config);
  Deno.writeTextFileSync(file, out);
  const same = await cli("cache", "import", "-c", config, "--json", file);
  assertEquals(JSON.parse(same.out), { added: 0, replaced: 0, kept: 2, expired: 0, invalid: 0 });
  assertEquals(faults(same.out, "imported"), []);

  await cli("cache", "purge", "-c", config, "a.example");
  Deno.writeTextFileSync(file, `${out}\n{"domain":"c.example"}\nnonsense\n\xff\n`);
  const restored = await cli("cache", "import", "-c", config, file);
  assertEquals(restored.code, 1);
  assertEquals(
    restored.out,
    "1 added, 0 replaced, 1 kept as they are (not older), 0 expired, 3 invalid\n",
  );
  assertMatch(restored.err, /^line 4 skipped: text is missing$/m);
  assertMatch(restored.err, /^line 5 skipped: it is not an object$/m);
  // The host is gone: this is the policy that was imported.
  outside.hosts.add("a.example", { policy: "nothing" });
  assertEquals(await daemon.query("a.example"), [
    "OK secure match=mx.a.example servername=hostname",
  ]);
  const missing = await cli("cache", "import", "-c", config, `${file}.gone`);
  assertEquals([missing.code, missing.err], [2, `mta-sts-resolver: there is no ${file}.gone\n`]);
});

Deno.test("cache export --format postfix prints what Postfix would be answered", async () => {
  await using outside = await startOutside();
  outside.publish("a.example");
  outside.publish("b.example", { mode: "testing" });
  const { config } = await configure(outside);
  await using daemon = await startDaemon({ config });
  await daemon.query("a.example", "b.example");
  const { out } = await cli("cache", "export", "-c", config, "--format", "postfix");
  const lines = out.split("\n").filter((line) => !line.startsWith("#"));
  assertEquals(lines, ["a.example secure match=mx.a.example servername=hostname", ""]);
  assertMatch(out, /^# Policies that were held by mta-sts-resolver on 20/);
  const wrong = await cli("cache", "export", "-c", config, "--format", "xml");
  assertStringIncludes(wrong.err, "'--format' takes json or postfix: given 'xml'");
});

Deno.test("cache commands say what is wrong in one line", async () => {
  await using outside = await startOutside();
  const { config } = await configure(outside);
  const calls: [string[], number, string][] = [
    [["cache", "list"], 3, `there is no ${outside.directory}/cache.db: has a daemon created it?`],
    [["cache", "list", "--offline", "/nowhere"], 3, "there is no /nowhere"],
    [["cache", "purge", "--offline", "/nowhere", "a.example"], 3, "there is no /nowhere"],
    [["cache", "list", "--mode", "strict"], 2, "--mode takes one of enforce, testing, none"],
    [["cache", "show", "a b"], 2, "not a domain"],
    [["cache", "list", "*.*"], 2, "not a domain"],
  ];
  for (const [argv, code, text] of calls) {
    const result = await cli(...argv, "-c", config);
    assertEquals(result.code, code, result.err);
    assertStringIncludes(result.err, text);
    assert(!result.err.trim().includes("\n"));
  }
  const names = Array.from(Deno.readDirSync(outside.directory), ({ name }) => name);
  assertEquals(names.sort(), ["ca.pem", "config.yml"]);
});

Deno.test("findDaemon() believes the socket of the package only if it is the service's", async () => {
  const directory = Deno.makeTempDirSync();
  const path = `${directory}/control.sock`;
  const control = undefined;
  assertEquals(await findDaemon({ control }, path), {
    kind: "missing",
    why: `'control' is not set, and there is no ${path}`,
    advice: "start it with 'control' set",
  });
  const listener = Deno.listen({ transport: "unix", path });
  const accepting = listener.accept().then((conn) => conn.close());
  assertEquals((await findDaemon({ control }, path)).kind, "found");
  await accepting;
  Deno.chmodSync(directory, 0o777);
  assertEquals(await findDaemon({ control }, path), {
    kind: "missing",
    why: `'control' is not set, and ${path} does not belong to the service`,
    advice: "start it with 'control' set",
  });
  listener.close();
  Deno.removeSync(directory, { recursive: true });
});

Deno.test("serviceCacheFile() prefers the state directory of the service to that of this shell", () => {
  const directory = Deno.makeTempDirSync();
  const env = (variables: Record<string, string>) => (name: string) => variables[name];
  const root = env({ HOME: "/root" });
  const own = { cache: { file: "/root/.local/state/mta-sts-resolver/cache.db" } };
  const find = (config: { cache: { file: string | undefined } }, of = root) =>
    serviceCacheFile(config as Parameters<typeof serviceCacheFile>[0], {
      env: of,
      directories: ["/gone", directory],
    });
  assertEquals(find(own), `${directory}/cache.db`);
  assertEquals(find({ cache: { file: "/srv/cache.db" } }), "/srv/cache.db");
  assertEquals(find({ cache: { file: undefined } }), undefined);
  const unit = env({ STATE_DIRECTORY: "/state" });
  assertEquals(find({ cache: { file: "/state/cache.db" } }, unit), "/state/cache.db");
  Deno.removeSync(directory);
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
  const { config } = await configure(outside);
  await using daemon = await startDaemon({ config });
  await daemon.query("good.example");
  const file = `${outside.directory}/cache.db`;
  {
    // The daemon's clock is ahead by a month.
    const database = new DatabaseSync(file);
    database.exec("UPDATE clock SET last_seen = last_seen + 2592000000");
    database.close();
  }
  const before = contentsOf(outside.directory);
  for (const source of [[], ["--offline", file]]) {
    for (const [name = "", ...operands] of [["list"], ["show", "good.example"], ["export"]]) {
      const { code, out } = await cli("cache", name, "-c", config, ...source, ...operands);
      assertEquals(code, 0);
      assertStringIncludes(out, "good.example");
    }
    const { code, out } = await runProgram(["lookup", "-c", config, ...source, "good.example"]);
    assertEquals(code, 0);
    assertMatch(out, /Cache {7}id 1, fetched .* \(asked the (daemon on unix:|file)/);
  }
  assertEquals(contentsOf(outside.directory), before);
});

Deno.test("what only looks at a damaged cache says so in one line and leaves it where it is", async () => {
  await using outside = await startOutside();
  outside.publish("good.example");
  const { config } = await configure(outside);
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
    const { code, err } = await cli("cache", name, "--offline", file, "-c", config, ...operands);
    assertEquals(code, 3);
    assertStringIncludes(
      err,
      `cannot read ${file}: database disk image is malformed: it is damaged`,
    );
  }
  assertEquals(Deno.readFileSync(file), octets);
  const names = Array.from(Deno.readDirSync(outside.directory), ({ name }) => name);
  assertEquals(names.filter((name) => name.startsWith("cache.db")), ["cache.db"]);
});

Deno.test("a command whose output nobody reads any more ends quietly", async () => {
  const main = new URL("../../main.ts", import.meta.url).pathname;
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--no-check", main, "--help"],
    env: { DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" },
    stdout: "piped",
    stderr: "piped",
    stdin: "null",
  }).spawn();
  // The reader is gone before the program has started.
  await process.stdout.cancel();
  const error = await new Response(process.stderr).text();
  assertEquals([(await process.status).code, error], [0, ""]);
});
