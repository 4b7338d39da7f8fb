import { assertEquals } from "@std/assert";
import type { AddressSeen } from "../../src/check/gather.ts";
import { judgeUnconnected, tlsFindings } from "../../src/check/tls_findings.ts";
import type { ConnectFailure } from "../../src/check/tls_probe.ts";
import { Authorities } from "./world.ts";

const authorities = new Authorities();
const NOW = Date.UTC(2026, 5, 1);
const DAY_MS = 86_400_000;

function seen(address: string, how?: ConnectFailure): AddressSeen {
  const probe = how === undefined
    ? { kind: "verified" } as const
    : { kind: "unconnected", how, detail: how } as const;
  return { address, probe };
}

/** Addresses at fault, and families that could not be tried. */
function judged(...addresses: AddressSeen[]) {
  const { faults, untested } = judgeUnconnected(addresses);
  return [faults.map(({ address }) => address), untested.map(({ family }) => family)];
}

Deno.test("judgeUnconnected() blames the network here only when no address of a family answers at all", () => {
  assertEquals(judged(seen("192.0.2.1"), seen("192.0.2.2")), [[], []]);
  assertEquals(judged(seen("192.0.2.1"), seen("192.0.2.2", "timeout")), [["192.0.2.2"], []]);
  assertEquals(judged(seen("192.0.2.1", "timeout"), seen("192.0.2.2", "timeout")), [[], ["IPv4"]]);
  assertEquals(judged(seen("192.0.2.1", "refused"), seen("192.0.2.2", "timeout")), [
    ["192.0.2.1", "192.0.2.2"],
    [],
  ]);
  assertEquals(judged(seen("192.0.2.1"), seen("2001:db8::1", "unreachable")), [[], ["IPv6"]]);
  assertEquals(judged(seen("192.0.2.1", "timeout"), seen("2001:db8::1", "timeout")), [
    [],
    ["IPv4", "IPv6"],
  ]);
  assertEquals(judged({ address: "192.0.2.1", refused: "private" }), [[], []]);
});

/** What a valid certificate with so many days behind and before it comes to. */
function expiry(behind: number, before: number): string[] {
  const certificate = authorities.issue("mx.example.com", {
    notBefore: new Date(NOW - behind * DAY_MS),
    notAfter: new Date(NOW + before * DAY_MS),
  });
  const presented = { chain: [new Uint8Array(certificate.der)] };
  const context = { group: "mx", subject: "x", now: NOW, okId: "mx-ok" } as const;
  return tlsFindings({ kind: "verified", presented }, context).map(({ id }) => id);
}

Deno.test("tlsFindings() warns of expiry two weeks ahead, or in the last quarter of a short life", () => {
  assertEquals(expiry(70, 20), ["mx-ok"]);
  assertEquals(expiry(70, 15), ["mx-ok"]);
  assertEquals(expiry(77, 13), ["mx-ok", "certificate-expires-soon"]);
  assertEquals(expiry(4, 2), ["mx-ok"]);
  assertEquals(expiry(5, 1), ["mx-ok", "certificate-expires-soon"]);
});

Deno.test("tlsFindings() says so when a certificate was verified but not seen", () => {
  const context = { group: "mx", subject: "x", now: NOW, okId: "mx-ok" } as const;
  const found = tlsFindings({ kind: "verified" }, context).map(({ id }) => id);
  assertEquals(found, ["mx-ok", "certificate-unread"]);
});
