import { assertEquals, assertExists } from "@std/assert";
import { readCertificate } from "../../src/check/certificate.ts";
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
    hasDnsNames: true,
    notBefore: notBefore.getTime(),
    notAfter: notAfter.getTime(),
    spki: made.spki,
  });
});

Deno.test("readCertificate() sees a certificate that issued itself, and one without names", () => {
  const read = readCertificate(createCertificate({ subject: "mx.example.com" }).der);
  assertEquals(read?.selfIssued, true);
  assertEquals(read?.hasDnsNames, false);
});

/** Where a text of hexadecimal digits stands in a certificate. */
function find(der: Uint8Array, hex: string): number {
  const at = der.toHex().indexOf(hex);
  assertEquals(at >= 0 && at % 2 === 0, true, hex);
  return at / 2;
}

Deno.test("readCertificate() reads UTCTime with its century (RFC 5280 §4.1.2.5.1)", () => {
  const notAfter = new Date("2026-05-06T07:08:09Z");
  const der = new Uint8Array(createCertificate({ subject: "a", notAfter }).der);
  const at = find(der, `180f${new TextEncoder().encode("20260506070809Z").toHex()}`);
  // GeneralizedTime of 15 octets becomes UTCTime of 13: every length around it is two less.
  const asUtcTime = (text: string) => {
    const changed = Uint8Array.from([
      ...der.subarray(0, at),
      0x17,
      text.length,
      ...new TextEncoder().encode(text),
      ...der.subarray(at + 17),
    ]);
    changed[3]! -= 2;
    changed[find(changed, "3022180f") + 1]! -= 2;
    changed[6]! -= 2;
    return readCertificate(changed)?.notAfter;
  };
  assertEquals([der[1], der[5]], [0x82, 0x81], "lengths of two octets, and of one");
  assertEquals(asUtcTime("491231235959Z"), Date.parse("2049-12-31T23:59:59Z"));
  assertEquals(asUtcTime("500101000000Z"), Date.parse("1950-01-01T00:00:00Z"));
  assertEquals(asUtcTime("991301000000Z"), undefined);
});

Deno.test("readCertificate() knows no key of a kind that the runtime does not know", () => {
  const made = createCertificate({ subject: "mx.example.com" });
  const der = new Uint8Array(made.der);
  // The object identifier of elliptic curve keys, changed.
  der[find(der, "06072a8648ce3d0201") + 8] = 0x7f;
  const read = readCertificate(der);
  assertEquals([read?.subject, read?.spki], ["mx.example.com", undefined]);
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
