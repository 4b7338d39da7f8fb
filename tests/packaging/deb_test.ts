import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { VERSION } from "../../src/base/version.ts";
import { buildDeb } from "../../tools/deb.ts";
import { formatDebianChangelog } from "../../tools/debian_changelog.ts";
import { PACKAGE_CONTROL } from "../../src/cli/find_daemon.ts";
import { loadText } from "../config/load_text.ts";
import { installed, run } from "../docs/programs.ts";

const LOCK = new URL("../../deno.lock", import.meta.url);
const PACKAGING = new URL("../../packaging/", import.meta.url);

/** Stands for the compiled program, which takes minutes to pack. */
const STAND_IN = "/bin/true";

const DATE = new Date("2026-01-02T03:04:05Z");

const ignore = installed("dpkg-deb").length === 0;

function build(directory: string): string {
  const program = Deno.realPathSync(STAND_IN);
  return buildDeb({ program, directory, version: VERSION, date: DATE });
}

function withPackage(use: (path: string, directory: string) => void): void {
  const directory = Deno.makeTempDirSync();
  try {
    use(build(directory), directory);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

Deno.test({
  name: "buildDeb() packs the program and all that belongs to it, owned by root",
  ignore,
  fn: () =>
    withPackage((path) => {
      const lines = run("dpkg-deb", "--contents", path).out.split("\n").filter((line) =>
        line !== ""
      );
      const files = new Map(lines.map((line) => {
        const [mode, owner, _size, day, time, name] = line.split(/ +/);
        assertEquals([owner, day, time], ["root/root", "2026-01-02", "03:04"]);
        return [name!, mode!];
      }));
      const modes = new Set(
        [...files].filter(([name]) => name.endsWith("/")).map(([, mode]) => mode),
      );
      assertEquals(modes, new Set(["drwxr-xr-x"]));
      assertEquals(files.get("./usr/bin/mta-sts-resolver"), "-rwxr-xr-x");
      for (
        const name of [
          "etc/mta-sts-resolver.yml",
          "usr/lib/systemd/system/mta-sts-resolver.service",
          "usr/lib/systemd/system/mta-sts-resolver.socket",
          "usr/share/bash-completion/completions/mta-sts-resolver",
          "usr/share/doc/mta-sts-resolver/backup.md",
          "usr/share/doc/mta-sts-resolver/cache.schema.json",
          "usr/share/doc/mta-sts-resolver/changelog.gz",
          "usr/share/doc/mta-sts-resolver/copyright",
          "usr/share/doc/mta-sts-resolver/SECURITY.md",
          "usr/share/doc/mta-sts-resolver/check.md",
          "usr/share/doc/mta-sts-resolver/check.schema.json",
          "usr/share/doc/mta-sts-resolver/configuration.md",
          "usr/share/doc/mta-sts-resolver/examples/alerts.yml",
          "usr/share/doc/mta-sts-resolver/examples/chroot.conf",
          "usr/share/doc/mta-sts-resolver/examples/exim.conf",
          "usr/share/doc/mta-sts-resolver/examples/grafana-dashboard.json",
          "usr/share/doc/mta-sts-resolver/examples/main.cf.tcp",
          "usr/share/doc/mta-sts-resolver/examples/main.cf.unix",
          "usr/share/doc/mta-sts-resolver/examples/sendmail.mc",
          "usr/share/doc/mta-sts-resolver/examples/sysusers.conf",
          "usr/share/doc/mta-sts-resolver/examples/tmpfiles.conf",
          "usr/share/doc/mta-sts-resolver/from-postfix-mta-sts-resolver.md",
          "usr/share/doc/mta-sts-resolver/from-postfix-tlspol.md",
          "usr/share/doc/mta-sts-resolver/json.md",
          "usr/share/doc/mta-sts-resolver/lookup.schema.json",
          "usr/share/doc/mta-sts-resolver/query.schema.json",
          "usr/share/doc/mta-sts-resolver/sendmail-and-exim.md",
          "usr/share/doc/mta-sts-resolver/monitoring.md",
          "usr/share/doc/mta-sts-resolver/systemd.md",
          "usr/share/doc/mta-sts-resolver/troubleshooting.md",
          "usr/share/doc/mta-sts-resolver/upgrade.md",
          "usr/share/fish/vendor_completions.d/mta-sts-resolver.fish",
          "usr/share/man/man1/mta-sts-resolver.1.gz",
          "usr/share/man/man5/mta-sts-resolver.yml.5.gz",
          "usr/share/zsh/vendor-completions/_mta-sts-resolver",
        ]
      ) assertEquals(files.get(`./${name}`), "-rw-r--r--", name);
    }),
});

Deno.test({
  name: "buildDeb() tells dpkg what it needs to know",
  ignore,
  fn: () =>
    withPackage((path) => {
      const field = (name: string) => run("dpkg-deb", "--field", path, name).out.replace("\n", "");
      assertEquals(field("Package"), "mta-sts-resolver");
      assertEquals(field("Version"), VERSION);
      assertEquals(field("Architecture"), "amd64");
      assertMatch(field("Depends"), /^libc6 \(>= 2\.\d+\), libgcc-s1$/);
      assertMatch(field("Installed-Size"), /^[1-9]\d+$/);
      const file = (name: string) => run("dpkg-deb", "--info", path, name).out;
      assertEquals(file("conffiles"), "/etc/mta-sts-resolver.yml\n");
      assertMatch(file("md5sums"), /^[0-9a-f]{32} {2}usr\/bin\/mta-sts-resolver\n/);
      for (const script of ["postinst", "prerm", "postrm"]) {
        assertStringIncludes(file(script), "#!/bin/sh\nset -e\n");
      }
    }),
});

Deno.test({
  name: "buildDeb() names the maintainer and the home page that it is given, and invents neither",
  ignore,
  fn: () =>
    withPackage((path, directory) => {
      const field = (of: string, name: string) => run("dpkg-deb", "--field", of, name).out;
      assertEquals(field(path, "Homepage").replace("\n", ""), "");
      assert(!run("dpkg-deb", "--info", path, "control").out.includes("\n\n"));
      assertMatch(field(path, "Maintainer"), /\.invalid>\n$/);
      const named = buildDeb({
        program: Deno.realPathSync(STAND_IN),
        directory,
        version: VERSION,
        date: DATE,
        maintainer: "Post Master <post@example.com>",
        homepage: "https://example.com/",
      });
      assertEquals(field(named, "Maintainer"), "Post Master <post@example.com>\n");
      assertEquals(field(named, "Homepage"), "https://example.com/\n");
    }),
});

Deno.test("the units name documents that are in the package", () => {
  for (const unit of ["service", "socket"]) {
    const text = Deno.readTextFileSync(new URL(`mta-sts-resolver.${unit}`, PACKAGING));
    const names = [...text.matchAll(/file:\/\/\/usr\/share\/doc\/mta-sts-resolver\/(\S+)/g)];
    assert(names.length > 0);
    for (const [, name] of names) Deno.statSync(new URL(`../docs/${name}`, PACKAGING));
  }
});

Deno.test({
  name: "buildDeb() gives the same package again",
  ignore,
  fn: () =>
    withPackage((path, directory) => {
      const first = Deno.readFileSync(path);
      assertEquals(Deno.readFileSync(build(directory)), first);
    }),
});

if (!ignore && installed("lintian").length > 0) {
  Deno.test("lintian finds no error or warning in the package", () =>
    withPackage((path) => {
      const { out } = run("lintian", "--fail-on=none", path);
      assertEquals(out, "");
    }));
}

Deno.test("the configuration of the package is the default with HTTP surface and control socket", () => {
  const text = Deno.readTextFileSync(new URL("mta-sts-resolver.yml", PACKAGING));
  const env = { STATE_DIRECTORY: "/var/lib/mta-sts-resolver" };
  const { config, notes } = loadText(text, env);
  const http = [{ kind: "inet", hostname: "127.0.0.1", port: 8462 }] as const;
  const control = { kind: "unix", path: PACKAGE_CONTROL, mode: 0o600 } as const;
  const expected = { ...loadText("", env).config, http, control };
  assertEquals({ config, notes }, { config: expected, notes: [] });
});

Deno.test("the copyright of the package names every package that is built in", () => {
  const copyright = Deno.readTextFileSync(new URL("debian/copyright", PACKAGING));
  const { npm } = JSON.parse(Deno.readTextFileSync(LOCK)) as { npm: Record<string, unknown> };
  const packages = Object.keys(npm).map((name) => name.replace(/@[^@]*$/, ""));
  assert(packages.length >= 6);
  for (const name of packages) assertStringIncludes(copyright, `Files: node_modules/${name}/*\n`);
  const named = [...copyright.matchAll(/^License: (.*)\n(?! )/gm)]
    .flatMap(([, names]) => names!.split(" and "));
  for (const name of named) assertStringIncludes(copyright, `License: ${name}\n `);
});

Deno.test("formatDebianChangelog() writes an entry for each version", () => {
  const markdown = `# Changes

What an operator notices.

## 1.1.0 (not yet released)

- Something that is long enough to be broken into two lines, since no line may be longer than 80.
- \`Other\`

## 1.0.0 (2026-01-01)

- First
`;
  const options = { version: "1.1.0~rc1", date: DATE, maintainer: "A <a@b.invalid>" };
  assertEquals(
    formatDebianChangelog(markdown, options),
    `mta-sts-resolver (1.1.0~rc1) unstable; urgency=medium

  * Something that is long enough to be broken into two lines, since no line
    may be longer than 80.
  * Other

 -- A <a@b.invalid>  Fri, 02 Jan 2026 03:04:05 +0000

mta-sts-resolver (1.0.0) unstable; urgency=medium

  * First

 -- A <a@b.invalid>  Thu, 01 Jan 2026 00:00:00 +0000
`,
  );
});
