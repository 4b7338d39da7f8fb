import { assertEquals } from "@std/assert";
import { FETCH_FAILURES, isPublished } from "../../src/sts/fetch_failure.ts";

Deno.test("isPublished: what only the policy host can say, and nothing that may be the fetching host's own fault", () => {
  assertEquals(FETCH_FAILURES.filter(isPublished), [
    ...["redirect", "status", "encoding", "too-large", "media-type", "policy-syntax"] as const,
  ]);
  assertEquals(isPublished("of a later version"), false);
});
