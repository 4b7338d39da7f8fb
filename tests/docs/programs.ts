/**
 * Runs programs of the machine that need not be there, for the tests of this folder.
 *
 * @module
 */

/** Which of the programs are installed; says which are not. */
export function installed(...programs: readonly string[]): string[] {
  return programs.filter((program) => {
    try {
      new Deno.Command(program, { args: ["--version"], stdout: "null", stderr: "null" })
        .outputSync();
      return true;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      console.log(`Not checked with ${program}: it is not installed`);
      return false;
    }
  });
}

/** Runs a program; returns what it printed on both ways. */
export function run(program: string, ...args: readonly string[]): { out: string; err: string } {
  const { stdout, stderr } = new Deno.Command(program, { args: [...args] }).outputSync();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { out: out!, err: err! };
}

/** Writes a text to a file of that name, runs `use` on its path, and removes it. */
export function withFile<Result>(
  [name, text]: readonly [string, string],
  use: (path: string) => Result,
): Result {
  const directory = Deno.makeTempDirSync();
  try {
    Deno.writeTextFileSync(`${directory}/${name}`, text);
    return use(`${directory}/${name}`);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}
