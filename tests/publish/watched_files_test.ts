import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { closest } from "../../src/config/suggest.ts";
import { createLog } from "../../src/base/log.ts";
import { watchCertificates } from "../../src/publish/watched_certificates.ts";
import { watchPolicy } from "../../src/publish/watched_policy.ts";
import { watchFiles } from "../../src/base/watched_files.ts";
import { formatPolicy } from "../../src/sts/policy.ts";
import { createAuthority, createCertificate } from "../fakes/certificates.ts";
import type { CertificateOptions } from "../fakes/certificates.ts";
import { createMemoryFiles } from "./memory_files.ts";

const POLICY = formatPolicy({ mode: "enforce", mx: ["mx.a.example"], maxAge: 1209600 });
const OTHER = formatPolicy({ mode: "testing", mx: ["mx.a.example"], maxAge: 1209600 });

/** A log, and what it wrote since the last look, without times. */
function createTestLog() {
  const lines: string[] = [];
  const log = createLog({
    level: "info",
    format: "text",
    journal: true,
    write: (line) => lines.push(line.replace(/^<\d>/, "").trimEnd()),
  });
  return { log, read: () => lines.splice(0) };
}

function createPolicies(initial: Record<string, string> = {}) {
  const { log, read } = createTestLog();
  const files = createMemoryFiles(initial);
  const watched = watchPolicy({ directory: "/p", files, log, suggest: closest });
  const text = (domain: string) => {
    const bytes = watched.get(domain);
    return bytes && new TextDecoder().decode(bytes);
  };
  return { files, watched, text, logged: read };
}

Deno.test("watchPolicy() holds the valid policies of a directory, octet by octet", async () => {
  const { watched, text, logged } = createPolicies({
    "/p/a.example.txt": POLICY,
    "/p/b.example.txt": "nonsense",
    "/p/a.example.txt.previous": OTHER,
    "/p/A.example.txt": OTHER,
    "/p/single.txt": OTHER,
    "/p/192.0.2.1.txt": OTHER,
    "/p/.c.example.txt.tmp": OTHER,
    "/p/sub/c.example.txt": OTHER,
  });
  await watched.scan();
  assertEquals([...watched.keys()], ["a.example"]);
  assertEquals(text("a.example"), POLICY);
  assertEquals(logged(), [
    "INFO  policy loaded key=a.example",
    'WARN  policy refused key=b.example problem="version is missing" kept="nothing is served"',
  ]);
});

Deno.test("watchPolicy() follows changes, and keeps the last good version of a file that goes bad", async () => {
  const { files, watched, text, logged } = createPolicies({ "/p/a.example.txt": POLICY });
  await watched.scan();
  logged();
  await watched.scan();
  assertEquals(logged(), []);

  files.put("/p/a.example.txt", OTHER);
  await watched.scan();
  assertEquals([text("a.example"), ...logged()], [OTHER, "INFO  policy changed key=a.example"]);

  files.put("/p/a.example.txt", "mode: none\n");
  await watched.scan();
  await watched.scan();
  assertEquals(text("a.example"), OTHER);
  const [warning, ...others] = logged();
  assertStringIncludes(warning ?? "", 'kept="the last good version stays in use"');
  assertEquals(others, []);

  files.put("/p/a.example.txt", "x".repeat(65537));
  await watched.scan();
  assertEquals(text("a.example"), OTHER);
  assertEquals(logged().length, 1);

  files.put("/p/a.example.txt", POLICY);
  await watched.scan();
  assertEquals([text("a.example"), ...logged()], [POLICY, "INFO  policy changed key=a.example"]);

  files.contents.delete("/p/a.example.txt");
  await watched.scan();
  assertEquals([text("a.example"), watched.size], [undefined, 0]);
  assertEquals(logged(), ["INFO  policy removed key=a.example"]);
});

Deno.test("watchPolicy() keeps everything while the directory cannot be read, and says so once", async () => {
  const { files, watched, text, logged } = createPolicies({ "/p/a.example.txt": POLICY });
  await watched.scan();
  logged();
  files.fault = "gone";
  await watched.scan();
  await watched.scan();
  assertEquals(text("a.example"), POLICY);
  assertEquals(logged(), ["WARN  cannot read policy directory"]);
});

Deno.test("watchPolicy() serves a policy that some senders refuse, and warns", async () => {
  const { watched, logged } = createPolicies({ "/p/a.example.txt": `${POLICY}\r\n` });
  await watched.scan();
  assertEquals(watched.size, 1);
  assertStringIncludes(logged()[0] ?? "", "some senders refuse policy");
});

const AUTHORITY = createAuthority();
const NOW = Date.now();

function certificate(options: Partial<CertificateOptions> = {}) {
  return createCertificate({
    subject: "x",
    dns: ["mta-sts.a.example"],
    issuer: AUTHORITY,
    ...options,
  });
}

function createCertificates(initial: Record<string, string>) {
  const { log, read } = createTestLog();
  const files = createMemoryFiles(initial);
  const domains = ["a.example"];
  const watched = watchCertificates({
    directory: "/c",
    domains: () => domains,
    files,
    log,
    now: () => NOW,
  });
  return { files, watched, domains, logged: read };
}

Deno.test("watchCertificates() finds both layouts of files", async () => {
  const good = certificate();
  for (
    const [cert, key] of [
      ["/c/a.example.pem", "/c/a.example.key"],
      ["/c/mta-sts.a.example/fullchain.pem", "/c/mta-sts.a.example/privkey.pem"],
    ] as const
  ) {
    const { watched, logged } = createCertificates({
      [cert]: good.certPem + AUTHORITY.certPem,
      [key]: good.keyPem,
    });
    await watched.scan();
    assertEquals(watched.get("a.example")?.key, good.keyPem);
    assertEquals(logged(), ["INFO  certificate loaded key=a.example"]);
  }
});

Deno.test("watchCertificates() takes a wildcard for the whole first label (RFC 8461 §3.3)", async () => {
  for (
    const [dns, size] of [
      [["*.a.example"], 1],
      [["other.example", "mta-sts.a.example"], 1],
      [["a.example"], 0],
      [["mta-*.a.example"], 0],
      [["*.example"], 0],
      [[], 0],
    ] as const
  ) {
    const pair = certificate({ subject: "mta-sts.a.example", dns });
    const files = { "/c/a.example.pem": pair.certPem, "/c/a.example.key": pair.keyPem };
    const { watched } = createCertificates(files);
    await watched.scan();
    assertEquals(watched.size, size, String(dns));
  }
});

Deno.test("watchCertificates() refuses what no sender accepts, and keeps the last good one", async () => {
  const good = certificate();
  const { files, watched, logged } = createCertificates({
    "/c/a.example.pem": good.certPem,
    "/c/a.example.key": good.keyPem,
  });
  await watched.scan();
  logged();
  const expired = certificate({ notAfter: new Date(NOW - 1000) });
  for (
    const [cert, key, problem] of [
      [certificate({ dns: ["b.example"] }).certPem, good.keyPem, /KeyMismatch/],
      [expired.certPem, expired.keyPem, /the certificate expired at /],
      ["nonsense", good.keyPem, /cannot be used/],
      [good.certPem, "nonsense", /cannot be used/],
    ] as const
  ) {
    files.put("/c/a.example.pem", cert);
    files.put("/c/a.example.key", key);
    await watched.scan();
    assertEquals(watched.get("a.example")?.cert, good.certPem);
    const [line = ""] = logged();
    assertMatch(line, problem);
    assertStringIncludes(line, "the last good version stays in use");
  }
  const renewed = certificate();
  files.put("/c/a.example.pem", renewed.certPem);
  files.put("/c/a.example.key", renewed.keyPem);
  await watched.scan();
  assertEquals(watched.get("a.example")?.cert, renewed.certPem);
});

Deno.test("watchCertificates() tells once of a domain without a certificate", async () => {
  const { watched, domains, logged } = createCertificates({});
  await watched.scan();
  await watched.scan();
  assertEquals(logged(), [
    'WARN  certificate refused key=a.example problem="there is no a.example.pem with a.example.key" kept="nothing is served"',
  ]);
  domains.pop();
  await watched.scan();
  assertEquals(logged(), []);
});

Deno.test("watchFiles() tries again what it refused, since the fault may pass", async () => {
  const { log, read } = createTestLog();
  let fault: string | undefined = "too many open files";
  const watched = watchFiles<number>({
    what: "thing",
    list: () => Promise.resolve(new Map([["a", "1"]])),
    make: () =>
      Promise.resolve(
        fault === undefined ? { kind: "made", item: 1 } : { kind: "refused", problem: fault },
      ),
    log,
  });
  await watched.scan();
  await watched.scan();
  assertEquals(read().length, 1);
  fault = undefined;
  await watched.scan();
  await watched.scan();
  assertEquals([watched.get("a"), ...read()], [1, "INFO  thing loaded key=a"]);
});
