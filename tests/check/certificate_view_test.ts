import { assertEquals } from "@std/assert";
import { createCertificateView } from "../../src/check/certificate_view.ts";
import type { ProbeTls, TlsProbe } from "../../src/check/tls_probe.ts";
import { createFakeDns } from "../fakes/fake_dns.ts";

Deno.test("createCertificateView() sums up the addresses of a host", async () => {
  const dns = createFakeDns({
    "A mx.a.example": ["192.0.2.1", "192.0.2.2"],
    "AAAA mx.a.example": "servfail",
    "A broken.example": "servfail",
  });
  const view = async (probes: Record<string, TlsProbe>, host = "mx.a.example") => {
    const probe: ProbeTls = ({ address }) => Promise.resolve(probes[address]!);
    return (await createCertificateView(dns.lookup, probe)(host)).kind;
  };
  const good: TlsProbe = { kind: "verified" };
  const bad: TlsProbe = { kind: "failed", id: "certificate-expired", detail: "expired" };
  const blocked: TlsProbe = { kind: "unconnected", how: "timeout", detail: "timed out" };
  const busy: TlsProbe = { kind: "failed", id: "smtp-greeting", detail: "421" };
  assertEquals(await view({ "192.0.2.1": good, "192.0.2.2": good }), "good");
  assertEquals(await view({ "192.0.2.1": good, "192.0.2.2": bad }), "bad");
  assertEquals(await view({ "192.0.2.1": good, "192.0.2.2": blocked }), "good");
  assertEquals(await view({ "192.0.2.1": busy, "192.0.2.2": blocked }), "unknown");
  assertEquals(await view({}, "none.example"), "bad");
  assertEquals(await view({}, "broken.example"), "unknown");
});
