/**
 * What senders report beside what `check` sees: for every result of RFC 8460 §4.3, a domain that is broken that way, and
 * one that is right.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { describeSeen } from "../../src/cli/check_now.ts";
import { compareNow, type Now, type SeenNow } from "../../src/status/check_seen.ts";
import { explainFailure } from "../../src/tlsrpt/explain.ts";
import { RESULT_TYPES, type ResultType } from "../../src/tlsrpt/result_type.ts";
import { Authorities, CheckWorld, POLICY } from "../check/world.ts";
import { refuseTlsVersion } from "../fakes/smtp_server.ts";

const authorities = new Authorities();
const MX2 = "mx2.backup.example.com";
const DAY_MS = 86_400_000;
const MX2_ADDRESS = "192.0.2.2";

/** A failure as a sender reports it, and how the domain is broken so that it happens. */
interface Case {
  readonly result: ResultType;
  readonly reason?: string;
  /** @default {MX2} */
  readonly mx?: string;
  arrange(world: CheckWorld): void | Promise<void>;
  /** The kind that `check` finds. */
  readonly id: string;
}

const CASES: readonly Case[] = [
  {
    result: "starttls-not-supported",
    arrange: (world) => world.alter(MX2_ADDRESS, { hello: "250 mx.example\r\n" }),
    id: "smtp-no-starttls",
  },
  {
    result: "certificate-host-mismatch",
    arrange: (world) => world.certify({ dns: ["mail.example.net"] }),
    id: "certificate-name",
  },
  {
    result: "certificate-expired",
    arrange: (world) =>
      world.certify({
        notBefore: new Date(Date.now() - 90 * DAY_MS),
        notAfter: new Date(Date.now() - DAY_MS),
      }),
    id: "certificate-expired",
  },
  {
    result: "certificate-not-trusted",
    arrange: (world) => world.alter(MX2_ADDRESS, { chain: authorities.chain(MX2).slice(0, 1) }),
    id: "certificate-chain",
  },
  {
    result: "validation-failure",
    reason: "MX_HOSTS_MISMATCH",
    arrange: (world) => void (world.policy = POLICY.replace("mx: *.backup.example.com\r\n", "")),
    id: "mx-not-in-policy",
  },
  {
    result: "validation-failure",
    reason: "unsupported protocol",
    arrange: (world) => world.alter(MX2_ADDRESS, { rawTls: refuseTlsVersion }),
    id: "tls-version",
  },
  { result: "tlsa-invalid", arrange: wrongTlsa, id: "dane-mismatch" },
  {
    result: "dnssec-invalid",
    arrange: (world) => void (world.dns[`TLSA _25._tcp.${MX2}`] = "bogus"),
    id: "dns-bogus",
  },
  {
    result: "dane-required",
    arrange: async (world) => {
      const records = [await world.tlsa()];
      world.dns["TLSA _25._tcp.mx1.example.com"] = { records, secure: true };
    },
    id: "dane-partial",
  },
  {
    result: "sts-policy-fetch-error",
    reason: "bad https response code: 404",
    mx: "",
    arrange(world) {
      world.outcome = { kind: "failed", reason: "status", detail: "HTTP status 404" };
    },
    id: "https-status",
  },
  {
    result: "sts-policy-fetch-error",
    reason: "timed out",
    mx: "",
    arrange: (world) => void (world.trace.elapsed = 8000),
    id: "https-slow",
  },
  {
    result: "sts-policy-invalid",
    mx: "",
    arrange: (world) => void (world.policy = POLICY.replace("STSv1", "STSv2")),
    id: "policy-bad-version",
  },
  {
    result: "sts-webpki-invalid",
    reason: "certificate-name",
    mx: "",
    arrange(world) {
      world.alter("192.0.2.80", { chain: authorities.chain("www.example.com") });
    },
    id: "certificate-name",
  },
];

async function wrongTlsa(world: CheckWorld): Promise<void> {
  const records = [await world.tlsa({ data: new Uint8Array(32) })];
  world.dns[`TLSA _25._tcp.${MX2}`] = { records, secure: true };
}

async function seenIn(arrange: Case["arrange"]): Promise<SeenNow> {
  const world = new CheckWorld(authorities);
  await arrange(world);
  return describeSeen(await world.check(), 0);
}

Deno.test("compareNow() does not call an untrusted certificate gone that DANE refuses", async () => {
  const seen = await seenIn(wrongTlsa);
  const now = compare({ result: "certificate-not-trusted" }, seen);
  assertEquals([now.kind, "finding" in now && now.finding.id], ["other", "dane-mismatch"]);
});

function compare({ result, reason, mx = MX2 }: Omit<Case, "arrange" | "id">, seen: SeenNow): Now {
  const { advice } = explainFailure({ result, ...(reason !== undefined && { reason }) });
  return compareNow({ result, mx, advice }, seen);
}

Deno.test("compareNow() finds each kind of failure in a domain that is broken that way", async () => {
  for (const { arrange, id, ...reported } of CASES) {
    const now = compare(reported, await seenIn(arrange));
    assertEquals(
      [reported.result, now.kind, "finding" in now && now.finding.id],
      [reported.result, "still", id],
    );
  }
  const tried = new Set(CASES.map(({ result }) => result));
  assertEquals(RESULT_TYPES.filter((result) => !tried.has(result)), []);
});

Deno.test("compareNow() says that what works is gone, and that a host which left is no MX host", async () => {
  const records = [await new CheckWorld(authorities).tlsa()];
  const seen = await seenIn((world) => {
    for (const host of ["mx1.example.com", MX2]) {
      world.dns[`TLSA _25._tcp.${host}`] = { records, secure: true };
    }
  });
  for (const reported of CASES) {
    assertEquals([reported.id, compare(reported, seen).kind], [reported.id, "gone"]);
    if (reported.mx === "" || reported.result === "dnssec-invalid") continue;
    const left = compare({ ...reported, mx: "old.example.com" }, seen);
    assertEquals([reported.id, left.kind], [reported.id, "no-mx"]);
  }
});

Deno.test("compareNow() says what else is wrong at the same host, and nothing of another host", async () => {
  const seen = await seenIn((world) => world.alter(MX2_ADDRESS, { hello: "250 mx.example\r\n" }));
  const expired = { result: "certificate-expired" } as const;
  const now = compare(expired, seen);
  assertEquals([now.kind, "finding" in now && now.finding.id], ["other", "smtp-no-starttls"]);
  assertEquals(compare({ ...expired, mx: "mx1.example.com" }, seen).kind, "gone");
  // A report that names no host is about any.
  assertEquals(compare({ ...expired, mx: "" }, seen).kind, "other");
});

Deno.test("compareNow() does not call a failure gone that check could not look for", async () => {
  const blocked = await seenIn((world) => {
    for (const address of [MX2_ADDRESS, "192.0.2.1", "2001:db8::1"]) {
      world.stations[address] = "timeout";
    }
  });
  const name = { result: "certificate-host-mismatch" } as const;
  assertEquals(compare(name, blocked).kind, "unknown");
  const undecided = await seenIn((world) => {
    for (const key of Object.keys(world.dns)) world.dns[key] = "unreachable";
    world.outcome = { kind: "failed", reason: "dns", detail: "unreachable" };
  });
  for (const reported of CASES) assertEquals(compare(reported, undecided).kind, "unknown");
  const blind = await seenIn((world) =>
    void (world.dnssec = { kind: "does-not-validate", detail: "no AD bit" })
  );
  assertEquals(compare({ result: "dnssec-invalid" }, blind).kind, "unknown");
  const unread = await seenIn((world) => {
    world.outcome = { kind: "failed", reason: "status", detail: "HTTP status 404" };
  });
  const coverage = { result: "validation-failure", reason: "mx-mismatch" } as const;
  assertEquals(compare(coverage, unread).kind, "unknown");
});

Deno.test("compareNow() counts withdrawn TLSA records as a remedy", async () => {
  const withdrawn = await seenIn(() => {});
  assertEquals(compare({ result: "tlsa-invalid" }, withdrawn).kind, "gone");
  assertEquals(compare({ result: "dane-required" }, withdrawn).kind, "unknown");
  const failed = await seenIn((world) => void (world.dns[`TLSA _25._tcp.${MX2}`] = "servfail"));
  assertEquals(compare({ result: "tlsa-invalid" }, failed).kind, "other");
});
