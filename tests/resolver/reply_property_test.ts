import { assert } from "@std/assert";
import { checkReplies } from "./reply_property.ts";

Deno.test("no policy text and no TXT record bring anything unvalidated into a reply (RFC 8461 §3.2)", () => {
  const seen = checkReplies(20_000, 8461);
  // A generator that makes only nonsense would show nothing.
  assert(seen.policies > 2000 && seen.invalid > 2000 && seen.records > 2000);
  assert(seen.secure > 500 && seen.daneOnly > 500 && seen.deferred > 500);
  assert(seen.longest > 90_000 && seen.longest <= 100_007, `${seen.longest} octets`);
});
