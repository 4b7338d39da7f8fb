/**
 * The list of what is in the program, CycloneDX 1.6: the packages of `deno.lock`, by cdxgen, and Deno and V8, which no
 * lock file names. What differs from run to run or from place to place is replaced, so that the same source gives the
 * same list. Needs npx and a registry.
 *
 * @module
 */

import { createHash } from "node:crypto";

/** OWASP's generator; it reads `deno.lock` and asks the registry for licences. It also has the schema. */
const CDXGEN = "@cyclonedx/cdxgen@12.8.4";

/** What is compiled, and with what. */
export interface SbomOptions {
  /** The directory of `deno.json` and `deno.lock`. */
  readonly source: string;
  readonly version: string;
  readonly date: Date;
  /** Versions of the base program. */
  readonly runtime: { readonly deno: string; readonly v8: string };
}

/** A component of CycloneDX, as far as it is looked at here. */
interface Component {
  readonly "bom-ref": string;
  readonly name: string;
  readonly version?: string;
  readonly group?: string;
  readonly [property: string]: unknown;
}

/** A document of CycloneDX, as far as it is looked at here. */
interface Bom {
  readonly metadata: { readonly tools: unknown };
  readonly components: readonly Component[];
}

/** The part of `deno.lock` that is read. */
interface Lock {
  readonly npm: Readonly<Record<string, { readonly dependencies?: readonly string[] }>>;
  readonly workspace: { readonly dependencies: readonly string[] };
}

/**
 * Writes the list, and has it checked against the schema.
 *
 * @throws {Error} If cdxgen fails, if a package of `deno.lock` is missing, or if the list is not valid.
 */
export function writeSbom(path: string, options: SbomOptions): void {
  const directory = Deno.makeTempDirSync();
  try {
    // Nothing else is there, so that the list does not depend on what else the checkout has.
    for (const name of ["deno.json", "deno.lock"]) {
      Deno.copyFileSync(`${options.source}/${name}`, `${directory}/${name}`);
    }
    const found = `${directory}/found.json`;
    const how = ["-t", "deno", "--no-install-deps", "--spec-version", "1.6", "-o", found];
    cdxgen(directory, ["cdxgen", ...how, "."]);
    const lock: Lock = JSON.parse(Deno.readTextFileSync(`${directory}/deno.lock`));
    const bom = completeBom(JSON.parse(Deno.readTextFileSync(found)), { ...options, lock });
    Deno.writeTextFileSync(path, `${JSON.stringify(bom, null, 2)}\n`);
    // The schema, and that references lead somewhere. What else it judges, such as copyright lines, is no error.
    cdxgen(directory, ["cdx-validate", "--strict", "--fail-severity", "critical", "-i", path]);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

function cdxgen(cwd: string, args: readonly string[]): void {
  const { success, stdout, stderr } = new Deno.Command("npx", {
    args: ["--yes", "--package", CDXGEN, ...args],
    cwd,
  }).outputSync();
  if (success) return;
  const text = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("");
  throw new Error(`${args[0]} failed: ${text.trimEnd()}`);
}

/**
 * Adds the program, Deno and V8 to what cdxgen found, and takes out what is not about the program.
 *
 * @throws {Error} If a package of the lock file is missing.
 */
export function completeBom(
  found: Bom,
  { version, date, runtime, lock }: Omit<SbomOptions, "source"> & { readonly lock: Lock },
): Record<string, unknown> {
  const program: Component = {
    type: "application",
    name: "mta-sts-resolver",
    version,
    "bom-ref": `mta-sts-resolver@${version}`,
    licenses: [{ license: { id: "MIT" } }],
  };
  const [deno, v8] = runtimeComponents(runtime);
  // Paths of this machine, and what cdxgen thinks of the licences.
  const packages = found.components.map(({ properties: _, evidence: __, ...rest }) => rest);
  const refs = new Map(packages.map((each) => [nameOf(each), each["bom-ref"]]));
  const dependencies = [
    {
      ref: program["bom-ref"],
      dependsOn: [
        ...lock.workspace.dependencies.map((name) => refOf(name.replace(/^npm:/, ""), refs)),
        deno["bom-ref"],
      ],
    },
    { ref: deno["bom-ref"], dependsOn: [v8["bom-ref"]] },
    ...Object.entries(lock.npm).map(([name, { dependencies = [] }]) => ({
      ref: refOf(name, refs),
      dependsOn: dependencies.map((name) => refOf(name, refs)),
    })),
  ];
  const content = { components: [...packages, deno, v8], dependencies };
  return {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    serialNumber: `urn:uuid:${uuidOf({ program, ...content })}`,
    version: 1,
    metadata: {
      timestamp: date.toISOString(),
      tools: found.metadata.tools,
      component: program,
    },
    ...content,
  };
}

function runtimeComponents({ deno, v8 }: SbomOptions["runtime"]): [Component, Component] {
  return [
    {
      type: "platform",
      name: "deno",
      version: deno,
      "bom-ref": `pkg:github/denoland/deno@v${deno}`,
      purl: `pkg:github/denoland/deno@v${deno}`,
      cpe: `cpe:2.3:a:deno:deno:${deno}:*:*:*:*:*:*:*`,
      licenses: [{ license: { id: "MIT" } }],
    },
    {
      type: "library",
      name: "v8",
      version: v8,
      "bom-ref": `pkg:github/v8/v8@${v8}`,
      purl: `pkg:github/v8/v8@${v8}`,
      licenses: [{ license: { id: "BSD-3-Clause" } }],
    },
  ];
}

/** `@scope/name@1.2.3`, as `deno.lock` has it. */
function nameOf({ group, name, version }: Component): string {
  return `${group ? `${group}/` : ""}${name}@${version}`;
}

/** The reference of a package; the lock file leaves out the version of one that it has once. */
function refOf(name: string, refs: ReadonlyMap<string, string>): string {
  const ref = refs.get(name) ??
    refs.entries().find(([full]) => full.startsWith(`${name}@`))?.[1];
  if (ref === undefined) throw new Error(`cdxgen has not found ${name}, which is in deno.lock`);
  return ref;
}

/** A UUID (version 8, RFC 9562 §5.8) that depends on nothing but the content. */
function uuidOf(content: unknown): string {
  const hash = createHash("sha256").update(JSON.stringify(content)).digest("hex");
  return hash.slice(0, 32).replace(
    /^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/,
    "$1-$2-8$3-8$4-$5",
  );
}
