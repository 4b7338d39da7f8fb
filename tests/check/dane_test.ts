import { assertEquals, assertStringIncludes } from "@std/assert";
import { judgeDane } from "../../src/check/dane.ts";
import type { DomainSeen } from "../../src/check/gather.ts";
import type { Presented } from "../../src/check/presented.ts";
import type { DnsAnswer, TlsaRecord } from "../../src/dns/types.ts";
import { createKey } from "../fakes/certificates.ts";
import { Authorities, CheckWorld } from "./world.ts";

const HOST = "mx.example.com";
const authorities = new Authorities();
const CHAIN = authorities.chain(HOST).map(({ der }) => new Uint8Array(der));
const [LEAF = new Uint8Array(), ISSUER = new Uint8Array()] = CHAIN;
const SPKI = new Uint8Array(authorities.key.spki);
const ABSENT: DnsAnswer<string> = { kind: "nodata", secure: true, validated: true, ttl: 60 };

async function digest(algorithm: string, data: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest(algorithm, data));
}

/** What a host with one TLSA record and one certificate chain comes to. */
function judged(
  record: TlsaRecord,
  presented: Presented | undefined = { chain: CHAIN },
): string[] {
  const found = { kind: "found", secure: true, validated: true, ttl: 60 } as const;
  const seen: DomainSeen = {
    domain: "example.com",
    dnssec: { kind: "validates" },
    options: { mxOnly: true, smtp: true, smtpPort: 25, directHttps: true },
    mail: {
      answer: { ...found, records: [{ preference: 0, exchange: HOST }], owner: "example.com" },
      implicit: false,
      invalid: [],
      left: [],
      hosts: [{
        name: HOST,
        preference: 0,
        v4: ABSENT,
        v6: ABSENT,
        addresses: [{
          address: "192.0.2.1",
          probe: { kind: "verified", ...(presented && { presented }) },
        }],
        tlsa: { owner: `_25._tcp.${HOST}`, answer: { ...found, records: [record], owner: "" } },
      }],
    },
  };
  return judgeDane(seen).map(({ id }) => id).filter((id) => id !== "dnssec-ok");
}

Deno.test("judgeDane() compares certificate or key, whole or as a digest (RFC 6698 §2.1)", async () => {
  const rows: [selector: number, matchingType: number, data: Uint8Array][] = [
    [0, 0, LEAF],
    [0, 1, await digest("SHA-256", LEAF)],
    [0, 2, await digest("SHA-512", LEAF)],
    [1, 0, SPKI],
    [1, 1, await digest("SHA-256", SPKI)],
    [1, 2, await digest("SHA-512", SPKI)],
  ];
  for (const [selector, matchingType, data] of rows) {
    const record = { usage: 3, selector, matchingType, data };
    assertEquals(judged(record), ["dane-ok"], `3 ${selector} ${matchingType}`);
    const isKey = selector === 1 && matchingType === 0;
    const other = isKey ? createKey().spki : data.with(-1, (data.at(-1) ?? 0) ^ 1);
    assertEquals(
      judged({ ...record, data: other }),
      ["dane-mismatch"],
      `3 ${selector} ${matchingType}`,
    );
  }
});

Deno.test("judgeDane() looks for usage 3 at the host's own certificate, for usage 2 in the chain (RFC 7672 §3.1)", async () => {
  const issuer = {
    selector: 0,
    matchingType: 1,
    data: await digest("SHA-256", new Uint8Array(ISSUER)),
  };
  assertEquals(judged({ usage: 2, ...issuer }), ["dane-ok"]);
  assertEquals(judged({ usage: 3, ...issuer }), ["dane-mismatch"]);
});

Deno.test("judgeDane() says that the issuer a record is for is not in the chain", async () => {
  const issuer = {
    usage: 2,
    selector: 0,
    matchingType: 1,
    data: await digest("SHA-256", new Uint8Array(ISSUER)),
  };
  assertEquals(judged(issuer), ["dane-ok"]);
  assertEquals(judged(issuer, { chain: [LEAF] }), ["dane-mismatch"]);
});

Deno.test("judgeDane() calls unusable what SMTP does not use (RFC 7672 §3.1.3)", () => {
  for (const usage of [0, 1, 4]) {
    const record = { usage, selector: 1, matchingType: 1, data: new Uint8Array(32) };
    assertEquals(judged(record), ["dane-unusable"]);
  }
  const noKey = { usage: 3, selector: 1, matchingType: 0, data: SPKI.with(0, 0) };
  assertEquals(judged(noKey), ["dane-unusable"]);
  const short = { usage: 3, selector: 1, matchingType: 1, data: new Uint8Array(31) };
  assertEquals(judged(short), ["dane-unusable"]);
});

Deno.test("judgeDane() tells records in short", async () => {
  const world = new CheckWorld(authorities);
  const record = await world.tlsa();
  for (const host of ["mx1.example.com", "mx2.backup.example.com"]) {
    world.dns[`TLSA _25._tcp.${host}`] = { records: [record], secure: true };
  }
  const { findings } = await world.check();
  const found = findings.filter(({ id }) => id === "dane-ok");
  assertEquals(found.length, 2);
  assertStringIncludes(found[0]?.seen ?? "", "3 1 1 ");
  assertStringIncludes(found[0]?.seen ?? "", "...: at 192.0.2.1, 2001:db8::1");
});

Deno.test("judgeDane() finds records at the end of an alias first (RFC 7672 §2.2.2)", async () => {
  const world = new CheckWorld(authorities);
  const record = await world.tlsa();
  world.dns["A mx2.backup.example.com"] = {
    records: ["192.0.2.2"],
    secure: true,
    owner: "mail.provider.example",
  };
  world.dns["TLSA _25._tcp.mail.provider.example"] = { records: [record], secure: true };
  const { findings } = await world.check();
  const ids = findings.filter(({ group }) => group === "dane").map(({ id, subject }) =>
    `${id} ${subject}`
  );
  assertEquals(ids, [
    "dnssec-ok example.com",
    "dane-ok _25._tcp.mail.provider.example",
    "dane-partial example.com",
  ]);
});

Deno.test("judgeDane() says that it cannot compare a key that cannot be read", async () => {
  const leaf = LEAF.slice();
  const at = leaf.toHex().indexOf("06072a8648ce3d0201") / 2;
  leaf[at + 8] = 0x7f;
  const presented = { chain: [leaf] };
  const data = await digest("SHA-256", SPKI);
  assertEquals(judged({ usage: 3, selector: 1, matchingType: 1, data }, presented), [
    "dane-not-compared",
  ]);
  const whole = { usage: 3, selector: 0, matchingType: 1, data: await digest("SHA-256", leaf) };
  assertEquals(judged(whole, presented), ["dane-ok"]);
  assertEquals(judged({ ...whole, data }, presented), ["dane-mismatch"]);
});
