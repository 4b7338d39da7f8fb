import { assert, assertEquals } from "@std/assert";
import { COMMANDS } from "../../src/cli/cli.ts";
import { makeBundle } from "../../tools/compile.ts";
import { initialEnvironment } from "../fakes/network_env.ts";

/** The files that `deno task compile` bundles, by name. */
const bundle = readBundle();

function readBundle(): ReadonlyMap<string, string> {
  const directory = Deno.makeTempDirSync();
  makeBundle(directory, initialEnvironment());
  try {
    const names = Array.from(Deno.readDirSync(directory), ({ name }) => name);
    return new Map(names.map((name) => [name, Deno.readTextFileSync(`${directory}/${name}`)]));
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

/** The source files of `src/` that are loaded with a file of the bundle, such as `cli/cli.ts`. */
function sourcesOf(entry: string): string[] {
  const seen = new Set<string>();
  const sources: string[] = [];
  const visit = (name: string) => {
    if (seen.has(name)) return;
    seen.add(name);
    const text = bundle.get(name)!;
    for (const [, source] of text.matchAll(/^\/\/ src\/(.*\.ts)$/gm)) sources.push(source!);
    for (const [, next] of text.matchAll(/^(?:\} from|import) "\.\/([^"]+)";$/gm)) visit(next!);
  };
  visit(entry);
  return sources.sort();
}

/** The file of the bundle that a command loads. */
function fileOf(source: string): string {
  const name = bundle.keys().find((name) => new RegExp(`^${source}-[A-Z0-9]+\\.js$`).test(name));
  assert(name !== undefined, `${source} is not in a file of its own`);
  return name;
}

Deno.test("the start of the program loads tables, and no command", () => {
  const sources = sourcesOf("main.js");
  const others = sources.filter((source) => !/^(?:base|cli|config)\//.test(source));
  assertEquals(others, ["check/probe_timeout.ts", "daemon/systemd_environment.ts"]);
  const files = COMMANDS.map(({ name }) => `cli/${name.replace(" ", "_")}.ts`);
  assertEquals(files.filter((file) => sources.includes(file)), []);
});

Deno.test("each command has a file of its own, which is in the bundle", () => {
  const main = bundle.get("main.js")!;
  const imported = Array.from(main.matchAll(/import\("\.\/([^"]+)"\)/g), ([, name]) => name!);
  assertEquals(imported.length, COMMANDS.length);
  assertEquals(new Set(imported).size, COMMANDS.length);
  assertEquals(imported.filter((name) => !bundle.has(name)), []);
  // `deno compile` embeds what a literal names. A name that is computed would be missing at run time.
  const computed = bundle.values().flatMap((text) => text.match(/\bimport\([^"].*/g) ?? []);
  assertEquals([...computed], []);
});

/** What a command loads of these folders. */
function loads(command: string, folders: readonly string[]): string[] {
  return sourcesOf(fileOf(command)).filter((source) => folders.includes(source.split("/")[0]!));
}

Deno.test("'serve' loads nothing that only other commands need", () => {
  assertEquals(loads("serve", ["check", "deliver", "mail", "publish", "receive", "reports"]), []);
});

Deno.test("'report serve' loads nothing of the resolver", () => {
  assertEquals(loads("report_serve", ["cache", "check", "publish", "resolver"]), []);
});

Deno.test("the bundle is ASCII: one character of another kind, and V8 holds it with two octets for each", () => {
  // Of comments the bundler keeps those before async methods: no section sign there.
  for (const [name, text] of bundle) {
    // deno-lint-ignore no-control-regex
    assertEquals(text.split("\n").filter((line) => /[^\x00-\x7f]/.test(line)), [], name);
  }
});

Deno.test("the bundle does not name the place where it was made", () => {
  for (const [name, text] of bundle) {
    const lines = text.split("\n").filter((line) =>
      line.includes(Deno.cwd()) || /registry\.|\.cache\/|^\/\/ \.\.\//.test(line)
    );
    assertEquals(lines, [], name);
  }
});
