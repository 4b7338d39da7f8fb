import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { findChanges, formatNotes } from "../../tools/release/notes.ts";
import { readRuntime } from "../../tools/release/runtime.ts";
import { completeBom } from "../../tools/release/sbom.ts";
import { signFile } from "../../tools/release/sign.ts";

const RUNTIME = { deno: "2.9.6", v8: "15.0.245.2" };

/** Runs with a directory that is removed after. */
function inDirectory(use: (directory: string) => void): void {
  const directory = Deno.makeTempDirSync();
  try {
    use(directory);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

Deno.test("the notes have the part of CHANGELOG.md about the version, and no other", () => {
  const changelog =
    "# Changes\n\nIntro.\n\n## 1.1.0 (2027-01-02)\n\n- New.\n\n## 1.0.0\n\n- First.\n";
  assertEquals(findChanges(changelog, "1.1.0"), { heading: "1.1.0 (2027-01-02)", text: "- New." });
  assertEquals(findChanges(changelog, "1.0.0"), { heading: "1.0.0", text: "- First." });
  assertThrows(() => findChanges(changelog, "1.0"), Error, "no part about 1.0");
});

Deno.test("the notes name the files, the runtime, and whether there is a signature", () => {
  const options = { changes: "- New.", version: "1.1.0", runtime: RUNTIME };
  const files = [["program", 108_960_560], ["list", 13_802]] as const;
  const notes = formatNotes({ ...options, files, isSigned: true });
  assertStringIncludes(notes, "| program | 109.0 |\n| list | 0.01 |\n");
  assertStringIncludes(notes, "Deno 2.9.6 with V8 15.0.245.2");
  assertStringIncludes(notes, "SHA256SUMS.sig");
  assertMatch(formatNotes({ ...options, files, isSigned: false }), /not signed/);
});

Deno.test("the versions of a program are read from its octets", () => {
  inDirectory((directory) => {
    const path = `${directory}/program`;
    // The mark alone, as in messages, is no version.
    Deno.writeTextFileSync(path, `Deno/x\0Deno/2.9.4+14eea31\0-rusty\0${"15.0.245.2"}-rusty\0`);
    assertEquals(readRuntime(path, { running: "2.9.6" }), { ...RUNTIME, deno: "2.9.4" });
    const other = assertThrows(() => readRuntime(path, { running: "2.7.11" }), Error);
    assertMatch(other.message, /is of Deno 2\.9\.4, which does not work with 2\.7\.11/);
    Deno.writeTextFileSync(path, "something else");
    assertThrows(() => readRuntime(path), Error, "is not a program of Deno");
  });
});

/** What cdxgen finds: a package that needs another one. */
const FOUND = {
  serialNumber: "urn:uuid:of-the-day",
  metadata: { timestamp: "now", tools: { components: [] }, component: { name: "tmp" } },
  components: [
    { "bom-ref": "pkg:npm/@a/b@1.0.0", group: "@a", name: "b", version: "1.0.0" },
    {
      "bom-ref": "pkg:npm/c@2.0.0",
      group: "",
      name: "c",
      version: "2.0.0",
      properties: [{ name: "SrcFile", value: "/home/somebody/deno.lock" }],
      evidence: { identity: [] },
    },
  ],
};

const LOCK = {
  npm: { "@a/b@1.0.0": {}, "c@2.0.0": { dependencies: ["@a/b"] } },
  workspace: { dependencies: ["npm:c@2.0.0"] },
};

const SBOM = { version: "1.0.0", date: new Date(0), runtime: RUNTIME, lock: LOCK };

Deno.test("the list of what is in the program has packages, Deno and V8, and what needs what", () => {
  const bom = completeBom(FOUND, SBOM) as unknown as {
    readonly components: readonly { readonly name: string; readonly version: string }[];
    readonly dependencies: readonly { readonly ref: string; readonly dependsOn: string[] }[];
  };
  assertEquals(
    bom.components.map(({ name, version }) => `${name} ${version}`),
    ["b 1.0.0", "c 2.0.0", "deno 2.9.6", "v8 15.0.245.2"],
  );
  assertEquals(
    bom.dependencies.map(({ ref, dependsOn }) => [ref, ...dependsOn]),
    [
      ["mta-sts-resolver@1.0.0", "pkg:npm/c@2.0.0", "pkg:github/denoland/deno@v2.9.6"],
      ["pkg:github/denoland/deno@v2.9.6", "pkg:github/v8/v8@15.0.245.2"],
      ["pkg:npm/@a/b@1.0.0"],
      ["pkg:npm/c@2.0.0", "pkg:npm/@a/b@1.0.0"],
    ],
  );
});

Deno.test("the list depends on nothing but the content", () => {
  const text = JSON.stringify(completeBom(FOUND, SBOM));
  const again = { ...FOUND, serialNumber: "another", components: FOUND.components };
  assertEquals(JSON.stringify(completeBom(again, SBOM)), text);
  assert(!text.includes("somebody") && !text.includes("tmp"));
  const pattern = /"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}"/;
  assertMatch(text, pattern);
  const other = JSON.stringify(completeBom(FOUND, { ...SBOM, version: "1.0.1" }));
  assert(pattern.exec(other)![0] !== pattern.exec(text)![0]);
});

Deno.test("a package that cdxgen has not found is an error", () => {
  const lock = { ...LOCK, npm: { ...LOCK.npm, "d@3.0.0": {} } };
  assertThrows(() => completeBom(FOUND, { ...SBOM, lock }), Error, "has not found d@3.0.0");
});

Deno.test("the signature is verified by the command of README.md, and not for another file", () => {
  inDirectory((directory) => {
    const key = `${directory}/key`;
    const make = ["-q", "-t", "ed25519", "-N", "", "-C", "somebody@example.com", "-f", key];
    assert(new Deno.Command("ssh-keygen", { args: make }).outputSync().success);
    const sums = `${directory}/SHA256SUMS`;
    Deno.writeTextFileSync(sums, "0123  program\n");
    signFile(sums, { key, signers: `${directory}/allowed_signers` });
    assert(!Deno.readTextFileSync(`${directory}/allowed_signers`).includes("somebody"));

    const readme = Deno.readTextFileSync(new URL("../../README.md", import.meta.url));
    const [command] = /^ssh-keygen -Y verify .*$/m.exec(readme)!;
    const verify = () =>
      new Deno.Command("sh", { args: ["-c", command], cwd: directory }).outputSync().success;
    assertEquals(verify(), true);
    Deno.writeTextFileSync(sums, "0123  another\n");
    assertEquals(verify(), false);
  });
});
