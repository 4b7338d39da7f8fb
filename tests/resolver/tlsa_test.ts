import { assertEquals } from "@std/assert";
import { generateKeyPairSync } from "node:crypto";
import type { TlsaRecord } from "../../src/dns/types.ts";
import { isUsableTlsa } from "../../src/resolver/tlsa.ts";
import { createCertificate, createKey } from "../fakes/certificates.ts";

function tlsa(usage: number, selector: number, matchingType: number, data: number | Uint8Array) {
  const octets = typeof data === "number" ? new Uint8Array(data) : data;
  return { usage, selector, matchingType, data: octets };
}

function hex(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

Deno.test("isUsableTlsa() judges usage, selector, matching type and length (RFC 7672 §3.1)", () => {
  const verdicts: [TlsaRecord, boolean][] = [
    [tlsa(3, 1, 1, 32), true],
    [tlsa(3, 0, 2, 64), true],
    [tlsa(2, 0, 1, 32), true],
    [tlsa(3, 1, 1, 20), false],
    [tlsa(3, 1, 2, 32), false],
    [tlsa(3, 1, 3, 32), false],
    [tlsa(3, 2, 1, 32), false],
    [tlsa(0, 1, 1, 32), false],
    [tlsa(1, 1, 1, 32), false],
    [tlsa(255, 1, 1, 32), false],
  ];
  for (const [record, usable] of verdicts) assertEquals(isUsableTlsa(record), usable);
});

Deno.test("isUsableTlsa() wants a key or a certificate where no digest stands for it (RFC 7672 §3.1)", () => {
  const { spki } = createKey();
  const { der, certPem } = createCertificate({ subject: "mx.example.com" });
  const more = (data: Uint8Array) => new Uint8Array([...data, 0]);
  const verdicts: [string, TlsaRecord, boolean][] = [
    ["a key", tlsa(3, 1, 0, spki), true],
    ["a key for DANE-TA", tlsa(2, 1, 0, spki), true],
    ["a certificate", tlsa(2, 0, 0, der), true],
    ["a certificate for DANE-EE", tlsa(3, 0, 0, der), true],
    ["nothing", tlsa(3, 1, 0, 0), false],
    ["no certificate at all", tlsa(2, 0, 0, 0), false],
    ["zeros", tlsa(3, 1, 0, 91), false],
    ["a digest in the place of a key", tlsa(3, 1, 0, 32), false],
    ["a certificate in the place of a key", tlsa(3, 1, 0, der), false],
    ["a key in the place of a certificate", tlsa(2, 0, 0, spki), false],
    ["a key and more", tlsa(3, 1, 0, more(spki)), false],
    ["a certificate and more", tlsa(2, 0, 0, more(der)), false],
    ["a key that is cut off", tlsa(3, 1, 0, spki.slice(0, -1)), false],
    ["PEM", tlsa(2, 0, 0, new TextEncoder().encode(certPem)), false],
    ["a point that is not on the curve", tlsa(3, 1, 0, hex(`${P256}04${"11".repeat(64)}`)), false],
    ["64 KiB of sequences", tlsa(3, 1, 0, new Uint8Array(65_000).fill(0x30)), false],
    [
      "64 KiB of sequences for a certificate",
      tlsa(2, 0, 0, new Uint8Array(65_000).fill(0x30)),
      false,
    ],
    // OpenSSL may know it, so it is not said that there is no DANE.
    ["a key on a curve unknown here", tlsa(3, 1, 0, hex(BRAINPOOL)), true],
  ];
  for (const [name, record, usable] of verdicts) assertEquals(isUsableTlsa(record), usable, name);
});

Deno.test("isUsableTlsa() takes the kinds of keys that servers have", () => {
  const keys = [
    generateKeyPairSync("rsa", { modulusLength: 2048 }),
    generateKeyPairSync("ec", { namedCurve: "P-384" }),
    generateKeyPairSync("ed25519"),
  ];
  for (const { publicKey } of keys) {
    const data = new Uint8Array(publicKey.export({ type: "spki", format: "der" }));
    assertEquals(isUsableTlsa(tlsa(3, 1, 0, data)), true);
  }
});

/** SubjectPublicKeyInfo for P-256 up to the point. */
const P256 = "3059301306072a8648ce3d020106082a8648ce3d030107034200";
/** A key on brainpoolP256r1. */
const BRAINPOOL =
  "305a301406072a8648ce3d020106092b2403030208010107034200046c7f4951d2eb77729283c45ab67acda96b2c04ffc14517bb5e137d3d13d3ef320e827d094f7db1e12cad8633bb1de92830c379424e8d931288ec79bdb641abe7";
