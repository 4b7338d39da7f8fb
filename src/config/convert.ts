/**
 * `config convert`: the configuration of postfix-mta-sts-resolver, postfix-tlspol or tlsrpt-reporter as a
 * file of our own keys, with remarks on what has no meaning here.
 *
 * @module
 */

import { type Document, parseDocument } from "./document.ts";
import { LEGACY_KEYS } from "./legacy_keys.ts";
import { loadConfig, type LoadedConfig } from "./load.ts";
import { formatConfig, wrap } from "./show.ts";
import { isTlspol, translateTlspol } from "./tlspol.ts";
import { isTlsrptReporter, translateTlsrptReporter } from "./tlsrpt_reporter.ts";
import type { Config, ConfigNote } from "./types.ts";
import { UsageError } from "./usage_error.ts";

/** A file of postfix-mta-sts-resolver has at least one of these keys. */
const PMSR_KEYS = [
  ...Object.keys(LEGACY_KEYS),
  "cache",
  "default_zone",
  "shutdown_timeout",
  "zones",
];

/** Where the systemd unit may create sockets. */
const UNIT_RUNTIME = "/run/mta-sts-resolver/";

/**
 * Converts a configuration file.
 *
 * @param text The file of the other program, YAML; of tlsrpt-reporter, INI.
 * @param file Its name, for messages and the heading.
 * @returns YAML: a heading and remarks as comments, and each key that is not at its default.
 * For postfix-mta-sts-resolver it has the same effect as the file itself.
 * @throws {UsageError} If the file is of none of these programs, or has mistakes: one line for each.
 */
export function convertConfig(text: string, file: string): string {
  const { program, config, notes } = loadForeign(text, file);
  const heading = `From ${file} of ${program}. Keys not listed here are at their` +
    " defaults, see `mta-sts-resolver config show`.";
  const remarks = [...notes, ...unitNotes(config)].map(({ path, text }) => `${path}: ${text}`);
  const comments = [heading, ...remarks].map((remark) => toComment(wrap(printable(remark))));
  const body = formatConfig(config, load("", file).config);
  return [comments.join("#\n"), body].filter((part) => part !== "").join("\n");
}

function loadForeign(text: string, file: string): LoadedConfig & { program: string } {
  if (isTlsrptReporter(text)) {
    const { document, notes } = translateTlsrptReporter(text);
    return { program: "tlsrpt-reporter", ...load(JSON.stringify(document), file), notes };
  }
  const document = parseDocument(text, file);
  return isTlspol(document)
    ? { program: "postfix-tlspol", ...loadTlspol(document, file) }
    : { program: "postfix-mta-sts-resolver", ...loadPmsr(document, { text, file }) };
}

function loadTlspol(document: Document, file: string): LoadedConfig {
  const { document: ours, notes } = translateTlspol(document, file);
  // JSON is YAML.
  return { ...load(JSON.stringify(ours), file), notes };
}

function loadPmsr(
  document: Document,
  { text, file }: { readonly text: string; readonly file: string },
): LoadedConfig {
  if (PMSR_KEYS.some((key) => Object.hasOwn(document, key))) return load(text, file);
  throw new UsageError(
    `${file}: has no key of postfix-mta-sts-resolver, postfix-tlspol or tlsrpt-reporter: nothing to convert`,
  );
}

/**
 * Loads text as if it were a file. Where the daemon will run is not known here: the state
 * directory is one that no file names, so that a default cache file differs from every other.
 */
function load(text: string, file: string): LoadedConfig {
  return loadConfig({
    file,
    readTextFile: () => text,
    env: (name) => name === "STATE_DIRECTORY" ? "/nonexistent" : undefined,
  });
}

/** What the systemd unit does not allow. */
function unitNotes({ listen, http }: Config): ConfigNote[] {
  const notes: ConfigNote[] = [];
  for (const address of [...listen, ...http]) {
    if (address.kind === "inet" || address.path.startsWith(UNIT_RUNTIME)) continue;
    const text = `the systemd unit may create sockets only in ${UNIT_RUNTIME} unless you change it`;
    notes.push({ path: address.path, text });
  }
  return notes;
}

/** Names of files and unknown keys can contain anything; a line end would end the comment. */
function printable(text: string): string {
  return text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, "?");
}

function toComment(lines: readonly string[]): string {
  return lines.map((line) => `# ${line}\n`).join("");
}
