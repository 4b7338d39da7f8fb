import { assert, assertEquals, assertMatch } from "@std/assert";
import { runCli } from "../../src/cli/cli.ts";
import { startDaemon, startOutside } from "../fakes/daemon.ts";
import type { Outside } from "../fakes/daemon.ts";

function check(...args: string[]): Promise<{ code: number; lines: string[] }> {
  return run("config", "check", ...args);
}

/** Runs the program in a process of its own, because trust roots and proxies belong to the process. */
async function run(...args: string[]): Promise<{ code: number; lines: string[] }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "main.ts", ...args],
    cwd: new URL("../../", import.meta.url),
    env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
  }).output();
  const text = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("");
  return { code, lines: text.trimEnd().split("\n") };
}

function about(lines: readonly string[], subject: string): string[] {
  return lines.filter((line) => line.slice("warning ".length).startsWith(`${subject}: `));
}

async function writeMainCf({ directory }: Outside, text: string): Promise<string> {
  const path = `${directory}/main.cf`;
  await Deno.writeTextFile(path, text);
  return path;
}

Deno.test("config check prints one line a finding, and compares main.cf", async () => {
  await using outside = await startOutside();
  const config = await outside.configure();
  const mainCf = await writeMainCf(outside, "smtp_tls_security_level = encrypt\n");
  const { code, lines } = await check("--config", config, "--main-cf", mainCf);
  assertEquals(code, 0, lines.join("\n"));
  assertEquals(lines[0], `ok      configuration: ${config}`);
  assertEquals(about(lines, "trust roots"), [
    `ok      trust roots: ${outside.directory}/ca.pem, certificates: 1`,
  ]);
  assertEquals(about(lines, "DNSSEC"), ["ok      DNSSEC: the resolver validates"]);
  const told = about(lines, "main.cf").map((line) => line.split(" ", 1)[0]);
  assertEquals(told, ["warning", "note", "warning", "warning"]);
  assertMatch(about(lines, "main.cf").join(), /set it, or 'default_zone: \{ dane: off \}'/);
  assert(about(lines, "listen").length === 0);
});

Deno.test("config check fails if the resolver refuses", async () => {
  await using outside = await startOutside();
  outside.disturb = () => ({ rcode: "REFUSED" });
  const { code, lines } = await check("--config", await outside.configure());
  assertEquals(code, 1, lines.join("\n"));
  assertMatch(about(lines, "DNSSEC").join(), /^failed {2}DNSSEC: the test query failed, .*refused/);
});

Deno.test("config check refuses what serve refuses, in the same words", async () => {
  await using outside = await startOutside();
  const open = `${outside.directory}/open`;
  await Deno.mkdir(open);
  await Deno.chmod(open, 0o777);
  for (
    const [more, change] of [
      ["http: 127.0.0.1:8461", (text: string) => text],
      ["", (text: string) => text.replace("/cache.db", "/open/cache.db")],
      ["", (text: string) => text.replace("/ca.pem", "/gone.pem")],
    ] as const
  ) {
    const config = await outside.configure(more);
    await Deno.writeTextFile(config, change(await Deno.readTextFile(config)));
    const { code, lines } = await check("--config", config);
    const errors = lines.filter((line) => line.startsWith("mta-sts-resolver: "));
    assertEquals(code, 2, lines.join("\n"));
    const served = await run("serve", "--config", config);
    const refusals = served.lines.filter((line) => line.startsWith("mta-sts-resolver: "));
    assertEquals([served.code, refusals], [2, errors]);
  }
});

Deno.test("config check --connect tries the sockets and one fetch", async () => {
  await using outside = await startOutside();
  outside.publish("good.example");
  using busy = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const socket = `${outside.directory}/postfix.sock`;
  const config = await outside.configure(
    `listen: unix:${socket}\nhttp: 127.0.0.1:${busy.addr.port}`,
  );
  const silent = await check("--config", config, "--connect", "good.example");
  assertEquals(silent.code, 1);
  assertEquals(about(silent.lines, "listen"), [`ok      listen: unix:${socket}: free`]);
  assertEquals(about(silent.lines, "http"), [
    `failed  http: inet:127.0.0.1:${busy.addr.port}: another program has it; ` +
    `'ss -ltnp 'sport = :${busy.addr.port}'' names it`,
  ]);
  assertMatch(about(silent.lines, "fetch").join(), /^ok {6}fetch: the policy of good\.example/);
  assertMatch(about(silent.lines, "fetch").join(), /, mode enforce$/);
});

Deno.test("config check --connect asks a daemon that has the sockets", async () => {
  await using outside = await startOutside();
  const [socket, control, http] = ["postfix", "control", "http"]
    .map((name) => `unix:${outside.directory}/${name}.sock`);
  const config = await outside.configure(
    `listen: ${socket}\ncontrol: ${control}\nhttp: ${http}\n`,
  );
  await using _daemon = await startDaemon({ config, args: [] });
  const { code, lines } = await check("--config", config, "--connect", "gone.example");
  assertEquals(code, 1);
  for (const [subject, address] of Object.entries({ listen: socket, control, http })) {
    assertEquals(about(lines, subject), [
      `ok      ${subject}: ${address}: the daemon answers there`,
    ]);
  }
  assertMatch(about(lines, "fetch").join(), /^failed {2}fetch: the policy of gone\.example: /);
});

Deno.test("an error is an error in the journal, too", async () => {
  const err: string[] = [];
  const io = { out: () => {}, env: () => undefined, isTerminal: false, journal: true };
  await runCli(["config", "check", "--config", "/gone.yml"], {
    ...io,
    err: (line) => err.push(line),
  });
  assertMatch(err.join(), /^<3>mta-sts-resolver: \/gone\.yml: cannot be read/);
});

Deno.test("config check as root names the service's cache, not one of root's", async () => {
  if (Deno.uid() !== 0) return;
  await using outside = await startOutside();
  const config = await outside.configure();
  const text = await Deno.readTextFile(config);
  await Deno.writeTextFile(config, text.replace(/^cache: .*$/m, ""));
  await Deno.chmod(config, 0o600);
  const { lines } = await check("--config", config);
  assertEquals(about(lines, "cache"), [
    "ok      cache: cache.db in the state directory of the service, such as /var/lib/mta-sts-resolver",
  ]);
  assertMatch(
    about(lines, "permissions").join(),
    /^warning permissions: .* has mode 0600: the service/,
  );
});
