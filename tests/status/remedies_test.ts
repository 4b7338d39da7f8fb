import { assert, assertMatch } from "@std/assert";
import { FETCH_FAILURES } from "../../src/sts/fetch_failure.ts";
import { remedyOfDeferral, remedyOfFetch } from "../../src/status/remedies.ts";

const CAUSES = [
  "dns-failure",
  "deadline",
  "cache-unusable",
  "dane-dns",
  "dane-not-validating",
  "dane-validation-unknown",
  "dane-port",
  "mx-addresses",
  "match-limit",
  "mx-mismatch",
  "unprintable",
  "bug",
] as const;

Deno.test("every cause has a remedy in whole sentences, with the domain in its place", () => {
  const remedies = [
    ...CAUSES.map((cause) => remedyOfDeferral(cause, "a.example")),
    ...[...FETCH_FAILURES, "constructor"].map((reason) => remedyOfFetch(reason, "a.example")),
  ];
  for (const remedy of remedies) {
    assertMatch(remedy, /^[A-Z].*\.$/);
    assert(!remedy.includes("DOMAIN"), remedy);
    assert(remedy.length < 250, remedy);
  }
});
