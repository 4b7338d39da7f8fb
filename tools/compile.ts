/**
 * `deno task compile`: bundles the program, and compiles the bundle into one executable, `dist/mta-sts-resolver`.
 *
 * The same source gives the same octets, wherever it is and whatever the module cache is called: packages are bundled
 * from `node_modules/`, whose paths are part of the bundle; the files of the bundle, whose times are part of the program,
 * all have one time; and the program has its name from here, not from its path.
 *
 * @module
 */

const ROOT = new URL("../", import.meta.url).pathname;

/** What the program is called by itself. */
const NAME = "mta-sts-resolver";

/** The time of every file in the program, which nobody sees: 2000-01-01. */
const FILE_TIME = new Date(Date.UTC(2000, 0, 1));

/** Memory before speed: a young generation of 2 MB, and a heap that grows in small steps. */
export const V8_FLAGS: readonly string[] = [
  "--max-semi-space-size=2",
  "--heap-growing-percent=25",
  "--no-memory-pool",
  "--optimize-for-size",
];

/** Where a program runs. */
export interface Target {
  /** As Deno calls it. */
  readonly triple: string;
  /** As Debian calls it. */
  readonly debian: "amd64" | "arm64";
  /** As `uname -m` calls it, for file names. */
  readonly machine: "x86_64" | "aarch64";
  /** The variable that names a base program, where Deno cannot download it. */
  readonly baseVariable: string;
}

export const TARGETS: readonly Target[] = [
  {
    triple: "x86_64-unknown-linux-gnu",
    debian: "amd64",
    machine: "x86_64",
    baseVariable: "DENORT_BIN",
  },
  {
    triple: "aarch64-unknown-linux-gnu",
    debian: "arm64",
    machine: "aarch64",
    baseVariable: "DENORT_BIN_AARCH64",
  },
];

/** What {@link compileProgram} makes. */
export interface CompileOptions {
  /** A directory that {@link makeBundle} filled. */
  readonly bundle: string;
  /** Path of the executable. */
  readonly output: string;
  /** Default: where this runs. */
  readonly target?: Target;
}

/**
 * Bundles the program: `main.js`, a file for each command, and what they share. Empties the directory before. The
 * path of the directory is part of the program: give one below `dist/`, always the same.
 *
 * @param environment With which Deno runs, which may download the bundler.
 * @throws {Error} With what Deno prints, if that fails.
 */
export function makeBundle(directory: string, environment = Deno.env.toObject()): void {
  try {
    Deno.removeSync(directory, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const options = ["--quiet", "--frozen", "--node-modules-dir=auto", "--code-splitting"];
  deno(["bundle", ...options, `--outdir=${directory}`, "main.ts"], environment);
  for (const { name } of Deno.readDirSync(directory)) {
    Deno.utimeSync(`${directory}/${name}`, FILE_TIME, FILE_TIME);
  }
}

/**
 * Compiles a bundle into an executable.
 *
 * @throws {Error} With what Deno prints, if that fails; if the base program cannot be had, see {@link lacksBase}.
 */
export function compileProgram({ bundle, output, target }: CompileOptions): void {
  const environment = Deno.env.toObject();
  const base = environment[target?.baseVariable ?? "DENORT_BIN"];
  deno([
    ...["compile", "--quiet", "--no-check", "--no-code-cache", `--app-name=${NAME}`],
    `--v8-flags=${V8_FLAGS.join(",")}`,
    ...(target ? [`--target=${target.triple}`] : []),
    ...readPermissions(),
    `--output=${output}`,
    `${bundle}/main.js`,
  ], { ...environment, DENORT_BIN: base ?? "" });
}

/** Whether an error of {@link compileProgram} says that Deno could not get the base program. */
export function lacksBase(error: unknown): boolean {
  return error instanceof Error && error.message.includes("Setting up base binary");
}

/** The permissions of the program, and flags beside them. */
function readPermissions(): string[] {
  return Deno.readTextFileSync(`${ROOT}tools/permissions.txt`).split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
}

/** Runs Deno in the root of the source. `DENORT_BIN` names a base program; without it, Deno downloads one. */
function deno(args: readonly string[], environment: Readonly<Record<string, string>>): void {
  const { DENORT_BIN: base = "", ...others } = environment;
  const { success, stderr } = new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: ROOT,
    clearEnv: true,
    env: { ...others, DENO_NO_UPDATE_CHECK: "1", ...(base !== "" && { DENORT_BIN: base }) },
    stdout: "null",
  }).outputSync();
  if (!success) throw new Error(new TextDecoder().decode(stderr).trimEnd());
}

if (import.meta.main) {
  const output = `${ROOT}dist/${NAME}`;
  try {
    makeBundle("dist/bundle");
    compileProgram({ bundle: "dist/bundle", output });
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    Deno.exit(1);
  }
  const { code } = new Deno.Command(output, { args: ["--version"], stdout: "inherit" })
    .outputSync();
  Deno.exit(code);
}
