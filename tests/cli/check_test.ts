import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { violations } from "../check/json_schema.ts";
import { createCertificate } from "../fakes/certificates.ts";
import { type Outside, startOutside } from "../fakes/daemon.ts";
import { txt } from "../fakes/fake_dns_server.ts";
import { runProgram } from "../fakes/program.ts";
import { type SmtpServer, startSmtpServer } from "../fakes/smtp_server.ts";

const ROOT = new URL("../../", import.meta.url);
const DOMAIN = "example.com";

/** A domain with one MX host on loopback, with everything right but what is changed. */
interface Scene extends AsyncDisposable {
  readonly outside: Outside;
  readonly mail: SmtpServer;
  /** Runs `check` on the domain. */
  check(...args: string[]): Promise<{ code: number; out: string; err: string }>;
}

async function startScene(): Promise<Scene> {
  const outside = await startOutside();
  outside.publish(DOMAIN, { id: "20260101" });
  const host = `mx.${DOMAIN}`;
  const { authority: issuer } = outside.hosts;
  const mail = startSmtpServer({
    chain: [createCertificate({ subject: host, dns: [host], issuer })],
  });
  outside.dns.table[`A ${host}`] = { answers: [{ type: "A", data: "127.0.0.1" }] };
  outside.dns.table[`AAAA ${host}`] = {};
  outside.dns.table[`AAAA mta-sts.${DOMAIN}`] = {};
  outside.dns.table[`TXT _smtp._tls.${DOMAIN}`] = txt("v=TLSRPTv1; rua=mailto:tls@example.com");
  const config = await outside.configure();
  return {
    outside,
    mail,
    check: (...args) =>
      runProgram(["check", "--config", config, "--smtp-port", `${mail.port}`, ...args, DOMAIN]),
    async [Symbol.asyncDispose]() {
      await mail[Symbol.asyncDispose]();
      await outside[Symbol.asyncDispose]();
    },
  };
}

Deno.test("check finds a domain right from DNS to the TLS of its MX host", async () => {
  await using scene = await startScene();
  const { code, out, err } = await scene.check();
  assertEquals(err, "");
  assertMatch(
    out,
    /^ {2}ok {4}mx\.example\.com \[127\.0\.0\.1\]: TLS.*, certificate of "Test CA"/m,
  );
  assertMatch(out, /^ {2}ok {4}https:\/\/mta-sts\.example\.com\/.*: [0-9]+ bytes in /m);
  assertMatch(out, /^example\.com: no faults$/m);
  assertEquals(code, 0);
  assert(scene.mail.commands.includes("*EHLO [127.0.0.1]"));
});

Deno.test("check tells programs in JSON, Nagios and HTML, with the exit status of each", async () => {
  await using scene = await startScene();
  scene.outside.dns.table[`TXT _mta-sts.${DOMAIN}`] = txt("v=STSv1; id=bad-id;");
  const page = `${scene.outside.directory}/report.html`;
  const json = await scene.check("--json", "--html", page);
  assertEquals(json.code, 3);
  const schema = JSON.parse(Deno.readTextFileSync(new URL("docs/check.schema.json", ROOT)));
  assertEquals(violations(JSON.parse(json.out), schema), []);
  assertStringIncludes(Deno.readTextFileSync(page), "<h1>example.com</h1>");
  const nagios = await scene.check("--nagios");
  assertEquals(nagios.code, 2);
  assertMatch(nagios.out, /^MTA-STS CRITICAL: example\.com: 1 error \| errors=1;;0;0 /);
});

Deno.test("check --watch prints changes alone, and remembers policies by their id (RFC 8461 §3.1)", async () => {
  await using scene = await startScene();
  const watch = ["--watch", "--since", `${scene.outside.directory}/memory.json`];
  assertEquals(await scene.check(...watch), { code: 0, out: "", err: "" });
  scene.outside.publish(DOMAIN, { id: "20260101", maxAge: 864_000 });
  delete scene.outside.dns.table[`TXT _smtp._tls.${DOMAIN}`];
  const changed = await scene.check(...watch);
  assertEquals(changed.code, 3);
  assertEquals(changed.out.split("\n").map((line) => line.replace(/^.*\[/, "[")), [
    "[id-not-changed]",
    "[tlsrpt-missing]",
    "",
  ]);
  scene.outside.publish(DOMAIN, { id: "20260102", maxAge: 864_000 });
  assertMatch((await scene.check(...watch)).out, /^example\.com: gone .*\[id-not-changed\]\n$/);
});

Deno.test("check refuses wrong arguments in one line, and as UNKNOWN where Nagios listens", async () => {
  const rows: [args: string[], says: string][] = [
    [["not a domain"], "not a domain"],
    [["--watch", DOMAIN], "--watch needs --since FILE to compare with"],
    [["--json", "--nagios", DOMAIN], "--json and --nagios exclude each other"],
    [["--timeout", "0", DOMAIN], "--timeout takes 1 to 60 seconds: given 0"],
    [["--smtp-port", "70000", DOMAIN], "--smtp-port takes a port number: given '70000'"],
    [
      ["--resolver", "dns.example", DOMAIN],
      "--resolver takes an address such as 127.0.0.1: given 'dns.example'",
    ],
    [
      ["--allow-private", "10.0.0.0", DOMAIN],
      "--allow-private takes a range such as 10.0.0.0/8: given '10.0.0.0'",
    ],
    [["--since", new URL("main.ts", ROOT).pathname, DOMAIN], "was not written by 'check --since'"],
    [["--ca", "/nonexistent.pem", DOMAIN], "/nonexistent.pem"],
  ];
  const results = await Promise.all(
    rows.map(async ([args, says]) => ({ says, ...await runProgram(["check", ...args]) })),
  );
  for (const { code, out, err, says } of results) {
    const isPlugin = out.startsWith("MTA-STS UNKNOWN: ");
    assertStringIncludes(isPlugin ? out : err, says);
    assertEquals(code, isPlugin ? 3 : 2, says);
  }
  assertEquals(results.filter(({ out }) => out !== "").length, 1);
});
