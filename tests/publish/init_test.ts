import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { closest } from "../../src/config/suggest.ts";
import { initPolicy } from "../../src/publish/init.ts";
import type { InitEffects, InitOptions } from "../../src/publish/init.ts";
import { lintPolicy } from "../../src/publish/lint.ts";
import type { CertificateView } from "../../src/publish/types.ts";
import { matchesMx } from "../../src/sts/mx_pattern.ts";
import { parsePolicy } from "../../src/sts/policy.ts";
import { createFakeDns } from "../fakes/fake_dns.ts";
import type { FakeReply } from "../fakes/fake_dns.ts";
import { createRandom } from "../fakes/random.ts";
import { createMemoryFiles } from "./memory_files.ts";

const FILE = "/srv/a.example.txt";

const OPTIONS: InitOptions = {
  domain: "a.example",
  mode: "testing",
  maxAge: 1209600,
  mx: [],
  file: FILE,
  force: false,
  webServers: ["nginx"],
  reportRemarks: [],
};

function mx(...names: string[]): FakeReply {
  return names.map((exchange, index) => ({ preference: 10 + index, exchange }));
}

/** Runs `init` in a world with these answers. */
async function init(
  table: Record<string, FakeReply>,
  options: Partial<InitOptions> = {},
  effects: Partial<InitEffects> = {},
) {
  const files = createMemoryFiles();
  const outcome = await initPolicy({ ...OPTIONS, ...options }, {
    dns: createFakeDns(table),
    files,
    now: () => Date.UTC(2026, 0, 2, 3, 4, 5),
    ...effects,
  });
  return {
    outcome,
    text: files.contents.get(FILE),
    report: "report" in outcome ? outcome.report : "",
  };
}

function certificates(views: Record<string, CertificateView["kind"]>) {
  return {
    viewCertificate: (host: string) =>
      Promise.resolve({ kind: views[host] ?? "unknown", detail: `as ${host} is` }),
  };
}

Deno.test("initPolicy() writes a policy for the MX hosts, in their order, with CRLF (RFC 8461 §3.2)", async () => {
  const { outcome, text, report } = await init({
    "MX a.example": [
      { preference: 20, exchange: "mx2.b.example" },
      { preference: 10, exchange: "mx1.a.example" },
    ],
  }, { reportUri: "mailto:tls@a.example" });
  assertEquals(outcome.kind, "written");
  assertEquals(
    text,
    "version: STSv1\r\nmode: testing\r\nmx: mx1.a.example\r\nmx: mx2.b.example\r\nmax_age: 1209600\r\n",
  );
  assertStringIncludes(report, '_mta-sts.a.example. IN TXT "v=STSv1; id=20260102030405;"');
  assertStringIncludes(report, 'rua=mailto:tls@a.example"');
  assertStringIncludes(report, 'alias "/srv/a.example.txt";');
  assertStringIncludes(report, 'publish roll a.example --out "/srv" --mode enforce');
  const order = ["mta-sts.a.example. IN CNAME", "nginx", "_mta-sts.a.example. IN TXT"];
  const places = order.map((text) => report.indexOf(text));
  assertEquals(places, places.toSorted((one, other) => one - other));
  assertStringIncludes(report, "The certificates of the MX hosts were not checked.");
});

Deno.test("initPolicy() writes what lints clean and covers every host", async () => {
  const random = createRandom(1);
  const label = () => `${random.string(1 + random.int(3), "abc")}`;
  for (let round = 0; round < 200; round++) {
    const hosts = Array.from({ length: 1 + random.int(6) }, () => {
      const parent = random.pick(["a.example", "m.a.example", "l.mx.b.example", "b.example"]);
      return `${label()}.${parent}`;
    });
    const { text } = await init({ "MX a.example": mx(...hosts) });
    assertEquals(lintPolicy(text ?? "", { suggest: closest }), [], text);
    const patterns = parsePolicy(text ?? "").mx;
    assert(hosts.every((host) => patterns.some((pattern) => matchesMx(pattern, host))));
  }
});

Deno.test("initPolicy() takes the domain for its host where there is no MX record (RFC 5321 §5.1)", async () => {
  const { text, report } = await init({ "MX a.example": "nodata" });
  assertStringIncludes(text ?? "", "mx: a.example\r\n");
  assertStringIncludes(report, "There is no MX record");
});

Deno.test("initPolicy() refuses domains that have nothing to publish", async () => {
  const problems = [];
  for (
    const reply of ["nxdomain", mx(""), mx("192.0.2.1"), "servfail"] satisfies FakeReply[]
  ) {
    const { outcome, text } = await init({ "MX a.example": reply });
    assertEquals(text, undefined);
    problems.push("problem" in outcome ? `${outcome.kind}: ${outcome.problem}` : "");
  }
  assertEquals(problems, [
    "refused: a.example does not exist in DNS",
    "refused: a.example accepts no mail: its MX record is null (RFC 7505)",
    "refused: no MX host of a.example has a valid name",
    "failed: cannot look up the MX records: as the table has it",
  ]);
});

Deno.test("initPolicy() overwrites nothing without force", async () => {
  const files = createMemoryFiles({ [FILE]: "mine" });
  const table = { "MX a.example": mx("mx.a.example") };
  assertEquals((await init(table, {}, { files })).outcome.kind, "refused");
  assertEquals(files.contents.get(FILE), "mine");
  assertEquals((await init(table, { force: true }, { files })).outcome.kind, "written");
  assertStringIncludes(files.contents.get(FILE) ?? "", "mx: mx.a.example");
});

Deno.test("initPolicy() says what fails when the file cannot be written", async () => {
  const files = createMemoryFiles();
  files.fault = "cannot write: disk full";
  const { outcome } = await init({ "MX a.example": mx("mx.a.example") }, {}, { files });
  assertEquals(outcome, { kind: "failed", problem: "cannot write: disk full" });
});

Deno.test("initPolicy() does not enforce over a bad certificate (RFC 8461 §4.2)", async () => {
  const table = { "MX a.example": mx("mx1.a.example", "mx2.a.example") };
  const views = certificates({ "mx1.a.example": "good", "mx2.a.example": "bad" });
  const refused = await init(table, { mode: "enforce" }, views);
  assertEquals(refused.outcome, {
    kind: "refused",
    problem: "mx2.a.example: as mx2.a.example is: senders would not deliver mail to it",
    advice: "correct the certificate, or begin with --mode testing",
  });
  assertEquals(
    (await init(table, { mode: "enforce", force: true }, views)).outcome.kind,
    "written",
  );
  const testing = await init(table, {}, views);
  assertStringIncludes(testing.report, "  mx2.a.example: as mx2.a.example is");
  assertStringIncludes(testing.report, "Correct the certificates before");
  const unknown = await init(table, { mode: "enforce" }, certificates({}));
  assertEquals(unknown.outcome.kind, "written");
});

Deno.test("initPolicy() takes the patterns it is told", async () => {
  const { text } = await init({ "MX a.example": mx("mx.a.example") }, { mx: ["*.m.b.example"] });
  assertStringIncludes(text ?? "", "mx: *.m.b.example\r\n");
});

Deno.test("initPolicy() remarks on a record that is published, and on testing without reports", async () => {
  const { report } = await init({
    "MX a.example": mx("mx.a.example"),
    "TXT _mta-sts.a.example": ["v=STSv1; id=1;"],
  });
  assertStringIncludes(report, "already has an MTA-STS record");
  assertStringIncludes(report, "Mode testing is of no use without reports");
});

Deno.test("initPolicy() says what is to be done so that reports arrive, and that one TLSRPT record is enough", async () => {
  const table = { "MX a.example": mx("mx.a.example") };
  const options = {
    reportUri: "mailto:r@a.example,https://r.a.example/t",
    reportRemarks: ["Do this."],
  };
  const { report } = await init(table, options);
  assertStringIncludes(
    report,
    '_smtp._tls.a.example. IN TXT "v=TLSRPTv1; rua=mailto:r@a.example,https://r.a.example/t"',
  );
  assertStringIncludes(report, "Note: Do this.");
  assert(!report.includes("already has a TLSRPT record"));
  const before = { ...table, "TXT _smtp._tls.a.example": ["v=TLSRPTv1; rua=mailto:old@a.example"] };
  assertStringIncludes(
    (await init(before, options)).report,
    "a.example already has a TLSRPT record",
  );
  assert(!(await init(before)).report.includes("already has a TLSRPT record"));
});
