import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type Schema, violations } from "../check/json_schema.ts";
import { startDaemon, startOutside } from "../fakes/daemon.ts";
import { runProgram } from "../fakes/program.ts";

const SCHEMA: Schema = JSON.parse(
  Deno.readTextFileSync(new URL("../../docs/lookup.schema.json", import.meta.url)),
);

Deno.test("lookup says what the daemon holds, and shows MX and DANE even without a policy", async () => {
  await using outside = await startOutside();
  outside.publish("good.example");
  outside.publish("broken.example");
  outside.hosts.add("broken.example", { policy: "nothing" });
  const { table } = outside.dns;
  table["MX dane.example"] = {
    ad: true,
    answers: [{ type: "MX", data: { preference: 10, exchange: "mx.dane.example" } }],
  };
  table["TXT _mta-sts.dane.example"] = { ad: true };
  const control = `${outside.directory}/control.sock`;
  const config = await outside.configure(`control: "unix:${control}"`);
  await using daemon = await startDaemon({ config });
  await daemon.query("good.example");
  // What the daemon holds counts, although the policy cannot be fetched any more.
  outside.hosts.add("good.example", { policy: "nothing" });
  const names = ["good.example", "broken.example", "dane.example"];

  const text = await runProgram(["lookup", "-c", config, ...names]);
  const [good = "", broken = "", dane = ""] = text.out.split(/\n(?=\S)/);
  assertMatch(
    good,
    new RegExp(`Cache {7}id 1, fetched \\S+ \\(asked the daemon on unix:${control}\\)`),
  );
  assertMatch(good, /Reply {7}OK secure match=mx\.good\.example servername=hostname/);
  assertMatch(good, /Mail {8}sent only over TLS with a valid certificate for these names/);
  assertMatch(broken, /Cache {7}nothing is held for this domain \(asked the daemon/);
  assertMatch(broken, /MX hosts {4}mx\.broken\.example\n {2}DANE /);
  assertMatch(broken, /Mail {8}by smtp_tls_security_level: 'dane' and 'may' encrypt/);
  assertStringIncludes(dane, "MX hosts    mx.dane.example");
  // No terminal, no progress.
  assertEquals(text.err, "");

  const json = await runProgram(["lookup", "-c", config, "--json", ...names]);
  const lines = json.out.trim().split("\n").map((line) => JSON.parse(line));
  assertEquals(lines.flatMap((line) => violations(line, SCHEMA)), []);
  assertEquals(lines.map(({ delivery }) => delivery), [
    "verified-name",
    "unverified",
    "unverified",
  ]);
  assertEquals(lines[0].cached.from, `the daemon on unix:${control}`);
});

Deno.test("lookup goes on where nobody can say what is held", async () => {
  await using outside = await startOutside();
  outside.publish("good.example");
  const control = `${outside.directory}/control.sock`;
  const config = await outside.configure(`control: "unix:${control}"`);
  const { code, out } = await runProgram(["lookup", "-c", config, "good.example"]);
  assertEquals(code, 0);
  assertStringIncludes(
    out,
    `Cache       not known: no daemon answers on unix:${control}, and there is no ${outside.directory}/cache.db`,
  );
  const names = Array.from(Deno.readDirSync(outside.directory), ({ name }) => name);
  assertEquals(names.sort(), ["ca.pem", "config.yml"]);
  const json = await runProgram(["lookup", "-c", config, "--json", "good.example"]);
  assertEquals(violations(JSON.parse(json.out), SCHEMA), []);
});
