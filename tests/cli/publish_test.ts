import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { runCli } from "../../src/cli/cli.ts";
import { formatPolicy } from "../../src/sts/policy.ts";
import { createCertificate } from "../fakes/certificates.ts";
import { startDaemon, startOutside } from "../fakes/daemon.ts";
import type { Daemon, DaemonOptions, Outside } from "../fakes/daemon.ts";
import { txt } from "../fakes/fake_dns_server.ts";

const DOMAIN = "a.example";
const HOST = `mta-sts.${DOMAIN}`;
const PROGRAM = [Deno.execPath(), "run", "-A", "--quiet"];
const MAIN = new URL("../../main.ts", import.meta.url).pathname;

/** Runs the program in this process. */
async function call(...argv: string[]) {
  const [out, err]: string[][] = [[], []];
  const status = await runCli(argv, {
    out: (text) => out!.push(text),
    err: (line) => err!.push(line),
    env: () => undefined,
    isTerminal: false,
  });
  return { status, out: out!.join(""), err: err!.join("\n") };
}

/** Runs the program in a process of its own: the one way to have its own trust roots. */
async function spawn(...argv: string[]) {
  const [command = "", ...first] = PROGRAM;
  const { code, stdout, stderr } = await new Deno.Command(command, {
    args: [...first, MAIN, ...argv],
    env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
  }).output();
  const decoder = new TextDecoder();
  return { status: code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
}

function startServer(options: DaemonOptions): Promise<Daemon> {
  return startDaemon({ ...options, command: [...PROGRAM, MAIN, "publish"] });
}

/** The port of a listener, from the log. */
function portOf(daemon: Daemon, protocol: string): number {
  const line = daemon.lines.find((text) => text.includes(`protocol=${protocol} `)) ?? "";
  return parseInt(/:(\d+)$/.exec(line)?.[1] ?? "0", 10);
}

/** A directory for one test, removed at its end. */
async function createDirectory() {
  const path = await Deno.makeTempDir();
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

Deno.test("publish lint prints findings and senders, and exits by the gravest", async () => {
  await using directory = await createDirectory();
  const good = `${directory.path}/good.txt`;
  const bad = `${directory.path}/bad.txt`;
  const policy = formatPolicy({ mode: "enforce", mx: ["mx.a.example"], maxAge: 1209600 });
  await Deno.writeTextFile(good, policy);
  await Deno.writeTextFile(bad, `${policy}\r\n\x1b[31mx: y\r\n`);
  const clean = await call("publish", "lint", good);
  assertEquals([clean.status, clean.err], [0, ""]);
  assertStringIncludes(clean.out, "good.txt: no mistakes\n");
  const found = await call("publish", "lint", good, bad);
  assertEquals(found.status, 1);
  assertStringIncludes(found.out, "  warning: line 5: the line is blank\n");
  assertStringIncludes(found.out, "[blank-line, RFC 8461 §3.2]");
  assertStringIncludes(found.out, "a malformed line costs the whole policy (lines 5, 6)");
  assert(!found.out.includes("\x1b"));
  assertEquals((await call("publish", "lint", `${directory.path}/none.txt`)).status, 2);
  assertEquals((await call("publish", "lint", directory.path)).status, 2);
});

Deno.test("publish lint --json prints one object a file", async () => {
  await using directory = await createDirectory();
  const file = `${directory.path}/a.txt`;
  await Deno.writeTextFile(file, "\ufeffversion: STSv1\n");
  const { status, out } = await call("publish", "lint", "--json", file);
  const [report] = out.trimEnd().split("\n").map((line) => JSON.parse(line));
  assertEquals([status, report.file, report.usable], [1, file, false]);
  assertEquals(report.findings.at(-1), {
    code: "byte-order-mark",
    severity: "error",
    line: 1,
    message: "the line begins with a byte order mark",
    text: "\ufeffversion: STSv1",
    advice: "save the file as UTF-8 without a byte order mark",
    section: "RFC 8461 §3.2",
  });
  assertEquals(report.senders.length, 5);
  assertEquals(report.senders[0], {
    sender: "mta-sts-resolver",
    verdict: "refuses",
    reasons: [{ why: "it holds no valid policy", lines: [0, 0, 0, 1] }],
  });
});

Deno.test("publish refuses wrong arguments with status 2", async () => {
  const mistakes: [string[], string][] = [
    [["init", "192.0.2.1"], "not a domain"],
    [["init", "localhost"], "not a domain"],
    [["init", DOMAIN, "--mode", "none"], "--mode takes one of testing, enforce: given 'none'"],
    [["init", DOMAIN, "--max-age", "1e3"], "--max-age takes a number of seconds: given '1e3'"],
    [
      ["init", DOMAIN, "--max-age", "31557601"],
      "--max-age takes at most 31557600 (RFC 8461 §3.2): given 31557601",
    ],
    [
      ["init", DOMAIN, "--mx", "*"],
      '--mx takes a host name or a wildcard such as *.example.com: given "*"',
    ],
    [["init", DOMAIN, "--rua", "x"], '--rua takes a mail address or https URI: given "x"'],
    [["init", DOMAIN, "--web-host", "a b"], '--web-host takes a host name or address: given "a b"'],
    [["init", DOMAIN, "--web", "iis"], "--web takes one of nginx"],
    [["init", DOMAIN, "--out", "/a$b"], "characters that need quoting"],
    [["roll", DOMAIN, "--id", "a-b"], "--id takes 1 to 32 letters"],
    [["roll", DOMAIN, "--mode", "none", "--file", "x"], "--file replaces the whole policy"],
    [["roll", DOMAIN, "--file", "/nonexistent"], "there is no /nonexistent"],
    [["serve"], "--policies DIR is missing"],
    [["serve", "-p", "/tmp"], "HTTPS needs --certs DIR"],
    [["serve", "-p", "/tmp", "--http", "8080"], "--http takes an address such as 127.0.0.1:8080"],
    [
      ["serve", "-p", "/tmp", "--http", "unix:/x"],
      "--http takes an address such as 127.0.0.1:8080",
    ],
  ];
  for (const [argv, text] of mistakes) {
    const { status, err } = await call("publish", ...argv);
    assertEquals(status, 2, err);
    assertStringIncludes(err, text);
  }
});

Deno.test("publish serve says where it cannot listen, with status 3", async () => {
  await using directory = await createDirectory();
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const address = `127.0.0.1:${taken.addr.port}`;
  const { status, err } = await spawn("publish", "serve", "-p", directory.path, "--http", address);
  assertEquals(status, 3);
  assertStringIncludes(err, `Cannot listen on inet:${address}`);
});

/** Leads connections to the policy host of the domain to our own server. */
function route(outside: Outside, port: number): void {
  outside.dns.table[`A ${HOST}`] = { answers: [{ type: "A", data: "127.0.0.1" }] };
  outside.hosts.add(DOMAIN, {
    async raw(conn) {
      using server = await Deno.connect({ hostname: "127.0.0.1", port });
      await Promise.all([
        conn.readable.pipeTo(server.writable, { preventClose: true }).then(() =>
          server.closeWrite()
        ),
        server.readable.pipeTo(conn.writable, { preventClose: true }),
      ]).catch(() => {});
    },
  });
}

Deno.test("a domain set up by publish init and publish serve is found by lookup, and changed by publish roll", async () => {
  await using outside = await startOutside();
  const directory = outside.directory;
  const policies = `${directory}/policies`;
  await Deno.mkdir(policies);
  const certificate = createCertificate({
    subject: HOST,
    dns: [HOST],
    issuer: outside.hosts.authority,
  });
  await Deno.writeTextFile(`${directory}/${DOMAIN}.pem`, certificate.certPem);
  await Deno.writeTextFile(`${directory}/${DOMAIN}.key`, certificate.keyPem);
  outside.dns.table[`MX ${DOMAIN}`] = {
    answers: [{ type: "MX", data: { preference: 10, exchange: "mx.b.example" } }],
  };
  const config = await outside.configure();
  const shared = ["--config", config, "--out", policies];

  const init = await spawn("publish", "init", DOMAIN, ...shared, "--mode", "enforce", "--no-smtp");
  assertEquals([init.status, init.err], [0, ""]);
  const file = `${policies}/${DOMAIN}.txt`;
  assertEquals((await call("publish", "lint", file)).status, 0);
  const record = /^_mta-sts\.a\.example\. IN TXT "(.*)"$/m.exec(init.out)?.[1] ?? "";
  outside.dns.table[`TXT _mta-sts.${DOMAIN}`] = txt(record);

  await using server = await startServer({
    config,
    args: [
      ...["--policies", policies, "--certs", directory, "--https", "127.0.0.1:0"],
      ...["--http", "127.0.0.1:0", "--metrics", "127.0.0.1:0"],
    ],
  });
  route(outside, portOf(server, "https"));
  const lookup = await spawn("lookup", "--config", config, "--json", DOMAIN);
  const found = JSON.parse(lookup.out);
  assertEquals([lookup.status, found.verdict], [0, "in-force"]);
  assertStringIncludes(found.reply, "OK secure match=mx.b.example");

  const change = ["--mode", "testing", "--id", "20260102030405"];
  const rolling = spawn("publish", "roll", DOMAIN, ...shared, "--wait", "20", ...change);
  // The server looks at its files only now and then, but at once when told.
  while (!(await Deno.readTextFile(file)).includes("testing")) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  server.signal("SIGHUP");
  outside.dns.table[`TXT _mta-sts.${DOMAIN}`] = txt("v=STSv1; id=20260102030405;");
  const rolled = await rolling;
  assertEquals([rolled.status, rolled.err], [0, ""], rolled.out);
  assertStringIncludes(rolled.out, "a sender with an empty cache gets the new policy");
  assertStringIncludes(await Deno.readTextFile(`${file}.previous`), "mode: enforce");

  const plain = await fetch(`http://127.0.0.1:${portOf(server, "http")}/`, { redirect: "manual" });
  assertEquals([plain.status, await plain.text()], [404, "There is no such policy.\n"]);
  const metrics = await fetch(`http://127.0.0.1:${portOf(server, "metrics")}/metrics`);
  const text = await metrics.text();
  assertStringIncludes(text, "mta_sts_publish_policies 1\n");
  assert(/mta_sts_publish_certificate_expiry_timestamp_seconds \d+\n/.test(text));

  const unsafe = await spawn("publish", "roll", DOMAIN, ...shared, "--mx", "mx.c.example");
  assertEquals(unsafe.status, 1);
  assertStringIncludes(unsafe.err, "the MX host mx.b.example is still in DNS");

  server.signal("SIGTERM");
  assertEquals((await server.ended).code, 0);
});
