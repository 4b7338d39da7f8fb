import { assert, assertEquals } from "@std/assert";
import { compareLists, formatList, readInstalled } from "../../tools/std_checksums.ts";
import { compareOfficial } from "../../tools/std_official.ts";
import { VERSION_OF_STD } from "../../tools/std_version.ts";

const LIST = Deno.readTextFileSync(new URL("../../tools/std_checksums.txt", import.meta.url));
const { version, entries } = VERSION_OF_STD;

Deno.test("the files of deno-std that are loaded are those of the list, octet for octet", () => {
  assertEquals(entries, ["assert/mod.js", "cli/parse_args.js", "yaml/mod.js"]);
  const found = formatList(readInstalled(entries, version));
  assertEquals(compareLists(LIST, found), []);
  assert(found.split("\n").length > 50);
});

Deno.test("compareLists() names each file that differs, is new or is gone", () => {
  const files = new Map([["yaml/mod.js", "a"], ["yaml/parse.js", "b"], ["yaml/types.js", "c"]]);
  const list = formatList(files);
  files.set("yaml/parse.js", "b2");
  files.set("yaml/new.js", "d");
  files.delete("yaml/types.js");
  assertEquals(compareLists(list, formatList(files)), [
    "yaml/new.js: not in the list",
    "yaml/parse.js: differs",
    "yaml/types.js: no longer loaded",
  ]);
});

/** What a registry holds, by path. */
const OFFICIAL: Readonly<Record<string, string>> = {
  "/@std/cli/meta.json": JSON.stringify({
    versions: { "1.0.9": {}, "1.0.10": {}, "1.1.0": { yanked: true } },
  }),
  // Older, and different.
  "/@std/cli/1.0.9/parse_args.ts": "export function f(a: string): number { return 1; }",
  "/@std/cli/1.0.9/_types.ts": "export type T = string;",
  "/@std/cli/1.0.10/parse_args.ts": `// Copyright
import { g } from "jsr:@std/internal@^1.0.0/build-message";
import type { T } from "./_types.ts";
/** Text. */
export function f(
  a: T,
): number { if (a === "") return 2; return g(a); }
`,
  "/@std/cli/1.0.10/_types.ts": "/** Text. */\nexport type T = string;\n",
  "/@std/internal/meta.json": JSON.stringify({ versions: { "1.0.0": {} } }),
  "/@std/internal/1.0.0/build_message.ts": "export const g = (a: string): number => a.length;",
};

const OURS = {
  "cli/parse_args.js": `import { g } from "../internal/build_message.js";
export function f(a) {
  if (a === "") return 2;
  return g(a);
}
`,
  "cli/_types.js": "export {};\n",
  "internal/build_message.js": "export const g = (a) => a.length;\n",
};

async function compare(ours: Readonly<Record<string, string>>): Promise<string[]> {
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, ({ url }) => {
    const text = OFFICIAL[new URL(url).pathname];
    return new Response(text, { status: text === undefined ? 404 : 200 });
  });
  const base = `http://127.0.0.1:${server.addr.port}/`;
  return await compareOfficial(new Map(Object.entries(ours)), { base });
}

Deno.test("compareOfficial() finds alike what differs in types, comments and names of imports", async () => {
  assertEquals(await compare(OURS), []);
});

Deno.test("compareOfficial() names what differs from the nearest version, and what is not official", async () => {
  const faults = await compare({
    ...OURS,
    "cli/parse_args.js": OURS["cli/parse_args.js"].replace("return 2", "return 3"),
    "internal/build_message.js": 'import "./evil.js";\nexport const g = (a) => a.length;\n',
    "internal/evil.js": "fetch('https://evil.test');",
    "more/mod.js": "",
  });
  assertEquals(faults, [
    "cli/parse_args.js: differs from @std/cli 1.0.10",
    "internal/build_message.js: differs from @std/internal 1.0.0",
    "internal/evil.js: is not in @std/internal 1.0.0",
    "@std/more: no official package",
  ]);
});

Deno.test("compareOfficial() sees an import that leads elsewhere", async () => {
  const text = OURS["cli/parse_args.js"].replace(
    "../internal/build_message",
    "../cli/build_message",
  );
  assertEquals((await compare({ ...OURS, "cli/parse_args.js": text })).length, 1);
});
