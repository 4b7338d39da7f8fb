/**
 * `deno task library`: makes the package of the rules (`src/deno.json`) and tries it as its users will.
 *
 * It packs the npm tarball into `dist/library`, has Deno check what it would publish, installs the tarball into a
 * project of Node.js, compiles the examples of `src/README.md` there with TypeScript at its strictest, runs them, and
 * compares what they print with their comments. It needs npm and a registry, so it is no test of `deno task test`.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import manifest from "../src/deno.json" with { type: "json" };
import program from "../deno.json" with { type: "json" };

/** The compiler that tries the package, so that a new one does not turn a good commit into a bad one. */
const TYPESCRIPT = "typescript@5.9.3";

const TSCONFIG = {
  compilerOptions: {
    ...{ strict: true, skipLibCheck: false, noUncheckedIndexedAccess: true },
    ...{ module: "nodenext", moduleResolution: "nodenext", target: "es2022" },
    ...{ lib: ["es2023", "dom"], types: [], outDir: "out" },
  },
  include: ["*.ts"],
};

const root = new URL("../", import.meta.url).pathname;
const tarball = `${root}dist/library/mta-sts-resolver-rules-${manifest.version}.tgz`;

assertEquals(manifest.version, program.version, "src/deno.json and deno.json have one version");
assertEquals(
  await Deno.readTextFile(`${root}src/LICENSE`),
  await Deno.readTextFile(`${root}LICENSE`),
  "src/LICENSE is LICENSE",
);
await pack();
await tryInNode();
console.log(`\n${tarball.slice(root.length)}: packed, installed, compiled and run`);

async function pack(): Promise<void> {
  await Deno.mkdir(`${root}dist/library`, { recursive: true });
  const cwd = `${root}src`;
  const packed = await run(Deno.execPath(), ["pack", "--allow-dirty", "-o", tarball], { cwd });
  // A file of `publish.include` that no module leads to would be copied as it is: it does not belong there.
  assert(packed.includes("0 assets collected"), `files without a use in the package:\n${packed}`);
  await run(Deno.execPath(), ["publish", "--dry-run", "--allow-dirty"], { cwd });
}

async function tryInNode(): Promise<void> {
  const cwd = await Deno.makeTempDir({ prefix: "rules-" });
  try {
    const project = JSON.stringify({ name: "user", private: true, type: "module" });
    await Deno.writeTextFile(`${cwd}/package.json`, project);
    await Deno.writeTextFile(`${cwd}/tsconfig.json`, JSON.stringify(TSCONFIG));
    const examples = examplesOf(await Deno.readTextFile(`${root}src/README.md`));
    assertEquals(examples.length, 3, "src/README.md has three examples");
    for (const [index, example] of examples.entries()) {
      await Deno.writeTextFile(`${cwd}/example_${index}.ts`, example);
    }
    const quiet = ["--silent", "--no-audit", "--no-fund", "--no-update-notifier"];
    await run("npm", ["install", ...quiet, tarball, TYPESCRIPT], { cwd });
    await run("node_modules/.bin/tsc", [], { cwd });
    for (const [index, example] of examples.entries()) {
      checkOutput(example, await run("node", [`out/example_${index}.js`], { cwd }));
    }
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
}

function examplesOf(markdown: string): string[] {
  return [...markdown.matchAll(/^```ts\n(.*?)^```/gms)].map(([, code]) => code!);
}

/** Each line printed must be how a comment begins, in the order of the comments. */
function checkOutput(example: string, output: string): void {
  const comments = [...example.matchAll(/\/\/ (.*)$/gm)].map(([, text]) => text!);
  const lines = output.split("\n").filter((line) => line !== "");
  assert(lines.length >= 2, `an example prints too little:\n${output}`);
  let next = 0;
  for (const line of lines) {
    const found = comments.findIndex((text, index) => index >= next && text.startsWith(line));
    assert(found >= 0, `src/README.md does not say that this is printed: ${line}`);
    next = found + 1;
  }
}

/** Runs a command to its success. @returns What it printed. */
async function run(command: string, args: string[], { cwd }: { cwd: string }): Promise<string> {
  console.log(`$ ${command.split("/").at(-1)} ${args.join(" ").replaceAll(root, "")}`);
  const env = { NO_COLOR: "1" };
  const { success, stdout, stderr } = await new Deno.Command(command, { args, cwd, env }).output();
  const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  assert(success, `${command} failed:\n${text}`);
  return text;
}
