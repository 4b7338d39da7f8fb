/**
 * The notes of a release: the part of CHANGELOG.md about its version, and how to verify what was downloaded.
 *
 * @module
 */

/**
 * Finds what CHANGELOG.md says about a version.
 *
 * @returns The heading without its marks, such as `1.0.0 (2026-12-01)`, and the text below.
 * @throws {Error} If there is nothing about this version.
 */
export function findChanges(
  changelog: string,
  version: string,
): { readonly heading: string; readonly text: string } {
  const parts = changelog.split(/^## /m).slice(1);
  const part = parts.find((part) => part.split(/[ \n]/)[0] === version);
  if (part === undefined) throw new Error(`CHANGELOG.md has no part about ${version}`);
  const end = part.indexOf("\n");
  return { heading: part.slice(0, end), text: part.slice(end).trim() };
}

/** What the notes are made from. */
export interface NotesOptions {
  readonly changes: string;
  readonly version: string;
  /** Versions of the base program. */
  readonly runtime: { readonly deno: string; readonly v8: string };
  /** Names of the files, each with its size in octets. */
  readonly files: readonly (readonly [string, number])[];
  /** Whether there is a signature. */
  readonly isSigned: boolean;
}

/** Formats the notes, Markdown. */
export function formatNotes(
  { changes, version, runtime, files, isSigned }: NotesOptions,
): string {
  return [
    `# mta-sts-resolver ${version}`,
    "",
    changes,
    "",
    "## Files",
    "",
    "| File | Size, MB |",
    "| --- | ---: |",
    ...files.map(([name, size]) => `| ${name} | ${(size / 1e6).toFixed(size < 1e6 ? 2 : 1)} |`),
    "",
    `The programs run on Deno ${runtime.deno} with V8 ${runtime.v8}, which are part of them.`,
    isSigned
      ? '`SHA256SUMS` has the checksums of all files, and `SHA256SUMS.sig` its signature; "Verify what you downloaded" in README.md says how to use them.'
      : "`SHA256SUMS` has the checksums of all files. It is not signed.",
    "",
  ].join("\n");
}
