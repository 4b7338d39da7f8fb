import { assertEquals } from "@std/assert";
import { escapeHtml, html, NOTHING } from "../../src/http/html.ts";

Deno.test("html() escapes what is put in, and nothing twice", () => {
  const name = `<script>alert("1")</script>&'`;
  const inner = html`<b title="${name}">${name}</b>`;
  const escaped = "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#39;";
  assertEquals(inner.html, `<b title="${escaped}">${escaped}</b>`);
  assertEquals(
    html`<p>${inner}${[inner, NOTHING]}${undefined}${7}</p>`.html,
    [
      "<p>",
      inner.html,
      inner.html,
      "7</p>",
    ].join(""),
  );
});

Deno.test("escapeHtml() shows what would hide, move or reorder text", () => {
  assertEquals(
    escapeHtml("a\u202eb\u200bc\0d\re\nf\u2028g\ufeff"),
    [
      "a\\u202eb\\u200bc\\u0000d\\u000de\\u000af\\u2028g\\ufeff",
    ].join(""),
  );
  assertEquals(escapeHtml("\ud800 \u{e0041}"), "\\ud800 \\u{e0041}");
  assertEquals(escapeHtml("plain text, ünïcode 日本"), "plain text, ünïcode 日本");
});
