import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { formatRules, PAGE } from "./docs.ts";
import { FILES } from "./requirement.ts";
import { GROUPS, REQUIREMENTS } from "./rfc8461.ts";
import { readTestNames } from "./test_names.ts";

const ROOT = new URL("../../", import.meta.url);

Deno.test("the rules are numbered without a gap, each once", () => {
  const expected = Object.entries(GROUPS).flatMap(([letter, { count }]) =>
    Array.from({ length: count }, (_, index) => `${letter}${index + 1}`)
  );
  assertEquals(REQUIREMENTS.map(({ id }) => id), expected);
});

Deno.test("every rule has a section, and a test or a reason why there is none", () => {
  for (const { id, section, says, heldBy, others } of REQUIREMENTS) {
    assert(/^[0-9]+(?:\.[0-9]+)?(?:, [0-9]+(?:\.[0-9]+)?)*$/.test(section), `${id}: § ${section}`);
    assert(/^[A-Z`].*\.$/.test(says), `${id}: ${says}`);
    assert(heldBy.length > 0 || others !== undefined, `${id} has no test, and no reason`);
    assert(others === undefined || /^[A-Z].*\.$/.test(others), `${id}: ${others}`);
    assertEquals(new Set(heldBy.map(String)).size, heldBy.length, `${id} names a test twice`);
  }
});

Deno.test("every test that holds a rule is there, under its name", () => {
  const files = new Map(
    Object.entries(FILES).map(([key, path]) => [
      key,
      readTestNames(path, Deno.readTextFileSync(new URL(path, ROOT))),
    ]),
  );
  const missing = REQUIREMENTS.flatMap(({ id, heldBy }) =>
    heldBy.filter(([file, name]) => !files.get(file)!.has(name))
      .map(([file, name]) => `${id}: ${FILES[file]} has no test '${name}'`)
  );
  assertEquals(missing, []);
  const named = new Set(REQUIREMENTS.flatMap(({ heldBy }) => heldBy.map(([file]) => file)));
  assertEquals([...named].sort(), Object.keys(FILES).sort());
});

Deno.test("docs/rfc8461.md says what the list says (deno task docs)", () => {
  assertEquals(Deno.readTextFileSync(PAGE), formatRules());
  assertStringIncludes(
    Deno.readTextFileSync(new URL("README.md", ROOT)),
    "[docs/rfc8461.md](docs/rfc8461.md)",
  );
});

Deno.test("readTestNames() finds tests that run, in every form, by the exact name", () => {
  const source = `
    Deno.test("plain", () => {});
    Deno.test({ name: "object", ignore: !able, fn() {} });
    Deno.test({ name: "off", ignore: true, fn() {} });
    Deno.test.ignore("ignored", () => {});
    // Deno.test("commented out", () => {});
    const text = 'Deno.test("quoted", () => {})';
    for (const [name, n] of [["one", 1], ["two", 2]]) {
      Deno.test(\`case \${name} of \${n}!\`, () => {});
    }
  `;
  const { has, all } = readTestNames("tests/x_test.ts", source);
  assertEquals(all, ["plain", "object", "case … of …!"]);
  for (const name of ["plain", "object", "case … of …!", "case one of …!", "case two of …!"]) {
    assert(has(name), name);
  }
  const absent = ["off", "ignored", "commented out", "quoted", "plai", "plain ", "Plain", ""];
  for (const name of [...absent, "case  of …!", "case three of …!", "case one of …", "…"]) {
    assert(!has(name), name);
  }
});
