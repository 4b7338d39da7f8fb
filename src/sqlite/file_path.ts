/**
 * A file as a name in a directory: whether it may be trusted, creating it, setting it aside.
 *
 * Anyone who can write the file or put another in its place can change what the daemon believes. So both file
 * and directory must belong to us or root, and nobody else may write them; a sticky bit as on
 * `/tmp` does not help, because there anyone may create the file before we do.
 *
 * @module
 */

import { basename, dirname, join } from "node:path";
import { FileFault } from "./fault.ts";

const WAL_SUFFIX = "-wal";

/** What SQLite keeps beside a database; the parts belong together and move together. */
const COMPANIONS = [WAL_SUFFIX, "-shm", "-journal"];

/** Corrupt files kept for inspection; older ones go, so that a bad disk does not fill itself. */
const MAX_SET_ASIDE = 2;

/** Write permission for group or others. */
const WRITABLE_BY_OTHERS = 0o022;

/** A file as told apart from others of the same name. */
export interface FileIdentity {
  /** The device. */
  readonly dev: number;
  /** The number of the file on it. */
  readonly ino: number | null;
}

/**
 * Tells why the directory of a file cannot be trusted.
 *
 * @param path The file. Its directory need not exist: it is created when the file is.
 * @param options `anyOwner` leaves out the check of the owner.
 * @returns One line that names the directory and the repair; `undefined` if nothing is wrong.
 */
export function checkDirectory(
  path: string,
  { anyOwner = false }: { readonly anyOwner?: boolean } = {},
): string | undefined {
  const directory = dirname(path);
  try {
    const info = statOf(() => Deno.statSync(directory));
    if (info === undefined) return undefined;
    if (!info.isDirectory) return `${directory} is not a directory: name a file in a directory`;
    return distrust(directory, anyOwner ? { ...info, uid: null } : info);
  } catch (error) {
    return `${directory} cannot be looked at: ${(error as Error).message}`;
  }
}

/**
 * Makes sure that a file of ours stands at the path, an empty one if need be (mode 0600, its
 * directories 0700; SQLite gives its companions the mode of the file).
 *
 * @param options `allowUnsafe` leaves out the checks of owner and mode.
 * @throws {FileFault} Of kind `unsafe`, if the file or its directory cannot be trusted.
 * @throws {Error} What the system says, if the file cannot be created.
 */
export function prepareFile(path: string, { allowUnsafe }: { allowUnsafe: boolean }): void {
  const danger = allowUnsafe ? undefined : checkDirectory(path);
  if (danger !== undefined) throw new FileFault("unsafe", danger);
  const info = statOf(() => Deno.lstatSync(path));
  if (info === undefined) return createFile(path);
  if (!info.isFile) throw new FileFault("unsafe", `${path} is not a file: name another`);
  const doubt = allowUnsafe ? undefined : distrust(path, info);
  if (doubt !== undefined) throw new FileFault("unsafe", doubt);
}

/** Identifies the file that stands at the path now; `undefined` if there is none to be seen. */
export function identify(path: string): FileIdentity | undefined {
  try {
    const { dev, ino } = Deno.statSync(path);
    return { dev, ino };
  } catch {
    return undefined;
  }
}

/**
 * Renames a corrupt file and its companions to `<path>.corrupt-<date and time>`. Handles that
 * are open on it stay open.
 *
 * @param now Milliseconds since the epoch, for the name.
 * @returns The new name of the file.
 * @throws {Error} What the system says, if it cannot be renamed.
 */
export function setAside(path: string, now: number): string {
  const aside = `${path}.corrupt-${new Date(now).toISOString().replaceAll(":", "")}`;
  Deno.renameSync(path, aside);
  for (const companion of COMPANIONS) {
    ignoreMissing(() => Deno.renameSync(path + companion, aside + companion));
  }
  deleteOldest(path);
  return aside;
}

/** The write-ahead log of the file at the path. */
export function walOf(path: string): string {
  return path + WAL_SUFFIX;
}

/** Deletes what SQLite keeps beside the file at the path, but not the file. */
export function removeCompanions(path: string): void {
  for (const companion of COMPANIONS) ignoreMissing(() => Deno.removeSync(path + companion));
}

function createFile(path: string): void {
  Deno.mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  using directory = Deno.openSync(dirname(path), { read: true });
  // A slower process would take away what SQLite keeps beside the file that a faster one has made and opened.
  if (!directory.tryLockSync(true) || statOf(() => Deno.lstatSync(path)) !== undefined) {
    throw new FileFault("busy", `${path} is being created by another process`);
  }
  // Left behind by a file that was removed. A process that still has that file open goes on
  // using them by handle, so a new database must not find them by name.
  removeCompanions(path);
  try {
    Deno.openSync(path, { write: true, createNew: true, mode: 0o600 }).close();
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    throw new FileFault("busy", `${path} is being created by another process`);
  }
}

function distrust(path: string, { uid, mode }: Deno.FileInfo): string | undefined {
  if (uid !== null && uid !== 0 && uid !== Deno.uid()) {
    return `${path} belongs to another user (${uid}): give it to the user of this service`;
  }
  if (mode !== null && (mode & WRITABLE_BY_OTHERS) !== 0) {
    const octal = (mode & 0o7777).toString(8).padStart(4, "0");
    return `${path} can be written by others (mode ${octal}): run chmod go-w on it`;
  }
  return undefined;
}

function deleteOldest(path: string): void {
  const prefix = `${basename(path)}.corrupt-`;
  const isCompanion = (name: string) => COMPANIONS.some((companion) => name.endsWith(companion));
  const names = Array.from(Deno.readDirSync(dirname(path)), ({ name }) => name)
    .filter((name) => name.startsWith(prefix) && !isCompanion(name)).sort();
  for (const name of names.slice(0, -MAX_SET_ASIDE)) {
    Deno.removeSync(join(dirname(path), name));
    removeCompanions(join(dirname(path), name));
  }
}

function statOf(stat: () => Deno.FileInfo): Deno.FileInfo | undefined {
  try {
    return stat();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function ignoreMissing(action: () => void): void {
  try {
    action();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
