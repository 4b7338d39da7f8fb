/**
 * `deno task release`: makes everything that a release consists of in `dist/release`: for x86-64 and arm64 the executable
 * and the Debian package, the list of what is in them, checksums, a signature, and the notes. docs/releases.md is for the
 * releaser. Publishes nothing.
 *
 * Run as: release.ts [--key FILE] [--any-tree]
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { createHash } from "node:crypto";
import { VERSION } from "../src/base/version.ts";
import { compileProgram, lacksBase, makeBundle, type Target, TARGETS } from "./compile.ts";
import { buildDeb, builder } from "./deb.ts";
import { findChanges, formatNotes } from "./release/notes.ts";
import { readRuntime, type Runtime } from "./release/runtime.ts";
import { writeSbom } from "./release/sbom.ts";
import { signFile } from "./release/sign.ts";
import { sourceDate } from "./source_date.ts";

const ROOT = new URL("../", import.meta.url).pathname;
const OUTPUT = `${ROOT}dist/release`;

/** What is made from one base program. */
interface Made {
  readonly program: string;
  readonly deb: string;
  readonly runtime: Runtime;
}

function main(): void {
  const options = parseArgs(Deno.args, {
    string: ["key"],
    boolean: ["any-tree"],
    unknown: refuseArgument,
  });
  const key = options.key as string | undefined;
  const changes = findChanges(Deno.readTextFileSync(`${ROOT}CHANGELOG.md`), VERSION);
  if (changes.heading.includes("not yet")) say(`note: CHANGELOG.md says '${changes.heading}'`);
  if (!options["any-tree"]) requireCommit();
  if (key !== undefined) requireFile(key);
  const date = sourceDate();
  clear(OUTPUT);
  makeBundle("dist/bundle");
  const made = TARGETS.map((target) => make(target, date)).filter((each) => each !== undefined);
  const [{ runtime } = noProgram()] = made;
  if (made.some((each) => each.runtime.deno !== runtime.deno)) {
    throw new Error("the base programs are of different versions of Deno: use one for all");
  }
  const sbom = `${OUTPUT}/mta-sts-resolver-${VERSION}.cdx.json`;
  writeSbom(sbom, { source: ROOT, version: VERSION, date, runtime });
  say(`${nameOf(sbom)}: CycloneDX, valid; Deno ${runtime.deno}, V8 ${runtime.v8}`);

  const files = [...made.flatMap(({ program, deb }) => [program, deb]), sbom];
  const sums = `${OUTPUT}/SHA256SUMS`;
  Deno.writeTextFileSync(sums, files.map(checksumLine).join(""));
  if (key === undefined) say("not signed: no --key FILE");
  else signFile(sums, { key, signers: `${OUTPUT}/allowed_signers` });
  Deno.writeTextFileSync(
    `${OUTPUT}/NOTES.md`,
    formatNotes({
      changes: changes.text,
      version: VERSION,
      runtime,
      files: files.map((file) => [nameOf(file), Deno.statSync(file).size]),
      isSigned: key !== undefined,
    }),
  );
  Deno.stdout.writeSync(new TextEncoder().encode(Deno.readTextFileSync(sums)));
}

/** Makes executable and package for one target; says so, and `undefined`, if its base program cannot be had. */
function make(target: Target, date: Date): Made | undefined {
  const { machine, debian, triple, baseVariable } = target;
  const program = `${OUTPUT}/mta-sts-resolver-${VERSION}-linux-${machine}`;
  try {
    compileProgram({ bundle: "dist/bundle", output: program, target });
  } catch (error) {
    if (!lacksBase(error)) throw error;
    say(`no program for ${triple}: its base cannot be had here, and ${baseVariable} names none`);
    return undefined;
  }
  const runtime = readRuntime(program);
  const deb = buildDeb({
    ...{ program, directory: OUTPUT, version: VERSION, date, architecture: debian },
    ...builder(),
  });
  for (const file of [program, deb]) {
    say(`${nameOf(file)}: ${(Deno.statSync(file).size / 1e6).toFixed(1)} MB`);
  }
  return { program, deb, runtime };
}

function refuseArgument(name: string): never {
  throw new Error(`unknown argument '${name}': use --key FILE, --any-tree`);
}

function noProgram(): never {
  throw new Error("no base program can be had for any target: nothing is made");
}

/** @throws {Error} If the working tree is not what the commit says, because then nobody could build the same. */
function requireCommit(): void {
  const { success, stdout } = new Deno.Command("git", {
    args: ["status", "--porcelain"],
    cwd: ROOT,
  }).outputSync();
  if (success && stdout.length === 0) return;
  throw new Error("the working tree is not a commit: commit what has changed, or use --any-tree");
}

/** Known before the minutes that the rest takes. @throws {Error} If there is no such key. */
function requireFile(key: string): void {
  try {
    Deno.statSync(key);
  } catch {
    throw new Error(`cannot read ${key}: --key takes a key that ssh-keygen made`);
  }
}

function checksumLine(file: string): string {
  const hash = createHash("sha256").update(Deno.readFileSync(file)).digest("hex");
  return `${hash}  ${nameOf(file)}\n`;
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function clear(directory: string): void {
  try {
    Deno.removeSync(directory, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  Deno.mkdirSync(directory, { recursive: true });
}

function say(line: string): void {
  console.error(line);
}

try {
  main();
} catch (error) {
  say(`release: ${error instanceof Error ? error.message : error}`);
  Deno.exit(1);
}
