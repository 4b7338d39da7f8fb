import { assertEquals, assertMatch } from "@std/assert";
import { loadTrustRoots, nextRoots } from "../../src/https/trust_roots.ts";
import { createAuthority, createCertificate } from "../fakes/certificates.ts";
import { startPolicyHosts } from "../fakes/policy_host.ts";
import { runProbe } from "./tls_probe.ts";

/** Runs `use` with a directory that is gone afterwards. */
async function withDirectory(use: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await use(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** What makes the runtime trust nobody but whom a client is given. */
function variablesForFile(): Record<string, string | undefined> {
  return {
    DENO_TLS_CA_STORE: "system",
    SSL_CERT_FILE: "/dev/null",
    SSL_CERT_DIR: undefined,
    DENO_CERT: undefined,
    NODE_EXTRA_CA_CERTS: undefined,
  };
}

Deno.test("loadTrustRoots() counts the certificates of a file", async () => {
  await withDirectory(async (directory) => {
    const file = `${directory}/ca.pem`;
    const one = createAuthority("One").certPem;
    const two = createAuthority("Two").certPem.replaceAll("\n", "\r\n");
    const pem = `# One\n${one}\n# Two\n${two}`;
    await Deno.writeTextFile(file, pem);
    assertEquals(await loadTrustRoots({ file }), {
      kind: "loaded",
      source: "file",
      file,
      certificates: 2,
      caCerts: [pem],
      environment: variablesForFile(),
    });
  });
});

Deno.test("loadTrustRoots() refuses a file without certificates, and damaged ones", async () => {
  await withDirectory(async (directory) => {
    const { certPem, keyPem } = createAuthority();
    const end = "-----END CERTIFICATE-----\n";
    for (
      const [name, content, why] of [
        ["missing.pem", undefined, /No such file/],
        ["empty.pem", "", /no PEM certificate in it$/],
        ["text.pem", "not a certificate\n", /no PEM certificate in it$/],
        ["key.pem", keyPem, /no PEM certificate in it$/],
        ["open.pem", certPem.replace(end, ""), /no PEM certificate in it$/],
        ["base64.pem", certPem.replace("MII", "M*I"), /base64/],
        ["hollow.pem", `-----BEGIN CERTIFICATE-----\n${end}`, /certificate 1 is damaged$/],
        ["short.pem", `${certPem}${certPem.slice(0, 400)}\n${end}`, /certificate 2 is damaged$/],
      ] as const
    ) {
      const file = `${directory}/${name}`;
      if (content !== undefined) await Deno.writeTextFile(file, content);
      for (
        const roots of [
          await loadTrustRoots({ file }),
          // A variable that leads nowhere is no reason to trust others than it says.
          await loadTrustRoots("system", { certFile: file, bundles: [] }),
        ]
      ) {
        assertEquals(roots.kind, "failed");
        const detail = roots.kind === "failed" ? roots.detail : "";
        assertMatch(detail, why);
        assertEquals(detail.startsWith(`Cannot use CA file ${file}: `), true);
      }
    }
  });
});

Deno.test("loadTrustRoots() takes the system's bundle, or the set built in where there is none", async () => {
  await withDirectory(async (directory) => {
    const file = `${directory}/ca.pem`;
    const mozilla = {
      kind: "loaded",
      source: "mozilla",
      caCerts: [],
      environment: {
        ...variablesForFile(),
        DENO_TLS_CA_STORE: "mozilla",
        SSL_CERT_FILE: undefined,
      },
    };
    assertEquals<unknown>(await loadTrustRoots("mozilla"), mozilla);
    const bundles = [`${directory}/missing.pem`, `${directory}/empty.pem`, file];
    await Deno.writeTextFile(`${directory}/empty.pem`, "");
    assertEquals<unknown>(await loadTrustRoots("system", { bundles }), mozilla);
    const { certPem } = createAuthority();
    await Deno.writeTextFile(file, certPem);
    assertEquals(await loadTrustRoots("system", { bundles }), {
      kind: "loaded",
      source: "system",
      file,
      certificates: 1,
      caCerts: [certPem],
      environment: variablesForFile(),
    });
  });
});

Deno.test("loadTrustRoots() says how to trust exactly the roots chosen (RFC 8461 §3.3)", async () => {
  await using hosts = startPolicyHosts();
  const other = createAuthority("Other CA");
  hosts.add("own.test", { policy: "hi" });
  const leaf = createCertificate({ subject: "x", dns: ["mta-sts.other.test"], issuer: other });
  hosts.add("other.test", { chain: [leaf], policy: "hi" });
  await withDirectory(async (directory) => {
    const own = `${directory}/own.pem`;
    const foreign = `${directory}/other.pem`;
    await Deno.writeTextFile(own, hosts.authority.certPem);
    await Deno.writeTextFile(foreign, other.certPem);
    const environment = {
      DENO_TLS_CA_STORE: "system,mozilla",
      SSL_CERT_FILE: foreign,
      DENO_CERT: foreign,
      NODE_EXTRA_CA_CERTS: foreign,
    };
    const urls = ["https://mta-sts.own.test/", "https://mta-sts.other.test/"];
    const common = { urls, proxy: hosts.proxyUrl };
    const untrusted = "certificate-untrusted";
    assertEquals(
      await Promise.all([
        runProbe({ ...common, ca: { file: own } }, environment),
        runProbe({ ...common, ca: "system", certFile: own }, environment),
        runProbe({ ...common, ca: "mozilla" }, environment),
      ]),
      [["status 200", untrusted], ["status 200", untrusted], [untrusted, untrusted]],
    );
  });
});

Deno.test("nextRoots() takes a file for another, and keeps the set of the process", async () => {
  await withDirectory(async (directory) => {
    const load = async (choice: "mozilla" | { file: string }) => {
      const roots = await loadTrustRoots(choice);
      if (roots.kind === "failed") throw new Error(roots.detail);
      return roots;
    };
    await Deno.writeTextFile(`${directory}/a.pem`, createAuthority("A").certPem);
    await Deno.writeTextFile(`${directory}/b.pem`, createAuthority("B").certPem);
    const [a, b, builtIn] = await Promise.all([
      load({ file: `${directory}/a.pem` }),
      load({ file: `${directory}/b.pem` }),
      load("mozilla"),
    ]);
    assertEquals(nextRoots(a, undefined), a);
    assertEquals(nextRoots(b, a), b);
    assertEquals(nextRoots(builtIn, a), a);
    assertEquals(nextRoots(a, builtIn), builtIn);
  });
});
