/**
 * Compares files of `deno-std` with the official standard modules on JSR.
 *
 * @module
 */

/** Versions of a package to try, newest first. The update may be some months old. */
const MAX_VERSIONS = 12;

interface PackageMeta {
  readonly versions: Readonly<Record<string, { readonly yanked?: boolean }>>;
}

/**
 * Compares with the closest version of each official package.
 *
 * @param files Contents by path, such as `yaml/parse.js`.
 * @param options.base The registry, with a slash at the end.
 * @returns The differences, one line for each file.
 * @throws {Error} If the registry does not answer.
 */
export async function compareOfficial(
  files: ReadonlyMap<string, string>,
  { base }: { base: string },
): Promise<string[]> {
  const packages = Map.groupBy(files, ([path]) => path.slice(0, path.indexOf("/")));
  const faults: string[] = [];
  for (const [name, members] of packages) {
    const url = `${base}@std/${name}/`;
    const meta: PackageMeta = JSON.parse(await get(`${url}meta.json`) ?? '{"versions":{}}');
    const versions = Object.keys(meta.versions).filter((each) => !meta.versions[each]?.yanked)
      .sort(newestFirst).slice(0, MAX_VERSIONS);
    let best: string[] | undefined;
    for (const version of versions) {
      const found = await compareVersion(new Map(members), { url, name, version });
      if (best === undefined || found.length < best.length) best = found;
      if (best.length === 0) break;
    }
    faults.push(...best ?? [`@std/${name}: no official package`]);
  }
  return faults;
}

async function compareVersion(
  files: ReadonlyMap<string, string>,
  { url, name, version }: { url: string; name: string; version: string },
): Promise<string[]> {
  const directory = await Deno.makeTempDir();
  try {
    const faults: string[] = [];
    for (const [path, ours] of files) {
      const source = path.slice(name.length + 1).replace(/\.js$/, ".ts");
      const official = await get(`${url}${version}/${source}`);
      const alike = official !== undefined &&
        reduce(directory, { path, text: official }) === reduce(directory, { path, text: ours });
      const what = official === undefined ? "is not in" : "differs from";
      if (!alike) faults.push(`${path}: ${what} @std/${name} ${version}`);
    }
    return faults;
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** @returns `undefined` if the file does not exist. */
async function get(url: string): Promise<string | undefined> {
  const response = await fetch(url);
  if (response.ok) return await response.text();
  await response.body?.cancel();
  if (response.status === 404) return undefined;
  throw new Error(`${url}: status ${response.status}`);
}

/** Newest first, prereleases last. */
function newestFirst(one: string, other: string): number {
  const [a, b] = [one, other].map((each) => each.split(/[.-]/).map((part) => parseInt(part, 10)));
  for (let index = 0; index < 3; index++) {
    if (a![index] !== b![index]) return b![index]! - a![index]!;
  }
  return one.length - other.length;
}

/** A module without types, comments and layout, with imports by package and file. */
function reduce(directory: string, { path, text }: { path: string; text: string }): string {
  const file = `${directory}/module.ts`;
  Deno.writeTextFileSync(file, text);
  const { success, stdout, stderr } = new Deno.Command(Deno.execPath(), {
    args: ["transpile", "--quiet", "--no-config", "--no-check", "--source-map", "none", file],
  }).outputSync();
  if (!success) throw new Error(`${path}: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout)
    .replaceAll(/\/\*\*[^]*?\*\//g, "")
    .replaceAll(/^\s*\/\/.*$/gm, "")
    .replaceAll(
      /(\bfrom |\bimport )(["'])([^"']+)\2/g,
      (_, word, quote, specifier) => `${word}${quote}${moduleName(path, specifier)}${quote}`,
    )
    .replaceAll(/^export \{\s*\};?$/gm, "")
    .replaceAll(/\s+/g, " ")
    .trim();
}

/** The name of an imported module, such as `internal/build_message`, from any of its spellings. */
function moduleName(path: string, specifier: string): string {
  const match = /^(?:jsr:\/?)?@std\/([^@/]+)(?:@[^/]*)?(?:\/(.*))?$/.exec(specifier);
  const name = match === null
    ? new URL(specifier, `file:///${path}`).pathname.slice(1)
    : `${match[1]}/${match[2] ?? "mod"}`;
  return name.replace(/\.[jt]s$/, "").replaceAll("-", "_");
}
