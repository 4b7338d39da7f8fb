import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { COMMANDS } from "../../src/cli/cli.ts";
import { makeDocs } from "../../tools/docs/docs.ts";
import { installed, run, withFile } from "./programs.ts";

const DOCS = makeDocs(new Date(0));
const BASH = ["mta-sts-resolver.bash", DOCS["mta-sts-resolver.bash"]!] as const;
const ZSH = ["_mta-sts-resolver", DOCS["_mta-sts-resolver"]!] as const;
const FISH = ["mta-sts-resolver.fish", DOCS["mta-sts-resolver.fish"]!] as const;

/** What stands after the program's name, and what must be offered then. */
const CASES: readonly (readonly [string[], string[]])[] = [
  [["serve", "--log-level", ""], ["debug", "error", "info", "warn"]],
  [["serve", "--log-level", "w"], ["warn"]],
  [["config", ""], ["check", "convert", "show"]],
  [["config", "co"], ["convert"]],
  [["health", "--s"], ["--socket"]],
  [["config", "show", "--c"], ["--config"]],
  [["query", "--socket", ""], []],
  [["nonsense", ""], []],
];

/** What must be offered for `COMMAND --`. */
const LONG_OPTIONS: typeof CASES = COMMANDS.map(({ name, options }) => [
  [...name.split(" "), "--"],
  [...options.map((option) => `--${option.name}`), "--help"].sort(),
]);

const FIRST = [...new Set(COMMANDS.map(({ name }) => name.split(" ")[0]!))];

Deno.test("the completion of each shell knows every command and option", () => {
  for (const { name, options } of COMMANDS) {
    const [first, second] = name.split(" ");
    assertStringIncludes(BASH[1], `"${name} "*`);
    assertStringIncludes(ZSH[1], `"${name} "*`);
    assertStringIncludes(FISH[1], `-a ${second ?? first} -d '`);
    const branch = BASH[1].split(`"${name} "*`)[1]!.split("esac")[0]!;
    const arguments_ = ZSH[1].split(`"${name} "*`)[1]!.split(" ;;")[0]!;
    for (const { name, short } of options) {
      assert(branch.includes(`--${name}`) && arguments_.includes(`--${name}`), name);
      assertStringIncludes(FISH[1], `${short === undefined ? "" : `-s ${short} `}-l ${name} `);
    }
  }
});

/** Runs the function as bash would; `compopt` works inside a real completion only. */
function completeInBash(path: string, words: readonly string[]): string[] {
  const script = `
    compopt() { echo FILES; }
    . "$1"; shift
    COMP_WORDS=(mta-sts-resolver "$@")
    COMP_CWORD=$#
    _mta_sts_resolver mta-sts-resolver "\${COMP_WORDS[COMP_CWORD]}" "\${COMP_WORDS[COMP_CWORD - 1]}"
    printf '%s\\n' "\${COMPREPLY[@]}"
  `;
  const { out, err } = run("bash", "-u", "-c", script, "bash", path, ...words);
  assertEquals(err, "");
  return out.split("\n").filter((word) => word !== "").sort();
}

Deno.test("the completion for bash offers what fits", () => {
  withFile(BASH, (path) => {
    for (const [words, offered] of [...CASES, ...LONG_OPTIONS]) {
      assertEquals(completeInBash(path, words), offered);
    }
    assertEquals(
      completeInBash(path, [""]).filter((word) => !word.startsWith("-")),
      [...FIRST].sort(),
    );
    for (const words of [["serve", "-c", ""], ["-c", "/et"], ["config", "convert", "/et"]]) {
      assertEquals(completeInBash(path, words), ["FILES"]);
    }
  });
});

for (const shell of installed("zsh", "fish")) {
  Deno.test(`the completion for ${shell} is ${shell}`, () => {
    const { out, err } = withFile(shell === "zsh" ? ZSH : FISH, (path) => run(shell, "-n", path));
    assertEquals([out, err], ["", ""]);
  });
}

if (installed("fish").length > 0) {
  Deno.test("the completion for fish offers what fits", () => {
    withFile(FISH, (path) => {
      for (
        const [words, offered] of [...CASES, ...LONG_OPTIONS, [[""], [...FIRST].sort()] as const]
      ) {
        const line = ["mta-sts-resolver", ...words].join(" ");
        const { out } = run("fish", "-c", 'source $argv[1]; complete -C "$argv[2]"', path, line);
        const found = out.split("\n").map((entry) => entry.split("\t")[0]!);
        assertEquals(found.filter((word) => word !== "").sort(), offered, line);
      }
    });
  });
}
