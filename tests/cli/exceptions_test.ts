/**
 * Exceptions of the configuration in the whole program: the daemon, a reload, the log of answers and `lookup`.
 *
 * @module
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { startDaemon, startOutside } from "../fakes/daemon.ts";
import { runProgram } from "../fakes/program.ts";

const SECURE = "OK secure match=mx.good.example servername=hostname";

/** A section `domains` with one exception. */
function domains(entry: string): string {
  return `domains: { good.example: { ${entry}, until: 2199-12-31, reason: "ticket 4711" } }`;
}

Deno.test("a reload applies exceptions at once, and the log says what Postfix gets and why", async () => {
  await using outside = await startOutside();
  outside.publish("good.example");
  const config = await outside.configure();
  await using daemon = await startDaemon({ config });
  assertEquals(await daemon.query("good.example", "none.example"), [SECURE, "NOTFOUND "]);
  assertStringIncludes(
    await daemon.logged("first answer"),
    'domain=good.example zone=default reply="OK secure" outcome=fetched reason="mode enforce"',
  );

  const reloads = [
    [domains("policy: ignore"), "NOTFOUND ", "reply=NOTFOUND outcome=exception-ignore"],
    [
      domains("policy: enforce, mx: mail.elsewhere.example"),
      "TEMP no MX host of good.example matches its MTA-STS policy",
      "reply=TEMP outcome=exception-enforce",
    ],
    ["log: { answers: all }", SECURE, 'reply="OK secure" outcome='],
  ] as const;
  for (const [text, reply, line] of reloads) {
    await outside.configure(text);
    const reloaded = daemon.lines.length;
    daemon.signal("SIGHUP");
    while (!daemon.lines.slice(reloaded).some((logged) => logged.includes(" reloaded "))) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    assertEquals(await daemon.query("good.example"), [reply]);
    assertStringIncludes(await daemon.logged(line), "domain=good.example");
  }
  await daemon.logged("exception in force domain=good.example");
  await daemon.logged("exception first applied domain=good.example");
  await daemon.logged("exception removed domain=good.example");
  const before = daemon.lines.length;
  await daemon.query("good.example", "good.example", "none.example");
  const answered = daemon.lines.slice(before).filter((line) => line.includes(" answered "));
  assertEquals(answered.length, 3);
  assertEquals(daemon.lines.some((line) => line.includes("next start")), false);
});

Deno.test("lookup shows the exception that decides", async () => {
  await using outside = await startOutside();
  outside.publish("good.example");
  const config = await outside.configure(domains("policy: enforce, mx: mx.good.example"));
  const text = await runProgram(["lookup", "-c", config, "good.example"]);
  assertEquals(text.code, 0, text.err);
  assertStringIncludes(
    text.out,
    `  Exception   policy: enforce, mx: mx.good.example (domains: "good.example")
              until 2199-12-31: ticket 4711
  Decision    exception-enforce: an exception of the configuration says which MX hosts are accepted
  Reply       ${SECURE}
`,
  );
  assertStringIncludes(text.out, "Policy      mode enforce, id 1");
  const json = await runProgram(["lookup", "-c", config, "--json", "good.example"]);
  const { exception, decision } = JSON.parse(json.out);
  assertEquals(exception, {
    domain: "good.example",
    policy: "enforce",
    mx: ["mx.good.example"],
    until: "2200-01-01T00:00:00.000Z",
    reason: "ticket 4711",
  });
  assertEquals(decision.outcome, "exception-enforce");
});
