/**
 * `deno task deb`: packs `dist/mta-sts-resolver` into a Debian package with everything it needs.
 * Needs `dpkg-deb`. The same source gives the same package (see `source_date.ts`).
 *
 * @module
 */

import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { VERSION } from "../src/base/version.ts";
import { formatDebianChangelog } from "./debian_changelog.ts";
import { makeDocs } from "./docs/docs.ts";
import { sourceDate } from "./source_date.ts";

const ROOT = new URL("../", import.meta.url);

/** The maintainer of a package that nobody has put a name to. The address leads nowhere, on purpose. */
const NO_MAINTAINER = "The mta-sts-resolver authors <maintainers@mta-sts-resolver.invalid>";

/** Documents for those who change the program. */
const NOT_PACKED: ReadonlySet<string> = new Set([
  "performance-method.md",
  "releases.md",
  "rfc8461.md",
]);

/** Examples, and what other programs read. */
const EXAMPLES: readonly string[] = [
  "alerts.yml",
  "chroot.conf",
  "exim.conf",
  "grafana-dashboard.json",
  "main.cf.tcp",
  "main.cf.unix",
  "sendmail.mc",
  "sysusers.conf",
  "tmpfiles.conf",
];

/** What goes into a package. */
export interface DebOptions {
  /** Path of the executable. */
  readonly program: string;
  /** What the executable runs on, as Debian calls it; by default `amd64`. */
  readonly architecture?: string;
  /** Where the package is written. */
  readonly directory: string;
  readonly version: string;
  /** When the source was last changed. */
  readonly date: Date;
  /** `Name <address>` of who builds the package and answers for it. */
  readonly maintainer?: string;
  /** Where the source is, `https://…`. */
  readonly homepage?: string;
}

interface Entry {
  readonly data: Uint8Array<ArrayBuffer>;
  readonly mode: number;
}

/**
 * Builds the package.
 *
 * @returns Its path.
 * @throws {Error} If `dpkg-deb` fails or is not installed.
 */
export function buildDeb(options: DebOptions): string {
  const { directory, version, date, architecture = "amd64" } = options;
  const stage = Deno.makeTempDirSync();
  const umask = Deno.umask(0o022);
  try {
    Deno.chmodSync(stage, 0o755);
    const files = packageFiles(options);
    write(stage, files);
    write(`${stage}/DEBIAN`, controlFiles(files, options));
    const output = `${directory}/mta-sts-resolver_${version}_${architecture}.deb`;
    const { success, stderr } = new Deno.Command("dpkg-deb", {
      args: ["--root-owner-group", "-Zxz", "--build", stage, output],
      env: { SOURCE_DATE_EPOCH: String(date.getTime() / 1000) },
    }).outputSync();
    if (!success) throw new Error(`dpkg-deb failed: ${new TextDecoder().decode(stderr)}`);
    return output;
  } finally {
    Deno.umask(umask);
    Deno.removeSync(stage, { recursive: true });
  }
}

/** The files of the package by their paths. */
function packageFiles(
  { program, version, date, maintainer = NO_MAINTAINER }: DebOptions,
): Map<string, Entry> {
  const docs = makeDocs(date);
  const changelog = formatDebianChangelog(read("CHANGELOG.md"), {
    version,
    date,
    maintainer,
  });
  const share = "usr/share";
  const doc = `${share}/doc/mta-sts-resolver`;
  return new Map([
    ["usr/bin/mta-sts-resolver", { data: Deno.readFileSync(program), mode: 0o755 }],
    ["etc/mta-sts-resolver.yml", text(read("packaging/mta-sts-resolver.yml"))],
    ...units().map((unit) =>
      [`usr/lib/systemd/system/${unit}`, text(read(`packaging/${unit}`))] as const
    ),
    [`${share}/man/man1/mta-sts-resolver.1.gz`, gzip(docs["mta-sts-resolver.1"]!)],
    [`${share}/man/man5/mta-sts-resolver.yml.5.gz`, gzip(docs["mta-sts-resolver.yml.5"]!)],
    [
      `${share}/bash-completion/completions/mta-sts-resolver`,
      text(docs["mta-sts-resolver.bash"]!),
    ],
    [`${share}/zsh/vendor-completions/_mta-sts-resolver`, text(docs["_mta-sts-resolver"]!)],
    [
      `${share}/fish/vendor_completions.d/mta-sts-resolver.fish`,
      text(docs["mta-sts-resolver.fish"]!),
    ],
    [
      `${share}/lintian/overrides/mta-sts-resolver`,
      text(read("packaging/debian/lintian-overrides")),
    ],
    [`${doc}/copyright`, text(read("packaging/debian/copyright"))],
    [`${doc}/changelog.gz`, gzip(changelog)],
    [`${doc}/SECURITY.md`, text(read("SECURITY.md"))],
    ...documents().map((name) => [`${doc}/${name}`, text(read(`docs/${name}`))] as const),
    ...EXAMPLES.map((name) =>
      [`${doc}/examples/${name}`, text(read(`packaging/${name}`))] as const
    ),
  ]);
}

/** What dpkg reads: metadata, checksums, and the scripts it runs. */
function controlFiles(
  files: ReadonlyMap<string, Entry>,
  { program, architecture = "amd64", version, maintainer = NO_MAINTAINER, homepage }: DebOptions,
): Map<string, Entry> {
  const values: Readonly<Record<string, string>> = {
    VERSION: version,
    ARCHITECTURE: architecture,
    MAINTAINER: maintainer,
    HOMEPAGE: homepage === undefined ? "" : `Homepage: ${homepage}\n`,
    GLIBC: neededGlibc(program),
    SIZE: String(installedSize(files)),
  };
  const control = read("packaging/debian/control")
    .replaceAll(
      /@([A-Z]+)@(\n?)/g,
      (_, name, end) => `${values[name]!}${name === "HOMEPAGE" ? "" : end}`,
    );
  const sums = [...files].map(([path, { data }]) =>
    `${createHash("md5").update(data).digest("hex")}  ${path}\n`
  );
  const configuration = [...files.keys()].filter((path) => path.startsWith("etc/"));
  return new Map([
    ["control", text(control)],
    ["md5sums", text(sums.join(""))],
    ["conffiles", text(configuration.map((path) => `/${path}\n`).join(""))],
    ...["postinst", "prerm", "postrm"].map((name) =>
      [name, { ...text(read(`packaging/debian/${name}`)), mode: 0o755 }] as const
    ),
  ]);
}

/** The documents for operators, and the schemas of what the program prints. */
function documents(): string[] {
  return [...Deno.readDirSync(new URL("docs", ROOT))]
    .map(({ name }) => name)
    .filter((name) => /\.(?:md|schema\.json)$/.test(name) && !NOT_PACKED.has(name))
    .sort();
}

/** Who builds the package: DEBFULLNAME and DEBEMAIL, as other Debian tools have it, and DEB_HOMEPAGE. */
export function builder(): Pick<DebOptions, "maintainer" | "homepage"> {
  const [name, address, homepage] = ["DEBFULLNAME", "DEBEMAIL", "DEB_HOMEPAGE"]
    .map((variable) => Deno.env.get(variable));
  return {
    ...(name && address ? { maintainer: `${name} <${address}>` } : {}),
    ...(homepage ? { homepage } : {}),
  };
}

function units(): string[] {
  return [...Deno.readDirSync(new URL("packaging", ROOT))]
    .map(({ name }) => name)
    .filter((name) => /^mta-sts-resolver.*\.(?:service|socket)$/.test(name))
    .sort();
}

/** The newest version of glibc from which the executable needs a symbol. */
function neededGlibc(program: string): string {
  const bytes = new TextDecoder("latin1").decode(Deno.readFileSync(program));
  const versions = [...bytes.matchAll(/\0GLIBC_2\.(\d+)(?:\.\d+)?(?=\0)/g)];
  if (versions.length === 0) throw new Error(`No symbol of glibc found in ${program}`);
  return `2.${Math.max(...versions.map(([, minor]) => Number(minor)))}`;
}

/** KiB, rounded up for each file, plus one for each directory, as dpkg counts. */
function installedSize(files: ReadonlyMap<string, Entry>): number {
  const directories = new Set<string>();
  let size = 0;
  for (const [path, { data }] of files) {
    size += Math.ceil(data.length / 1024);
    for (let at = path.lastIndexOf("/"); at > 0; at = path.lastIndexOf("/", at - 1)) {
      directories.add(path.slice(0, at));
    }
  }
  return size + directories.size;
}

function write(directory: string, files: ReadonlyMap<string, Entry>): void {
  for (const [path, { data, mode }] of files) {
    const file = `${directory}/${path}`;
    Deno.mkdirSync(file.slice(0, file.lastIndexOf("/")), { recursive: true });
    Deno.writeFileSync(file, data, { mode });
  }
}

function read(path: string): string {
  return Deno.readTextFileSync(new URL(path, ROOT));
}

function text(content: string): Entry {
  return { data: new TextEncoder().encode(content), mode: 0o644 };
}

/** At the highest level, without name and time, as Debian Policy requires. */
function gzip(content: string): Entry {
  return { data: new Uint8Array(gzipSync(content, { level: 9 })), mode: 0o644 };
}

if (import.meta.main) {
  const directory = new URL("dist", ROOT).pathname;
  const program = `${directory}/mta-sts-resolver`;
  console.log(buildDeb({ program, directory, version: VERSION, date: sourceDate(), ...builder() }));
}
