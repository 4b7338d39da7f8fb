import { assertEquals, assertStringIncludes } from "@std/assert";
import { explain } from "../../src/cli/explain.ts";
import { explanationToJson } from "../../src/cli/lookup_json.ts";
import { formatExplanation } from "../../src/cli/lookup_report.ts";
import { loadText } from "../config/load_text.ts";
import { createFakeDns, type FakeReply } from "../fakes/fake_dns.ts";
import { createWorld, ZONE } from "../fakes/world.ts";

const NEXT_HOP = { domain: "a.example", bracketed: false, port: 25 };

function explainWith(table: Record<string, FakeReply>, onStep?: (step: string) => void) {
  return explain(NEXT_HOP, {
    config: loadText("").config,
    zone: ZONE,
    network: {
      dns: createFakeDns(table),
      fetchPolicy: () =>
        Promise.resolve({ kind: "failed", reason: "connect", detail: "refused" } as const),
    },
    clock: createWorld().clock,
    validates: true,
    cached: { kind: "read", from: "nobody", policy: undefined },
    ...(onStep && { onStep }),
  });
}

Deno.test("explain() looks at MX and DANE where there is no policy, and says how mail is sent", async () => {
  const mx = { records: [{ preference: 10, exchange: "mx.a.example" }], secure: true };
  const record = { usage: 3, selector: 1, matchingType: 1, data: new Uint8Array(32) };
  const signed = {
    "MX a.example": mx,
    "A mx.a.example": { records: ["192.0.2.1"], secure: true },
    "TLSA _25._tcp.mx.a.example": { records: [record], secure: true },
  };
  const dane = await explainWith(signed);
  assertEquals(dane.reply, "NOTFOUND ");
  assertEquals(explanationToJson(dane).delivery, "dane-by-postfix");
  assertStringIncludes(formatExplanation(dane), "DANE        usable TLSA records");

  const plain = await explainWith({
    "MX a.example": [{ preference: 10, exchange: "mx.a.example" }],
  });
  assertEquals(explanationToJson(plain).delivery, "unverified");
  assertStringIncludes(formatExplanation(plain), "MX hosts    mx.a.example\n");

  const broken = await explainWith({ "MX a.example": "servfail" });
  assertStringIncludes(formatExplanation(broken), "MX hosts    DNS servfail");
  assertEquals(explanationToJson(broken).delivery, "unverified");
});

Deno.test("explain() says what it does next, for a line of progress", async () => {
  const steps: string[] = [];
  await explainWith({ "TXT _mta-sts.a.example": ["v=STSv1; id=1;"] }, (step) => steps.push(step));
  assertEquals(steps.slice(0, 3), [
    "looking up TXT of _mta-sts.a.example",
    "fetching the policy from mta-sts.a.example",
    "looking up the MX hosts of a.example",
  ]);
});
