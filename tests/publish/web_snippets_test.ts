import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { formatSnippet, isPlainPath, WEB_SERVERS } from "../../src/publish/web_snippets.ts";

const OPTIONS = { domain: "a.example", file: "/srv/sts/a.example.txt" };

Deno.test("formatSnippet() names the host, the path, the file and the media type (RFC 8461 §3.3)", () => {
  for (const server of WEB_SERVERS) {
    const snippet = formatSnippet(server, OPTIONS);
    assertStringIncludes(snippet, "mta-sts.a.example");
    assertStringIncludes(snippet, "/.well-known/mta-sts.txt");
    assertStringIncludes(snippet, "text/plain");
    assert(snippet.endsWith("}\n") || snippet.endsWith("</VirtualHost>\n"));
    assertEquals(/redirect|return 30|rewrite \^/.test(snippet), false);
  }
  assertStringIncludes(formatSnippet("nginx", OPTIONS), `alias "${OPTIONS.file}";`);
  assertStringIncludes(formatSnippet("apache", OPTIONS), `"${OPTIONS.file}"`);
  assertStringIncludes(formatSnippet("caddy", OPTIONS), `root * "/srv/sts"`);
  assertStringIncludes(formatSnippet("caddy", OPTIONS), `rewrite * "/a.example.txt"`);
  const atRoot = formatSnippet("caddy", { ...OPTIONS, file: "/a.example.txt" });
  assertStringIncludes(atRoot, `root * "/"`);
});

Deno.test("isPlainPath() refuses what would need quoting", () => {
  assert(isPlainPath("/srv/a b/a.example.txt"));
  for (const path of ["a", "/a$b", '/a"b', "/a\nb", "/a;b", "/a{b", "/a\\b", "/é"]) {
    assertEquals(isPlainPath(path), false, path);
  }
});
