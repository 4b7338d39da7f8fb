import { assertEquals } from "@std/assert";
import plugin from "./layers.ts";

/** The rules that a file of this name and text breaks, in order. */
function broken(filename: string, source: string): string[] {
  return Deno.lint.runPlugin(plugin, filename, source).map((diagnostic) =>
    diagnostic.id.replace("layers/", "")
  );
}

Deno.test("layers/imports reports values imported upwards or sideways", () => {
  assertEquals(broken("src/base/log.ts", `import { x } from "../sts/policy.ts";`), ["imports"]);
  assertEquals(broken("src/sts/policy.ts", `import { x } from "../dns/client.ts";`), ["imports"]);
  assertEquals(broken("src/dns/client.ts", `import { x } from "../cache/a.ts";`), ["imports"]);
  assertEquals(broken("src/cache/a.ts", `import "../cli/serve.ts";`), ["imports"]);
  assertEquals(broken("src/resolver/a.ts", `import x, { type Y } from "../dns/a.ts";`), [
    "imports",
  ]);
  assertEquals(broken("src/config/a.ts", `export { x } from "../status/a.ts";`), ["imports"]);
  assertEquals(broken("src/config/a.ts", `export * from "../status/a.ts";`), ["imports"]);
  assertEquals(broken("src/https/a.ts", `await import("../dns/a.ts");`), ["imports"]);
  assertEquals(broken("src/daemon/a.ts", `import { x } from "../cli/serve.ts";`), ["imports"]);
  assertEquals(broken("src/https/a.ts", `import { x } from "../check/a.ts";`), ["imports"]);
  assertEquals(broken("main.ts", `import { x } from "./src/dns/a.ts";`), ["imports"]);
  assertEquals(broken("src/unheard_of/a.ts", `import { x } from "../sts/a.ts";`), ["imports"]);
});

Deno.test("layers/imports reports types imported against the arrows", () => {
  assertEquals(broken("src/sts/a.ts", `import type { X } from "../dns/types.ts";`), ["imports"]);
  assertEquals(broken("src/sts/a.ts", `import { type X } from "../dns/types.ts";`), ["imports"]);
  assertEquals(broken("src/sts/a.ts", `export type { X } from "../dns/types.ts";`), ["imports"]);
  assertEquals(broken("src/sts/a.ts", `export type * from "../dns/types.ts";`), ["imports"]);
  assertEquals(broken("src/resolver/a.ts", `import type { X } from "../postfix/a.ts";`), [
    "imports",
  ]);
  assertEquals(broken("src/cache/a.ts", `import type { X } from "../resolver/a.ts";`), ["imports"]);
});

Deno.test("layers/imports allows the effects as types, the own folder, the layers below and packages", () => {
  assertEquals(broken("src/resolver/a.ts", `import type { X } from "../dns/types.ts";`), []);
  assertEquals(broken("src/resolver/a.ts", `import { type X } from "../cache/types.ts";`), []);
  assertEquals(broken("src/postfix/a.ts", `export type { X } from "../resolver/types.ts";`), []);
  assertEquals(broken("src/sts/policy.ts", `import { x } from "./domain.ts";`), []);
  assertEquals(broken("src/dns/client.ts", `import { x } from "../sts/domain.ts";`), []);
  assertEquals(broken("src/dns/client.ts", `import dnsPacket from "dns-packet";`), []);
  assertEquals(broken("src/check/a.ts", `import { x } from "../resolver/dane.ts";`), []);
  assertEquals(broken("src/cli/serve.ts", `import { x } from "../daemon/engine.ts";`), []);
  assertEquals(broken("main.ts", `import { x } from "./src/cli/cli.ts";`), []);
  assertEquals(broken("tests/a_test.ts", `import { x } from "../src/dns/a.ts";`), []);
});

Deno.test("layers/exit allows Deno.exit in main.ts alone", () => {
  assertEquals(broken("src/cli/serve.ts", "Deno.exit(1);"), ["exit"]);
  assertEquals(broken("main.ts", "Deno.exit(1);"), []);
  assertEquals(broken("src/cli/serve.ts", "Deno.exitCode = 1;"), []);
});

Deno.test("layers/environment allows Deno.env in config, daemon and cli alone", () => {
  assertEquals(broken("src/dns/a.ts", `Deno.env.get("HOME");`), ["environment"]);
  assertEquals(broken("src/config/a.ts", `Deno.env.get("HOME");`), []);
  assertEquals(broken("src/cli/a.ts", `Deno.env.get("HOME");`), []);
});

Deno.test("layers/state reports variables at the top level that can change", () => {
  assertEquals(broken("src/dns/a.ts", "let x = 1;"), ["state"]);
  assertEquals(broken("src/dns/a.ts", "export let x = 1;"), ["state"]);
  assertEquals(broken("src/dns/a.ts", "export const x = 1; function f() { let y = 2; }"), []);
});

Deno.test("layers/protocol-text reports lenient helpers where text comes from the network", () => {
  assertEquals(broken("src/sts/a.ts", "text.trim();"), ["protocol-text"]);
  assertEquals(broken("src/dns/a.ts", "text?.trimEnd();"), ["protocol-text"]);
  assertEquals(broken("src/https/a.ts", String.raw`/^a\s*$/.test(text);`), ["protocol-text"]);
  assertEquals(broken("src/postfix/a.ts", "Number(text); parseFloat(text);"), [
    "protocol-text",
    "protocol-text",
  ]);
  assertEquals(broken("src/https/a.ts", `text = "a b"; text = null;`), []);
  assertEquals(broken("src/sts/a.ts", "texts.map(Number);"), ["protocol-text"]);
  assertEquals(broken("src/https/a.ts", String.raw`/a\\s[ \t]/.test(text);`), []);
  assertEquals(broken("src/sts/a.ts", "Number.isInteger(value);"), []);
  assertEquals(broken("src/config/a.ts", "text.trim();"), []);
});

Deno.test("layers/parameters reports exported functions with more than two parameters", () => {
  assertEquals(broken("src/sts/a.ts", "export function f(a, b, c) {}"), ["parameters"]);
  assertEquals(broken("src/sts/a.ts", "export async function f(a, b, ...c) {}"), ["parameters"]);
  assertEquals(broken("src/sts/a.ts", "export function f(a, b, { c, d }) {}"), []);
  assertEquals(broken("src/sts/a.ts", "export function f(a, b, options) {}"), []);
  assertEquals(broken("src/sts/a.ts", "export function f(a, b, c, options) {}"), ["parameters"]);
  assertEquals(broken("src/sts/a.ts", "function f(a, b, c) {}"), []);
});
