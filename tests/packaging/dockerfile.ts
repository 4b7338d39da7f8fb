/**
 * Reads a Dockerfile and does what it says in directories instead of images: as much of it as ours uses,
 * and an error for the rest.
 *
 * @module
 */

/** An instruction, its continued lines joined. */
interface Instruction {
  readonly name: string;
  readonly flags: ReadonlyMap<string, string>;
  readonly words: readonly string[];
  /** What stands behind the flags. */
  readonly text: string;
}

/** What a stage is made of and says about itself. */
export interface Stage {
  readonly from: string;
  readonly name: string | undefined;
  readonly instructions: readonly Instruction[];
}

/** Where the stages are carried out. */
export interface BuildOptions {
  /** What is sent to the engine. */
  readonly context: string;
  /** One directory for each stage is made there: the root of its image. */
  readonly directory: string;
  /** Runs a command in a directory. @throws {Error} If it fails. */
  readonly run: (command: string, directory: string) => void;
}

/** Parses a Dockerfile. */
export function parseDockerfile(text: string): Stage[] {
  const lines = text.replaceAll(/^\s*#.*\n/gm, "").replaceAll(/\\\n/g, " ").split("\n")
    .filter((line) => line !== "");
  const stages: { from: string; name: string | undefined; instructions: Instruction[] }[] = [];
  for (const line of lines) {
    const instruction = parseInstruction(line);
    const [from, as, name] = instruction.words;
    if (instruction.name === "FROM") {
      stages.push({ from: from!, name: as === "AS" ? name : undefined, instructions: [] });
    } else stages.at(-1)!.instructions.push(instruction);
  }
  return stages;
}

function parseInstruction(line: string): Instruction {
  const [, name, rest] = /^([A-Z]+)\s+(.*)$/.exec(line)!;
  const flags = new Map<string, string>();
  const text = rest!.replaceAll(/--([a-z-]+)=(\S+)\s+/g, (_, flag, value) => {
    flags.set(flag, value);
    return "";
  });
  return { name: name!, flags, text, words: text.split(/\s+/) };
}

/**
 * Carries out the stages.
 *
 * @returns The root of the last stage's image.
 */
export function build(stages: readonly Stage[], options: BuildOptions): string {
  const roots = new Map<string, string>();
  let root = "";
  for (const [index, stage] of stages.entries()) {
    root = `${options.directory}/${index}`;
    Deno.mkdirSync(root);
    if (stage.name !== undefined) roots.set(stage.name, root);
    let workdir = "/";
    for (const { name, flags, words, text } of stage.instructions) {
      switch (name) {
        case "WORKDIR":
          workdir = text;
          Deno.mkdirSync(root + workdir, { recursive: true });
          break;
        case "RUN":
          options.run(text, root + workdir);
          break;
        case "COPY": {
          const from = flags.get("from");
          const source = from === undefined ? options.context : roots.get(from)!;
          copy({ source, target: root, workdir, words });
          break;
        }
        case "ENV":
        case "VOLUME":
        case "EXPOSE":
        case "HEALTHCHECK":
        case "ENTRYPOINT":
        case "CMD":
          break;
        default:
          throw new Error(`What does ${name} do?`);
      }
    }
  }
  return root;
}

/** COPY: the contents of a directory go into the target, files into it or to its place. */
function copy(
  { source, target, workdir, words }: {
    source: string;
    target: string;
    workdir: string;
    words: readonly string[];
  },
): void {
  const names = words.slice(0, -1);
  const last = words.at(-1)!;
  const place = last.startsWith("/") ? target + last : `${target}${workdir}/${last}`;
  for (const name of names) {
    const from = `${source}/${name}`;
    const isDirectory = Deno.statSync(from).isDirectory;
    const into = isDirectory || !(names.length > 1 || last.endsWith("/"));
    copyTree(from, into ? place : `${place}/${name.slice(name.lastIndexOf("/") + 1)}`);
  }
}

function copyTree(from: string, to: string): void {
  if (Deno.statSync(from).isDirectory) {
    Deno.mkdirSync(to, { recursive: true });
    for (const { name } of Deno.readDirSync(from)) copyTree(`${from}/${name}`, `${to}/${name}`);
  } else {
    Deno.mkdirSync(to.slice(0, to.lastIndexOf("/")), { recursive: true });
    Deno.copyFileSync(from, to);
  }
}
