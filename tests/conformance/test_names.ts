/**
 * Reads the names of tests from the text of a test file, without running it.
 *
 * @module
 */

/** What stands for the part of a name that a loop puts in. */
const ANY = "…";

/** The names of a file's tests. */
export interface TestNames {
  /** Whether a test of this name is there and runs. */
  has(name: string): boolean;
  /** The names, with `…` where a loop puts something in. */
  readonly all: readonly string[];
}

/**
 * Finds the tests of a file: `Deno.test("…")`, with a template or with `{ name }`. Those that are
 * commented out or always ignored are none.
 *
 * @param path For messages only.
 */
export function readTestNames(path: string, source: string): TestNames {
  const names: string[][] = [];
  const texts = new Set<string>();
  const plugin: Deno.lint.Plugin = {
    name: "tests",
    rules: {
      names: {
        create: () => ({
          Literal(node): void {
            if (typeof node.value === "string") texts.add(node.value);
          },
          CallExpression({ callee, arguments: [first] }): void {
            if (!isDenoTest(callee) || first === undefined) return;
            const parts = nameOf(first);
            if (parts !== undefined) names.push(parts);
          },
        }),
      },
    },
  };
  Deno.lint.runPlugin(plugin, path, source);
  return {
    has: (name) => names.some((parts) => fits(name, parts, texts)),
    all: names.map((parts) => parts.join(ANY)),
  };
}

function isDenoTest(callee: Deno.lint.Expression): boolean {
  return callee.type === "MemberExpression" &&
    callee.object.type === "Identifier" && callee.object.name === "Deno" &&
    callee.property.type === "Identifier" && callee.property.name === "test";
}

/** The fixed parts of a name, between which a loop puts something in; `undefined` for what is not read. */
function nameOf(argument: Deno.lint.Node): string[] | undefined {
  switch (argument.type) {
    case "Literal":
      return typeof argument.value === "string" ? [argument.value] : undefined;
    case "TemplateLiteral":
      return argument.quasis.map(({ cooked }) => cooked);
    case "ObjectExpression": {
      const values = new Map(
        argument.properties.flatMap((property) =>
          property.type === "Property" && property.key.type === "Identifier"
            ? [[property.key.name, property.value] as const]
            : []
        ),
      );
      const ignore = values.get("ignore");
      if (ignore?.type === "Literal" && ignore.value === true) return undefined;
      const name = values.get("name");
      return name === undefined ? undefined : nameOf(name);
    }
    default:
      return undefined;
  }
}

/** Whether a name has these parts, with `…` or a text of the file between them. */
function fits(name: string, parts: readonly string[], texts: ReadonlySet<string>): boolean {
  const [first = "", ...rest] = parts;
  if (!name.startsWith(first)) return false;
  const after = name.slice(first.length);
  if (rest.length === 0) return after === "";
  return [ANY, ...texts].some((text) =>
    text !== "" && after.startsWith(text) && fits(after.slice(text.length), rest, texts)
  );
}
