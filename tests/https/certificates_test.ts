import { assertEquals, assertMatch } from "@std/assert";
import {
  type Certificate,
  type CertificateOptions,
  createAuthority,
  createCertificate,
  createKey,
} from "../fakes/certificates.ts";
import { startPolicyHosts } from "../fakes/policy_host.ts";
import { createTestFetcher, describe } from "./harness.ts";
import { ALERT, HANDSHAKE, offerTls12 } from "./tls12_server.ts";

const MINUTE_MS = 60_000;

/** What `mta-sts.x.test` shows, made with the trusted authority unless it says otherwise. */
const CASES: readonly (readonly [string, CertificateOptions, RegExp])[] = [
  ["the exact name", { subject: "x", dns: ["mta-sts.x.test"] }, /^fetched 2$/],
  ["the name among others", { subject: "x", dns: ["x.test", "mta-sts.x.test"] }, /^fetched 2$/],
  ["the name in upper case", { subject: "x", dns: ["MTA-STS.X.TEST"] }, /^fetched 2$/],
  ["a wildcard for one label", { subject: "x", dns: ["*.x.test"] }, /^fetched 2$/],
  [
    "a common name only",
    { subject: "mta-sts.x.test" },
    /^certificate-name: certificate has no name of a host in its subjectAltName$/,
  ],
  [
    "a common name and an address",
    { subject: "mta-sts.x.test", ip: ["127.0.0.1"] },
    /^certificate-name: certificate is for "127\.0\.0\.1"$/,
  ],
  [
    "other names",
    { subject: "mta-sts.x.test", dns: ["x.test", "www.x.test"] },
    /^certificate-name: certificate is for "x\.test, www\.x\.test"$/,
  ],
  [
    "a partial wildcard",
    { subject: "mta-sts.x.test", dns: ["mta*.x.test"] },
    /^certificate-name: certificate is for "mta\*\.x\.test"$/,
  ],
  [
    "a wildcard for two labels",
    { subject: "mta-sts.x.test", dns: ["*.test"] },
    /^certificate-name: certificate is for "\*\.test"$/,
  ],
  [
    "a time that is over",
    { subject: "x", dns: ["mta-sts.x.test"], notAfter: new Date(Date.now() - MINUTE_MS) },
    /^certificate-expired: certificate expired \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/,
  ],
  [
    "a time to come",
    { subject: "x", dns: ["mta-sts.x.test"], notBefore: new Date(Date.now() + MINUTE_MS) },
    /^certificate-not-yet-valid: certificate is not valid before \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/,
  ],
  [
    "a signature with SHA-1",
    { subject: "x", dns: ["mta-sts.x.test"], hash: "sha1" },
    /^certificate-weak: .*SHA-1/,
  ],
  [
    "use for clients only",
    { subject: "x", dns: ["mta-sts.x.test"], usage: "clientAuth" },
    /^certificate-usage: /,
  ],
];

for (const [title, options, expected] of CASES) {
  Deno.test(`fetchPolicy() judges a certificate with ${title} (RFC 8461 §3.3)`, async () => {
    await using hosts = startPolicyHosts();
    const chain = [createCertificate({ issuer: hosts.authority, ...options })];
    hosts.add("x.test", { chain, policy: "hi" });
    const outcome = await createTestFetcher({ hosts })("x.test");
    assertMatch(describe(outcome), expected);
    assertEquals(hosts.requests.length, outcome.kind === "fetched" ? 1 : 0);
  });
}

const LEAF = { subject: "x", dns: ["mta-sts.x.test"] };

Deno.test("fetchPolicy() accepts a chain with its intermediate certificate only (RFC 8461 §3.3)", async () => {
  await using hosts = startPolicyHosts();
  const intermediate = createAuthority("Intermediate CA", hosts.authority);
  const leaf = createCertificate({ ...LEAF, issuer: intermediate });
  const fetchPolicy = createTestFetcher({ hosts });
  hosts.add("x.test", { chain: [leaf, intermediate], policy: "hi" });
  assertEquals(describe(await fetchPolicy("x.test")), "fetched 2");
  hosts.add("x.test", { chain: [leaf], policy: "hi" });
  assertMatch(describe(await fetchPolicy("x.test")), /^certificate-untrusted: issuer/);
});

Deno.test("fetchPolicy() refuses certificates no trusted CA has signed (RFC 8461 §3.3)", async () => {
  await using hosts = startPolicyHosts();
  const fetchPolicy = createTestFetcher({ hosts });
  const strangers = [
    createCertificate(LEAF),
    createCertificate({ ...LEAF, authority: true }),
    // The trusted CA's name is not enough.
    createCertificate({ ...LEAF, issuer: createAuthority("Another CA") }),
  ];
  for (const stranger of strangers) {
    hosts.add("x.test", { chain: [stranger], policy: "hi" });
    assertMatch(describe(await fetchPolicy("x.test")), /^certificate-untrusted: /);
  }
  const impostor = createCertificate({ ...LEAF, issuer: createAuthority() });
  hosts.add("x.test", { chain: [impostor], policy: "hi" });
  assertMatch(describe(await fetchPolicy("x.test")), /^certificate-(untrusted|weak): /);
  assertEquals(hosts.requests, []);
});

Deno.test("fetchPolicy() refuses an RSA key of 1024 bits in the host's certificate", async () => {
  await using hosts = startPolicyHosts();
  const fetchPolicy = createTestFetcher({ hosts });
  const show = async (leaf: Certificate): Promise<[string, number | undefined]> => {
    const reply = Promise.withResolvers<number | undefined>();
    hosts.add("x.test", { raw: async (conn) => reply.resolve(await offerTls12(conn, leaf)) });
    return [describe(await fetchPolicy("x.test")), await reply.promise];
  };
  const weak = createCertificate({ ...LEAF, key: createKey(1024), issuer: hosts.authority });
  const [outcome, reply] = await show(weak);
  assertMatch(outcome, /^certificate-weak: .*RSA/);
  assertEquals(reply, ALERT);
  // What makes the difference is the key: with a good one the handshake goes on.
  const [, goodReply] = await show(createCertificate({ ...LEAF, issuer: hosts.authority }));
  assertEquals(goodReply, HANDSHAKE);
});

Deno.test("fetchPolicy() refuses an RSA key of 1024 bits in an intermediate certificate", async () => {
  await using hosts = startPolicyHosts();
  const issuer = createCertificate({
    subject: "Weak CA",
    authority: true,
    issuer: hosts.authority,
    key: createKey(1024),
  });
  hosts.add("x.test", { chain: [createCertificate({ ...LEAF, issuer }), issuer], policy: "hi" });
  const outcome = await createTestFetcher({ hosts })("x.test");
  assertMatch(describe(outcome), /^certificate-weak: .*RSA/);
  assertEquals(hosts.requests, []);
});
