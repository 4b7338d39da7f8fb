import { assertEquals, assertLess, assertStringIncludes } from "@std/assert";
import { HOST } from "./addresses_world.ts";
import { hasNamespaces, probeResolver, type ResolverKind } from "./resolver_probe.ts";

/** The C library gives up on a silent resolver after 5 s at the earliest. */
const RESOLVER_MS = 5000;

/** The system's resolver, its configuration beside the address, and the first name a `fetch` by name asks for. */
const CASES: readonly (readonly [string, ResolverKind, string, string])[] = [
  ["never answers", "silent", "", HOST],
  ["says something else", "rebinding", "", HOST],
  [
    "puts search domains before the name",
    "rebinding",
    "search wild.test\noptions ndots:5\n",
    `${HOST}.wild.test`,
  ],
];

for (const [title, kind, resolvConf, first] of CASES) {
  Deno.test({
    name: `fetchPolicy() goes to the address that was judged when the system's resolver ${title}`,
    // Needs root, and the tools of Linux.
    ignore: !hasNamespaces(),
    async fn() {
      const result = await probeResolver(kind, resolvConf);
      assertStringIncludes(result.text, "address 127.0.0.6\n");
      assertStringIncludes(result.text, "Decision    fetched: the policy was fetched\n");
      assertEquals(result.dialled, ["127.0.0.6"]);
      assertEquals(result.questions, []);
      assertLess(result.ms, RESOLVER_MS);
      // By its own means, fetch would have asked that resolver.
      assertEquals(result.questionsByName[0], first);
    },
  });
}
