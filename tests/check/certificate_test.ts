import { assertEquals, assertExists } from "@std/assert";
import { readCertificate } from "../../src/check/certificate.ts";
import { derChildren, readDer } from "../../src/check/der.ts";
import { createAuthority, createCertificate } from "../fakes/certificates.ts";
import { createRandom } from "../fakes/random.ts";

Deno.test("readCertificate() reads names, issuer, days and key (RFC 5280 §4.1)", () => {
  const issuer = createAuthority("Example CA");
  const notBefore = new Date("2026-01-02T03:04:05Z");
  const notAfter = new Date("2051-12-31T23:59:59Z");
  const made = createCertificate({
    subject: "mx.example.com",
    issuer,
    dns: ["mx.example.com", "*.Example.net"],
    ip: ["192.0.2.1"],
    notBefore,
    notAfter,
  });
  const read = readCertificate(made.der);
  assertExists(read);
  assertEquals(read, {
    subject: "mx.example.com",
    issuer: "Example CA",
    selfIssued: false,
    dnsNames: ["mx.example.com", "*.Example.net"],
    notBefore: notBefore.getTime(),
    notAfter: notAfter.getTime(),
    spki: made.spki,
  });
});

Deno.test("readCertificate() sees a certificate that issued itself, and one without names", () => {
  const read = readCertificate(createCertificate({ subject: "mx.example.com" }).der);
  assertEquals(read?.selfIssued, true);
  assertEquals(read?.dnsNames, []);
});

Deno.test("readCertificate() reads UTCTime with its century (RFC 5280 §4.1.2.5.1)", () => {
  const made = createCertificate({ subject: "a", notAfter: new Date("2026-05-06T07:08:09Z") });
  const der = new Uint8Array(made.der);
  const [tbs] = derChildren(der, readDer(der)!);
  const [, , , , validity] = derChildren(der, tbs!);
  const [, notAfter] = derChildren(der, validity!);
  // GeneralizedTime of 15 octets becomes UTCTime of 13, with two octets of padding that end it early.
  const asUtcTime = (text: string) => {
    const bytes = new TextEncoder().encode(text);
    const changed = der.slice();
    changed.set([0x17, bytes.length, ...bytes], notAfter!.start);
    return readCertificate(changed)?.notAfter;
  };
  assertEquals(asUtcTime("491231235959Z"), Date.parse("2049-12-31T23:59:59Z"));
  assertEquals(asUtcTime("500101000000Z"), Date.parse("1950-01-01T00:00:00Z"));
  assertEquals(asUtcTime("991301000000Z"), undefined);
});

Deno.test("readCertificate() takes anything for no certificate without failing", () => {
  const random = createRandom(8461);
  const { der } = createCertificate({ subject: "mx.example.com", dns: ["mx.example.com"] });
  for (let length = 0; length < der.length; length += 7) {
    assertEquals(readCertificate(der.slice(0, length)), undefined);
  }
  for (let round = 0; round < 2000; round++) {
    const changed = new Uint8Array(der);
    for (let times = 0; times < 3; times++) {
      changed[random.int(changed.length)] = random.int(256);
    }
    const read = readCertificate(changed);
    assertEquals(read === undefined || Number.isFinite(read.notAfter), true);
  }
});

Deno.test("readDer() refuses lengths that are indefinite, too long, or beyond the end (X.690 §8.1.3)", () => {
  assertEquals(readDer(Uint8Array.of(0x30, 0x80, 0, 0)), undefined);
  assertEquals(readDer(Uint8Array.of(0x30, 0x85, 0, 0, 0, 0, 0)), undefined);
  assertEquals(readDer(Uint8Array.of(0x30, 0x03, 1, 2)), undefined);
  assertEquals(readDer(Uint8Array.of(0x30)), undefined);
  assertEquals(readDer(Uint8Array.of(0x30, 0x81, 0x01, 7)), {
    tag: 0x30,
    start: 0,
    content: 3,
    end: 4,
  });
});
