import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { COMMANDS } from "../../src/cli/cli.ts";
import { cli } from "./support.ts";

for (const group of ["cache", "config", "publish"]) {
  Deno.test(`${group} --help lists its commands`, async () => {
    const names = COMMANDS.map(({ name }) => name).filter((name) => name.startsWith(`${group} `));
    assert(names.length > 2);
    for (const argv of [[group, "--help"], [group, "-h"], ["help", group], [group, "help"]]) {
      const { code, out, err } = await cli(...argv);
      assertEquals([code, err], [0, ""]);
      for (const name of names) assertMatch(out, new RegExp(`^  ${name} +[A-Z]`, "m"));
    }
  });
}

Deno.test("a mistyped command or option gets a suggestion", async () => {
  const calls: [string[], string][] = [
    [["lokup", "a.example"], "unknown command 'lokup': did you mean 'lookup'?"],
    [["cahce", "list"], "unknown command 'cahce': did you mean 'cache'?"],
    [["cache", "lsit"], "unknown command 'cache lsit': did you mean 'cache list'?"],
    [["cache", "nonsense"], "unknown command 'cache nonsense'\n"],
    [["help", "qeury"], "unknown command 'qeury': did you mean 'query'?"],
    [["xyzzy"], "unknown command 'xyzzy'\n"],
    [["cache", "list", "--jsno"], "unknown option '--jsno': did you mean '--json'?"],
    [["query", "--zoen=a", "k"], "unknown option '--zoen=a': did you mean '--zone'?"],
    [["query", "--xyzzy", "k"], "unknown option '--xyzzy'\n"],
  ];
  for (const [argv, text] of calls) {
    const { code, err } = await cli(...argv);
    assertEquals(code, 2);
    assertStringIncludes(err, `mta-sts-resolver: ${text}`);
    assertMatch(err, /\nmta-sts-resolver: see 'mta-sts-resolver .*--help'\n$/);
  }
});
