import { assert, assertEquals } from "@std/assert";
import { COMMANDS } from "../../src/cli/cli.ts";
import { parseCommandArgs } from "../../src/cli/command.ts";
import { convertConfig } from "../../src/config/convert.ts";
import { loadText } from "../config/load_text.ts";

const GUIDES = new URL("../../docs/", import.meta.url);
const CALL = /mta-sts-resolver ((?:(?:config|cache) )?[a-z]+)((?: (?![>&])[^\s`&>]+)*)/g;

function read(program: string): string {
  return Deno.readTextFileSync(new URL(`from-${program}.md`, GUIDES));
}

for (const program of ["postfix-mta-sts-resolver", "postfix-tlspol"]) {
  Deno.test(`from-${program}.md calls commands that exist`, () => {
    const blocks = [...read(program).matchAll(/```sh\n([^]*?)```/g)].map(([, block]) => block!);
    const calls = blocks.flatMap((block) => [...block.matchAll(CALL)])
      .filter(([call]) => !call.startsWith("mta-sts-resolver systemctl"));
    assert(calls.length >= 4);
    for (const [call, name, rest = ""] of calls) {
      const command = COMMANDS.find((command) => command.name === name);
      assert(command !== undefined, call);
      parseCommandArgs(rest.split(" ").filter((word) => word !== ""), command);
    }
  });
}

Deno.test("from-postfix-tlspol.md names the port that a converted configuration listens on", () => {
  const { listen } = loadText(convertConfig("server:\n", "f")).config;
  assertEquals(listen, [{ kind: "inet", hostname: "127.0.0.1", port: 8642 }]);
  assert(read("postfix-tlspol").includes("socketmap:inet:127.0.0.1:8642:QUERY\n"));
});

Deno.test("sendmail-and-exim.md has the configurations that the bench delivers with", () => {
  const guide = Deno.readTextFileSync(new URL("sendmail-and-exim.md", GUIDES));
  for (const [language, file] of [["m4", "sendmail.mc"], ["exim", "exim.conf"]]) {
    const [, block] = guide.split(`\`\`\`${language}\n`)[1]!.match(/^([^]*?)```/)!;
    assertEquals(block, Deno.readTextFileSync(new URL(`../packaging/${file}`, GUIDES)));
  }
});

Deno.test("sendmail-and-exim.md has the settings of the zone sts that is built in", () => {
  const guide = Deno.readTextFileSync(new URL("sendmail-and-exim.md", GUIDES));
  const [, zone] = /```yaml\n(zones:\n {2}sts:\n[^]*?)```/.exec(guide)!;
  const given = loadText(`default_zone: {tlsrpt: yes, require_sni: no}\n${zone}`).config;
  const builtIn = loadText("default_zone: {tlsrpt: yes, require_sni: no}").config;
  assertEquals(given.zones.get("sts"), builtIn.zones.get("sts"));
});
