/**
 * `deno task imports`: draws the imports. Reads every file of `src/`, draws the folders in their layers with an arrow
 * for each import, and fails if an arrow leads back up or files import each other in a circle. Types count.
 *
 * Run as: imports.ts [OUTPUT.svg]
 *
 * @module
 */

import { dirname, join, relative } from "node:path";
import { LAYERS } from "../tests/lint/layers.ts";

const ROOT = new URL("../", import.meta.url).pathname;

/** One file and what it imports, paths relative to the repository. */
export interface SourceFile {
  readonly path: string;
  readonly imports: readonly string[];
}

/** Arrows between two folders. */
export interface Arrow {
  readonly from: string;
  readonly to: string;
  readonly count: number;
}

/** Reads the files of `src/` and `main.ts`. */
export function readSourceFiles(): SourceFile[] {
  const files: SourceFile[] = [];
  const visit = (directory: string): void => {
    for (const entry of Deno.readDirSync(join(ROOT, directory))) {
      const path = join(directory, entry.name);
      if (entry.isDirectory) visit(path);
      else if (path.endsWith(".ts") && !path.endsWith(".d.ts")) files.push(readSourceFile(path));
    }
  };
  visit("src");
  files.push(readSourceFile("main.ts"));
  return files.sort((one, other) => (one.path < other.path ? -1 : 1));
}

function readSourceFile(path: string): SourceFile {
  const text = Deno.readTextFileSync(join(ROOT, path));
  const specifiers = text.matchAll(/(?:\bfrom |^import |\bimport\()"(\.[^"\n]+)"/gm);
  const imports = Array.from(specifiers, ([, specifier]) => join(dirname(path), specifier!));
  return { path, imports: [...new Set(imports)].filter((target) => target.startsWith("src/")) };
}

/** The folder of `src/` that a file is in; `main` for `main.ts`. */
function folderOf(path: string): string {
  return path === "main.ts" ? "main" : path.split("/")[1]!;
}

/** All arrows between folders, counted by file, by name. */
export function arrowsBetween(files: readonly SourceFile[]): Arrow[] {
  const counts = new Map<string, number>();
  for (const { path, imports } of files) {
    for (const target of new Set(imports.map(folderOf))) {
      const key = `${folderOf(path)} ${target}`;
      if (folderOf(path) !== target) counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  }
  return [...counts.keys()].sort().map((key) => {
    const [from = "", to = ""] = key.split(" ");
    return { from, to, count: counts.get(key)! };
  });
}

/** The arrows that lead to a layer that is listed later, or to the same one. */
export function arrowsBack(arrows: readonly Arrow[]): Arrow[] {
  const order = Object.keys(LAYERS);
  return arrows.filter(({ from, to }) => order.indexOf(to) >= order.indexOf(from));
}

/**
 * Finds files that import each other in a circle.
 *
 * @returns The files of each circle, in the order of their imports.
 */
export function findCircles(files: readonly SourceFile[]): string[][] {
  const importsOf = new Map(files.map(({ path, imports }) => [path, imports]));
  const done = new Set<string>();
  const circles: string[][] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) return void circles.push(trail.slice(start));
    if (done.has(path)) return;
    for (const target of importsOf.get(path) ?? []) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const { path } of files) visit(path, []);
  return circles;
}

const BOX = { width: 120, height: 34, gap: 18 };

/** Draws the layers, lowest at the bottom. */
export function drawImports(arrows: readonly Arrow[]): string {
  const order = Object.keys(LAYERS).filter((name) =>
    arrows.some(({ from, to }) => name === from || name === to)
  );
  const step = BOX.height + BOX.gap;
  const height = order.length * step + 20;
  const middle = 380;
  const y = (name: string) => 10 + (order.length - 1 - order.indexOf(name)) * step;
  const boxes = order.map((name) =>
    `<rect x="${middle}" y="${y(name)}" width="${BOX.width}" height="${BOX.height}" rx="4"/>` +
    `<text x="${middle + BOX.width / 2}" y="${y(name) + 22}">${name}</text>`
  );
  const curves = arrows.map(({ from, to }) => {
    const distance = order.indexOf(from) - order.indexOf(to);
    const right = distance % 2 === 0;
    const x = right ? middle + BOX.width : middle;
    const bend = (right ? 1 : -1) * (14 + Math.abs(distance) * 22);
    const [top, bottom] = [y(from) + BOX.height / 2 + 4, y(to) + BOX.height / 2 - 4];
    const path = `M ${x} ${top} C ${x + bend} ${top}, ${x + bend} ${bottom}, ${x} ${bottom}`;
    const back = distance <= 0 ? ' class="back"' : "";
    return `<path${back} d="${path}"><title>${from} imports ${to}</title></path>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 880 ${height}" role="img" aria-label="Folders of src and their imports">
<style>rect{fill:#eef3f8;stroke:#456}text{font:14px sans-serif;text-anchor:middle}path{fill:none;stroke:#0b5cad;stroke-width:1.5;opacity:.45;marker-end:url(#tip)}path.back{stroke:#c00;opacity:1}</style>
<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" markerUnits="userSpaceOnUse" orient="auto"><polygon points="0,0 8,4 0,8" fill="#0b5cad"/></marker></defs>
${curves.join("\n")}
${boxes.join("\n")}
</svg>
`;
}

if (import.meta.main) {
  const files = readSourceFiles();
  const arrows = arrowsBetween(files);
  const [output] = Deno.args;
  if (output !== undefined) Deno.writeTextFileSync(output, drawImports(arrows));
  const order = Object.keys(LAYERS).toReversed();
  for (const name of order) {
    const own = arrows.filter(({ from }) => from === name);
    if (own.length > 0) {
      console.log(`${name} → ${own.map(({ to, count }) => `${to} (${count})`).join(", ")}`);
    }
  }
  const back = arrowsBack(arrows);
  const circles = findCircles(files);
  for (const { from, to } of back) console.log(`arrow back: ${from} → ${to}`);
  for (const circle of circles) {
    console.log(`circle: ${circle.map((path) => relative("src", path)).join(" → ")}`);
  }
  console.log(
    `${files.length} files, ${arrows.length} arrows, ${back.length} back, ${circles.length} circles`,
  );
  if (back.length + circles.length > 0) Deno.exit(1);
}
