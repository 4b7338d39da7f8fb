/**
 * The files that `cache.shared` names: the secret that signs entries, and passwords. They are read when an engine is
 * opened, and looked at by `serve`, each reload and `config check` before that.
 *
 * @module
 */

import { messageOf } from "../base/error_text.ts";
import { isShared } from "../config/shared.ts";
import type { Config } from "../config/types.ts";
import { UsageError } from "../config/usage_error.ts";

/** The shortest secret, characters: with Base64 that is 24 random octets, and the hash has 32. */
const SECRET_MIN_LENGTH = 32;

/** No secret or password is longer, octets: what is, is some other file. */
const FILE_MAX_OCTETS = 8192;

/** Permissions of those who are neither owner nor in the group of the file. */
const OTHERS = 0o007;

/** Where systemd puts credentials. */
const CREDENTIALS = "/run/credentials/";

const HOW_TO_MAKE = "make one with: openssl rand -base64 48";

type Shared = Config["cache"]["shared"];

/** What the files hold. */
export interface FleetFiles {
  /** One or two, the first signs; `undefined` without `secret_file`. */
  readonly secrets: readonly Uint8Array[] | undefined;
  /** Of the engine; from the file, else as configured. */
  readonly password: string | undefined;
  /** Of the Sentinels. */
  readonly sentinelPassword: string | undefined;
}

/**
 * Reads the files.
 *
 * @throws {UsageError} For the first mistake: key, file, what to do.
 */
export function readFleetFiles(shared: Shared): FleetFiles {
  const { secretFile, password, passwordFile, sentinelPasswordFile } = shared;
  const readPassword = (key: string, path: string | undefined) =>
    path === undefined ? undefined : readLines(key, path, { most: 1, what: "password" })[0];
  return {
    secrets: secretFile === undefined ? undefined : readSecrets(secretFile),
    password: readPassword("password_file", passwordFile) ?? password,
    sentinelPassword: readPassword("sentinel_password_file", sentinelPasswordFile),
  };
}

/**
 * A file that the unit hands over (systemd.exec(5), `LoadCredential=`), and that is there only while the service runs.
 *
 * @returns The first such file that is missing now; `undefined` if all files are there.
 */
export function missingCredential(
  { secretFile, passwordFile, sentinelPasswordFile }: Shared,
): string | undefined {
  return [secretFile, passwordFile, sentinelPasswordFile].find((file) =>
    file?.startsWith(CREDENTIALS) && !exists(file)
  );
}

/**
 * Finds the mistakes in the files.
 *
 * @param options `anyOwner`: this is not the service, which may have files that are not there now.
 * @returns One line each, without the name of the configuration file.
 */
export function fleetFileMistakes(
  { cache: { shared } }: Pick<Config, "cache">,
  { anyOwner = false }: { readonly anyOwner?: boolean } = {},
): string[] {
  if (!isShared(shared)) return [];
  if (anyOwner && missingCredential(shared) !== undefined) return [];
  const none = { secretFile: undefined, passwordFile: undefined, sentinelPasswordFile: undefined };
  return (["secretFile", "passwordFile", "sentinelPasswordFile"] as const).flatMap((key) => {
    try {
      readFleetFiles({ ...shared, ...none, [key]: shared[key] });
      return [];
    } catch (error) {
      if (error instanceof UsageError) return [error.message];
      throw error;
    }
  });
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    return !(error instanceof Deno.errors.NotFound);
  }
}

function readSecrets(path: string): Uint8Array[] {
  const lines = readLines("secret_file", path, { most: 2, what: "secret" });
  for (const [index, line] of lines.entries()) {
    if (line.length >= SECRET_MIN_LENGTH) continue;
    throw mistake(
      "secret_file",
      `line ${
        index + 1
      } of ${path} has ${line.length} characters, and a secret needs ${SECRET_MIN_LENGTH}: ` +
        HOW_TO_MAKE,
    );
  }
  return lines.map((line) => new TextEncoder().encode(line));
}

/** Reads a file of few lines that only its owner and group may read. */
function readLines(
  key: string,
  path: string,
  { most, what }: { readonly most: number; readonly what: string },
): string[] {
  const text = readPrivate(key, path);
  const lines = text.replace(/\r?\n$/, "").split(/\r?\n/);
  const isWord = (line: string) => /^[!-~](?:[ -~]*[!-~])?$/.test(line);
  if (lines.length <= most && lines.every(isWord)) return lines;
  const count = most === 1 ? "one line" : "one line or two";
  throw mistake(
    key,
    `${path} must hold a ${what} as ${count} of printable characters` +
      (what === "secret" ? `: ${HOW_TO_MAKE}` : ""),
  );
}

function readPrivate(key: string, path: string): string {
  try {
    const { mode, size } = Deno.statSync(path);
    if (mode !== null && (mode & OTHERS) !== 0) {
      const octal = (mode & 0o777).toString(8).padStart(4, "0");
      throw mistake(key, `${path} is open to every user (mode ${octal}): run chmod o= ${path}`);
    }
    if (size > FILE_MAX_OCTETS) {
      throw mistake(key, `${path} is larger than ${FILE_MAX_OCTETS} octets`);
    }
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(Deno.readFileSync(path));
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw mistake(key, `${path} cannot be read: ${messageOf(error)}`);
  }
}

function mistake(key: string, text: string): UsageError {
  return new UsageError(`cache.shared.${key}: ${text}`);
}
