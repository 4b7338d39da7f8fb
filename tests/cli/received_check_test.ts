import { assert, assertEquals } from "@std/assert";
import { receivedFindings } from "../../src/cli/received_check.ts";
import { loadConfig } from "../../src/config/load.ts";
import { createCertificate } from "../fakes/certificates.ts";

const NO_ENV = () => undefined;

async function lines(received: string): Promise<string[]> {
  const text = `received: ${received}`;
  const { config } = loadConfig({ file: "x", readTextFile: () => text, env: NO_ENV });
  const findings = await receivedFindings(config, { env: NO_ENV });
  return findings.map(({ kind, subject, text }) => `${kind} ${subject}: ${text}`);
}

Deno.test("receivedFindings() says nothing if nothing is received", async () => {
  assertEquals(await lines("{}"), []);
});

Deno.test("receivedFindings() says what the daemon would not start with, or not find", async () => {
  const directory = Deno.makeTempDirSync();
  try {
    const start = `{file: "${directory}/r.db"`;
    assertEquals(await lines(`${start}, domains: [a.test]}`), [
      `ok received.file: ${directory}/r.db`,
      "note received: only 'report import' takes reports in: there is no 'maildir' and no 'listen'",
    ]);
    assertEquals(await lines(`${start}, maildir: "${directory}/Maildir"}`), [
      `ok received.file: ${directory}/r.db`,
      "failed received: 'report receive' would not start: no domains to receive reports for",
      `warning received.maildir: there is no Maildir ${directory}/Maildir now; the first mail creates it`,
    ]);
    const way = `domains: [a.test], listen: "127.0.0.1:8465"`;
    assert(
      (await lines(`${start}, ${way}}`)).includes(
        "failed received: 'report receive' would not start: 'received.listen' needs 'received.token'",
      ),
    );
    assertEquals(
      (await lines(`${start}, ${way}, token: t, unsigned: refuse}`))[1],
      [
        "warning received.unsigned: is 'refuse', so all posted reports are refused: they are never signed",
      ][0],
    );
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});

Deno.test("receivedFindings() looks at the Maildir and the certificate", async () => {
  const directory = Deno.makeTempDirSync();
  try {
    for (const name of ["new", "cur"]) Deno.mkdirSync(`${directory}/${name}`);
    const received = `{file: "${directory}/r.db", domains: [a.test], token: t,` +
      ` listen: "127.0.0.1:8465", maildir: "${directory}", certs: "${directory}"}`;
    assertEquals((await lines(received)).slice(1), [
      `ok received.maildir: ${directory}`,
      `warning received.certs: there is no ${directory}/fullchain.pem`,
    ]);
    const { certPem, keyPem } = createCertificate({ subject: "a.test", dns: ["a.test"] });
    Deno.writeTextFileSync(`${directory}/fullchain.pem`, certPem);
    Deno.writeTextFileSync(`${directory}/privkey.pem`, "x");
    assert((await lines(received))[2]!.includes("certificate and key cannot be used"));
    Deno.writeTextFileSync(`${directory}/privkey.pem`, keyPem);
    assert(
      (await lines(received))[2]!.startsWith(`ok received.certs: ${directory}, valid until 2`),
    );
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});
