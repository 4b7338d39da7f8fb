/**
 * Makes the effective configuration: finds the file, reads it and checks it. `serve`, `config check`
 * and every other command use this file, so that none of them accepts what another refuses.
 *
 * Reads nothing but that one file; the environment is handed in.
 *
 * @module
 */

import { messageOf } from "../base/error_text.ts";
import { toConfig } from "./config.ts";
import { CONFIG_FILES, defaultCacheFile, type Environment } from "./defaults.ts";
import { checkDocument, type Document, failOn, parseDocument } from "./document.ts";
import { exceptionProblems } from "./exceptions.ts";
import { translateLegacy } from "./legacy.ts";
import { FILE } from "./legacy_keys.ts";
import { sharedNotes, sharedProblems } from "./shared.ts";
import type { Config, ConfigNote } from "./types.ts";
import { UsageError } from "./usage_error.ts";
import { writeOutDates } from "./written_dates.ts";

/** What {@link loadConfig} needs from outside. */
export interface LoadOptions {
  /** The file to read; without it the first of {@link CONFIG_FILES} that exists, else the defaults alone. */
  readonly file?: string;
  /** Throws as `Deno.readTextFileSync` does. */
  readonly readTextFile: (path: string) => string;
  readonly env: Environment;
}

/** A configuration, and remarks on its file for the operator. */
export interface LoadedConfig {
  readonly config: Config;
  readonly notes: readonly ConfigNote[];
}

/**
 * Loads the configuration.
 *
 * @throws {UsageError} If the file cannot be read or has mistakes: one line for each, with file
 * and key, or with line and column.
 */
export function loadConfig(options: LoadOptions): LoadedConfig {
  const { env } = options;
  const { file, text } = findFile(options);
  const name = file ?? "defaults";
  const document = writeOutDates(writeOut(parseDocument(text, name)), text);
  const checked = checkDocument(document, FILE, { file: name });
  const { values, notes, problems } = translateLegacy(checked, document);
  const { shared } = values.cache;
  if (problems.length === 0) problems.push(...sharedProblems(shared));
  failOn([...problems, ...exceptionProblems(values.domains)], name);
  notes.push(...sharedNotes(shared));

  const cacheFile = defaultCacheFile(env);
  if (values.cache.file === undefined && cacheFile === undefined) {
    const text =
      "defaults to memory because none of STATE_DIRECTORY, XDG_STATE_HOME and HOME is set";
    notes.push({ path: "cache.file", text });
  }
  if (!values.https.proxy && (env("HTTPS_PROXY") || env("https_proxy"))) {
    const text = "is not set, and HTTPS_PROXY in the environment is ignored";
    notes.push({ path: "https.proxy", text });
  }
  return { config: toConfig(values, { file, cacheFile }), notes };
}

/** `cache: memory` is short for a mapping. */
function writeOut(document: Document): Document {
  return document.cache === "memory" ? { ...document, cache: { file: "memory" } } : document;
}

function findFile({ file, readTextFile }: LoadOptions): { file?: string; text: string } {
  for (const candidate of file === undefined ? CONFIG_FILES : [file]) {
    try {
      return { file: candidate, text: readTextFile(candidate) };
    } catch (error) {
      if (file === undefined && error instanceof Deno.errors.NotFound) continue;
      throw cannotRead(candidate, error);
    }
  }
  return { text: "" };
}

/** The mistake of naming a file that cannot be read. */
export function cannotRead(file: string, error: unknown): UsageError {
  const why = messageOf(error);
  return new UsageError(`${file}: cannot be read: ${why}`, { cause: error });
}
