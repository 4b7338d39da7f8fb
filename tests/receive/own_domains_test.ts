import { assert, assertEquals } from "@std/assert";
import { admitPolicies, findEntry } from "../../src/receive/own_domains.ts";
import type { ReceivedPolicy } from "../../src/tlsrpt/received.ts";

function policy(
  type: ReceivedPolicy["type"],
  domain: string | undefined,
  mxHosts: readonly string[] = [],
): ReceivedPolicy {
  return { type, domain, mxHosts, strings: [], successful: 1, failed: 0, details: [] };
}

/** Entry and policy domain of each policy that counts. */
function admit(
  policies: readonly ReceivedPolicy[],
  domains: readonly string[],
  named?: string,
): string[] {
  return admitPolicies(policies, { domains, named })
    .map(({ domain, policyDomain }) => `${domain} ${policyDomain}`);
}

Deno.test("findEntry() finds the domain itself, else the most specific wildcard", () => {
  const domains = ["*.a.test", "b.a.test", "*.b.a.test", "c.test"];
  assertEquals(findEntry("b.a.test", domains), "b.a.test");
  assertEquals(findEntry("x.a.test", domains), "*.a.test");
  assertEquals(findEntry("x.y.b.a.test", domains), "*.b.a.test");
  assertEquals(findEntry("a.test", domains), undefined);
  assertEquals(findEntry("xa.test", domains), undefined);
  assertEquals(findEntry("x.c.test", domains), undefined);
});

Deno.test("a policy of another domain does not count, whatever the report says of itself", () => {
  const policies = [policy("sts", "b.test"), policy("no-policy-found", "a.test")];
  assertEquals(admit(policies, ["a.test"], "a.test"), ["a.test a.test"]);
  assertEquals(admit([policy("sts", "b.test")], ["a.test"], "a.test"), []);
  assertEquals(admit([policy("unknown", undefined)], ["a.test"]), []);
});

Deno.test("a policy of an MX host counts for the domain that the report is about", () => {
  const domains = ["a.test", "b.test"];
  const tlsa = policy("tlsa", "mx.host.test");
  // By the MX patterns of another policy, by header or file name, by the only other domain.
  const sts = [policy("sts", "a.test", ["mx.a.test"]), policy("sts", "b.test", ["*.host.test"])];
  assertEquals(admit([tlsa, ...sts], domains, "a.test")[0], "b.test mx.host.test");
  assertEquals(admit([tlsa], domains, "a.test"), ["a.test mx.host.test"]);
  assertEquals(
    admit([tlsa, policy("no-policy-found", "b.test")], domains)[0],
    "b.test mx.host.test",
  );
  assertEquals(admit([tlsa, policy("sts", "a.test"), policy("sts", "b.test")], domains).length, 2);
  // By its name alone: an entry, or below one.
  assertEquals(admit([tlsa], domains), []);
  assertEquals(admit([tlsa], ["mx.host.test"]), ["mx.host.test mx.host.test"]);
  assertEquals(admit([policy("tlsa", "mx1.mail.a.test")], domains), ["a.test mx1.mail.a.test"]);
  // Some senders write the recipients' domain (Q2).
  assertEquals(admit([policy("tlsa", "a.test")], domains), ["a.test a.test"]);
});

Deno.test("a policy of an MX host without a name counts where it can only belong", () => {
  const tlsa = policy("tlsa", undefined);
  assertEquals(admit([tlsa], ["a.test"], "a.test"), ["a.test a.test"]);
  assertEquals(admit([tlsa, policy("sts", "x.a.test")], ["*.a.test"])[0], "*.a.test a.test");
  assertEquals(admit([tlsa], ["a.test"]), []);
});

Deno.test("many MX hosts under many patterns take little time", () => {
  const policies = Array.from({ length: 500 }, (_, index) => [
    policy("sts", "a.test", Array.from({ length: 500 }, (_, mx) => `*.x${index}-${mx}.test`)),
    policy("tlsa", `mx${index}.host.test`),
  ]).flat();
  policies.push(policy("sts", "b.test", ["*.host.test"]));
  const began = performance.now();
  const admitted = admit(policies, ["a.test", "b.test"]);
  assert(performance.now() - began < 1500, "each host against each pattern takes 7 s");
  assertEquals(admitted.length, 501);
});

Deno.test("the first policy that names an MX host decides, in any case and with a final dot", () => {
  const domains = ["a.test", "b.test"];
  const of = (...patterns: [string, string][]) =>
    admit([
      policy("tlsa", "mx.host.test"),
      ...patterns.map(([domain, pattern]) => policy("sts", domain, [pattern])),
    ], domains)[0];
  assertEquals(of(["a.test", "MX.host.test."], ["b.test", "*.host.test"]), "a.test mx.host.test");
  assertEquals(of(["a.test", "*.host.test"], ["b.test", "mx.host.test"]), "a.test mx.host.test");
  assertEquals(of(["a.test", "*.test"], ["b.test", "mx.host.test"]), "b.test mx.host.test");
});
