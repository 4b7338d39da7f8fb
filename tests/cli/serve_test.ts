import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { httpGet } from "../../src/http/client.ts";
import { querySocketmap } from "../../src/postfix/client.ts";
import { formatPolicy } from "../../src/sts/policy.ts";
import { createAuthority, createCertificate } from "../fakes/certificates.ts";
import { txt } from "../fakes/fake_dns_server.ts";
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
  // A HUP before that ends the process.
  await daemon.logged(" started ");
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

Deno.test("serve applies log, http, control and limits on HUP, and names what needs a restart", async () => {
  await using outside = await startOutside();
  const sockets = ["http", "control"].map((name) => `${outside.directory}/${name}.sock`);
  const config = await outside.configure();
  await using daemon = await startDaemon({ config });
  await daemon.query(".example");

  await outside.configure([
    `http: unix:${sockets[0]}`,
    `control: unix:${sockets[1]}`,
    "log: { level: debug }",
    "limits: { connections: 1 }",
  ].join("\n"));
  daemon.signal("SIGHUP");
  const applied = await daemon.logged(" reloaded ");
  assertStringIncludes(applied, 'changed="control http limits.connections log.level"');
  const health = await httpGet({ kind: "unix", path: sockets[0]! }, "/healthz", { timeout: 5000 });
  assertEquals(health.status, 200);
  await querySocketmap({ kind: "unix", path: sockets[1]! }, "list", ["0"], { timeout: 5000 });

  const first = await Deno.connect({ hostname: "127.0.0.1", port: daemon.port });
  await daemon.query(".example");
  assertStringIncludes(await daemon.logged("connection closed"), "displaced");
  first.close();

  await outside.configure(`socket_mode: "0666"\nlog: { format: json, level: warn }`);
  const text = await Deno.readTextFile(config);
  await Deno.writeTextFile(
    config,
    text.replace("/cache.db", "/other.db").replace(/^tls: .*$/m, "tls: { ca: mozilla }"),
  );
  daemon.signal("SIGHUP");
  const line = await daemon.logged("settings take effect at the next start");
  assertEquals(JSON.parse(line).keys, "cache.file tls.ca");
  for (const socket of sockets) {
    await Deno.lstat(socket).then(() => assert(false, `${socket} is left`), () => {});
  }
  assertEquals(await daemon.query(".example"), ["NOTFOUND "]);
});

Deno.test("serve trusts a replaced CA file from the next HUP on, and the old one no more", async () => {
  await using outside = await startOutside();
  outside.publish("old.example");
  outside.publish("new.example");
  const other = createAuthority("Other CA");
  const policy = formatPolicy({ mode: "enforce", mx: ["mx.new.example"], maxAge: 604_800 });
  const leaf = { subject: "x", dns: ["mta-sts.new.example"], issuer: other };
  outside.hosts.add("new.example", { chain: [createCertificate(leaf)], policy });
  const config = await outside.configure();
  await using daemon = await startDaemon({ config });
  assertEquals(await daemon.query("new.example"), ["NOTFOUND "]);

  await Deno.writeTextFile(`${outside.directory}/ca.pem`, other.certPem);
  daemon.signal("SIGHUP");
  assertStringIncludes(await daemon.logged(" reloaded "), "changed=nothing");
  outside.dns.table["TXT _mta-sts.new.example"] = txt("v=STSv1; id=2;");
  assertEquals(await daemon.query("old.example"), ["NOTFOUND "]);
  await daemon.logged("certificate-untrusted");
  assertEquals(daemon.lines.filter((line) => line.includes("certificate-untrusted")).length, 2);
});

Deno.test("serve refuses a reload whole if one of the new addresses is in use", async () => {
  await using outside = await startOutside();
  const config = await outside.configure();
  await using daemon = await startDaemon({ config });
  await daemon.query(".example");
  using busy = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const socket = `${outside.directory}/control.sock`;
  await outside.configure([
    `control: unix:${socket}`,
    `http: 127.0.0.1:${busy.addr.port}`,
    "log: { level: error }",
  ].join("\n"));
  daemon.signal("SIGHUP");
  assertStringIncludes(await daemon.logged("reload refused"), `127.0.0.1:${busy.addr.port}`);
  await Deno.lstat(socket).then(() => assert(false, "control is open"), () => {});

  await outside.configure(`control: unix:${socket}`);
  await Deno.writeTextFile(
    config,
    (await Deno.readTextFile(config)).replace(/^tls: .*$/m, "tls: { ca: /dev/null }"),
  );
  daemon.signal("SIGHUP");
  await daemon.logged("Cannot use CA file /dev/null");
  await Deno.lstat(socket).then(() => assert(false, "control is open"), () => {});

  await outside.configure(`http: unix:${socket}\ncontrol: unix:${socket}`);
  daemon.signal("SIGHUP");
  await daemon.logged("control: must not share an address with 'http'");
  assertEquals(await daemon.query(".example"), ["NOTFOUND "]);
});

Deno.test("serve shows the state of the running DNS client after a reload that is refused", async () => {
  await using outside = await startOutside();
  const http = `${outside.directory}/http.sock`;
  const config = await outside.configure(`http: unix:${http}`);
  await using daemon = await startDaemon({ config });
  await daemon.logged("dns resolver validates");
  const validating = async () => {
    const { body } = await httpGet({ kind: "unix", path: http }, "/metrics", { timeout: 5000 });
    return body.match(/^mta_sts_dns(?:sec_validates|_resolvers_validating) .*$/gm)?.toSorted();
  };
  const both = ["mta_sts_dns_resolvers_validating 1", "mta_sts_dnssec_validates 1"];
  assertEquals(await validating(), both);
  using busy = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await outside.configure(`http: [unix:${http}, "127.0.0.1:${busy.addr.port}"]`);
  daemon.signal("SIGHUP");
  await daemon.logged("reload refused");
  assertEquals(await validating(), both);
});

Deno.test("serve hears a HUP as soon as it says that it has started", async () => {
  await using outside = await startOutside();
  const config = await outside.configure();
  for (let round = 0; round < 8; round++) {
    await using daemon = await startDaemon({ config });
    await daemon.logged(" started ");
    daemon.signal("SIGHUP");
    await daemon.logged(" reloaded ");
  }
});

Deno.test("serve goes on with a reload when a socket does not take its new mode, and says so", async () => {
  await using outside = await startOutside();
  outside.publish("new.example");
  const config = await outside.configure();
  const folder = `${outside.directory}/sockets`;
  await Deno.mkdir(folder);
  const args = ["--listen", "inet:127.0.0.1:0", "--listen", `unix:${folder}/postfix.sock`];
  await using daemon = await startDaemon({ config, args });
  await daemon.logged(" started ");
  await Deno.rename(folder, `${folder}.moved`);
  await Deno.writeTextFile(folder, "");
  const http = `${outside.directory}/http.sock`;
  await outside.configure(`socket_mode: "0666"\nhttp: unix:${http}`);
  daemon.signal("SIGHUP");
  assertStringIncludes(await daemon.logged("mode of a socket not changed"), "postfix.sock");
  await daemon.logged(" reloaded ");
  assertEquals(await daemon.query("new.example"), [
    "OK secure match=mx.new.example servername=hostname",
  ]);
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
  const roots = await Deno.makeTempFile();
  await Deno.writeTextFile(roots, createAuthority().certPem);
  for (const name of files) {
    // Where it listens and stores depends on this machine; the rest is taken as it stands.
    await using daemon = await startDaemon({
      config: `${legacy}${name}`,
      args: ["--listen", "inet:127.0.0.1:0", "--cache", "memory"],
      // Other tests of this process may have switched the roots of the environment off.
      env: { SSL_CERT_FILE: roots },
    });
    assertEquals(await daemon.query(".example"), ["NOTFOUND "], name);
  }
  await Deno.remove(roots);
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
