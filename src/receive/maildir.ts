/**
 * Reads the reports in a Maildir: mail in `new` is taken in, and moves to `cur` as seen. Nothing is ever removed.
 *
 * The files are written by the mail server, and their names and contents come from strangers. So only plain files are
 * opened, no links are followed, and everything has a bound. A mail that cannot be judged yet stays in `new`.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/error_text.ts";
import type { Warnings } from "../base/warnings.ts";
import { GenerationalMap } from "../base/generational_map.ts";
import { MAIL_MAX_OCTETS } from "../mail/read_mime.ts";
import type { Inbox, Taken } from "./inbox.ts";
import { type MailFile, moveToSeen, readMailFile } from "./mail_file.ts";

/** What {@link createMaildir} works with. */
export interface MaildirOptions {
  /** The directory with `new` and `cur`. */
  readonly directory: string;
  /** Takes in each mail. */
  readonly inbox: Inbox;
  /** Takes what was kept to where it survives a power cut; called before mail moves. Must not throw. */
  readonly settle: () => void;
  /** The time by which mail waits. */
  readonly clock: Pick<Clock, "now">;
  /** What the operator should look at. */
  readonly warnings: Pick<Warnings, "warn">;
  /** Mails that wait and are remembered. @default {MAX_WAITING} */
  readonly maxWaiting?: number;
  /** Mails that one scan looks at. @default {MAX_LISTED} */
  readonly maxListed?: number;
}

/** The Maildir, as far as it was read. */
export interface MaildirState {
  /** The end of the last scan, ms; `undefined` before the first. */
  readonly scannedAt: number | undefined;
  /** Why it cannot be read, in one line. */
  readonly error: string | undefined;
  /** Mails in `new` after the last scan. */
  readonly waiting: number;
}

/** A Maildir that is read. */
export interface Maildir {
  /**
   * Takes in mails, {@link BATCH} at most: the oldest first, and new ones before those that are tried again. Must not
   * run twice at the same time. Never rejects.
   *
   * @returns Whether more can be taken in at once.
   */
  scan(): Promise<boolean>;
  /** Lets a scan under way end after the mails that are being judged. */
  stop(): void;
  /** What the last scan saw. */
  readonly state: MaildirState;
}

/** Mails of one scan: the process has other things to do. */
export const BATCH = 100;

/**
 * Of these, mails that are tried again while there are new ones. Each can wait for DNS until its deadline: anybody can
 * send a thousand mails whose keys cannot be looked up, and they must not keep out the others.
 */
const RETRIES = 25;

/** Mails judged at once. DNS takes most of the time; each may have 8 MiB. */
const AT_ONCE = 4;

/**
 * How old a file is before it is read, ms. The rules of Maildir make files appear whole, but not everybody who copies
 * mail into one keeps them.
 */
const SETTLED_MS = 2000;

/** Pauses before a mail is tried again that could not be decided, ms: doubled each time. */
const FIRST_PAUSE_MS = 60_000;
const LONGEST_PAUSE_MS = 3_600_000;

/** Mails that wait and are remembered; others are tried in turn with new ones. */
const MAX_WAITING = 10_000;

/**
 * Mails that one scan looks at: each takes 100 octets, and 2 us in each scan. Of more, the mail server's own limits are
 * long past, and all have their turn as others go.
 */
const MAX_LISTED = 100_000;

/** A mail that is tried later. */
interface Pause {
  readonly until: number;
  readonly ms: number;
  /** The first try. */
  readonly since: number;
}

/** Creates a reader of a Maildir. It reads nothing before the first scan. */
export function createMaildir(options: MaildirOptions): Maildir {
  return new MaildirReader(options);
}

class MaildirReader implements Maildir {
  readonly #options: MaildirOptions;
  readonly #pauses: GenerationalMap<Pause>;
  #isStopped = false;
  /** The last new mail that was tried: if many are forgotten again, all have their turn. */
  #last = "";
  #state: MaildirState = { scannedAt: undefined, error: undefined, waiting: 0 };

  constructor(options: MaildirOptions) {
    this.#options = options;
    this.#pauses = new GenerationalMap(options.maxWaiting ?? MAX_WAITING);
  }

  get state(): MaildirState {
    return this.#state;
  }

  stop(): void {
    this.#isStopped = true;
  }

  async scan(): Promise<boolean> {
    const { directory, clock, warnings, maxListed = MAX_LISTED } = this.#options;
    let names: string[];
    try {
      names = await listNew(directory, maxListed);
    } catch (error) {
      const reason = messageOf(error);
      warnings.warn(`maildir ${directory}`, "cannot read the Maildir", { directory, reason });
      this.#state = { ...this.#state, scannedAt: clock.now(), error: reason };
      return false;
    }
    const { batch, hasMore } = this.#choose(names);
    let done = 0;
    let isFull = false;
    for (let at = 0; at < batch.length && !isFull && !this.#isStopped; at += AT_ONCE) {
      const slice = batch.slice(at, at + AT_ONCE);
      const results = await Promise.all(slice.map((name) => this.#judge(name)));
      isFull = results.includes("full");
      this.#options.settle();
      for (const [index, name] of slice.entries()) {
        if (results[index] === "judged" && await this.#move(name)) done++;
      }
    }
    this.#state = { scannedAt: clock.now(), error: undefined, waiting: names.length - done };
    return hasMore && !isFull;
  }

  /** Chooses what is tried now. @param names In order. */
  #choose(names: readonly string[]): { readonly batch: string[]; readonly hasMore: boolean } {
    const now = this.#options.clock.now();
    const fresh: string[] = [];
    const again: string[] = [];
    for (const name of names) {
      const pause = this.#pauses.get(name);
      if (pause === undefined) fresh.push(name);
      else if (pause.until <= now) again.push(name);
    }
    const next = fresh.findIndex((name) => name > this.#last);
    const inTurn = next < 0 ? fresh : [...fresh.slice(next), ...fresh.slice(0, next)];
    const first = inTurn.slice(0, BATCH - Math.min(RETRIES, again.length));
    this.#last = first.at(-1) ?? this.#last;
    const batch = [...first, ...again].slice(0, BATCH);
    return { batch, hasMore: fresh.length + again.length > BATCH };
  }

  /** Never rejects. `full`: the store takes nothing. */
  async #judge(name: string): Promise<"judged" | "waits" | "full"> {
    const { directory, clock, inbox } = this.#options;
    const path = `${directory}/new/${name}`;
    try {
      const file = await readMailFile(path, MAIL_MAX_OCTETS + 1);
      // To move it finds nothing to do.
      if (file.kind === "gone") return "judged";
      if (file.kind === "foreign") {
        this.#warn(name, "not a regular file in the Maildir; left alone");
        return this.#pause(name, LONGEST_PAUSE_MS);
      }
      const age = clock.now() - file.at;
      if (age >= 0 && age < SETTLED_MS) return "waits";
      const since = this.#pauses.get(name)?.since;
      const taken = await inbox(arrivalOf(file, { name, now: clock.now(), since }));
      return taken.kind === "later" || taken.kind === "full" ? this.#wait(name, taken) : "judged";
    } catch (error) {
      this.#warn(name, "cannot read a mail", messageOf(error));
      return this.#pause(name, LONGEST_PAUSE_MS);
    }
  }

  #wait(name: string, { kind }: Taken): "waits" | "full" {
    const last = this.#pauses.get(name)?.ms ?? FIRST_PAUSE_MS / 2;
    this.#pause(name, kind === "full" ? FIRST_PAUSE_MS : Math.min(2 * last, LONGEST_PAUSE_MS));
    return kind === "full" ? "full" : "waits";
  }

  /** A mail that stays is taken in once more, and is a duplicate then. @returns Whether it is gone from `new`. */
  async #move(name: string): Promise<boolean> {
    try {
      await moveToSeen(this.#options.directory, name);
      return true;
    } catch (error) {
      this.#warn(name, "cannot move a mail that was read", messageOf(error));
      this.#pause(name, LONGEST_PAUSE_MS);
      return false;
    }
  }

  #pause(name: string, ms: number): "waits" {
    const now = this.#options.clock.now();
    this.#pauses.set(name, { until: now + ms, ms, since: this.#pauses.get(name)?.since ?? now });
    return "waits";
  }

  /** Once an hour for each event: a full directory of them says no more. */
  #warn(file: string, event: string, reason?: string): void {
    const { directory, warnings } = this.#options;
    warnings.warn(`maildir ${directory} ${event}`, event, { directory, file, reason });
  }
}

/** What does not begin with a dot, in the order of their names, which begin with the time of delivery. */
async function listNew(directory: string, max: number): Promise<string[]> {
  const { isDirectory } = await Deno.stat(`${directory}/cur`);
  if (!isDirectory) throw new Error(`${directory}/cur is no directory`);
  const names: string[] = [];
  for await (const { name } of Deno.readDir(`${directory}/new`)) {
    if (!name.startsWith(".")) names.push(name);
    if (names.length === max) break;
  }
  return names.sort();
}

function arrivalOf(
  { octets, at }: Extract<MailFile, { kind: "read" }>,
  { name, now, since }: {
    readonly name: string;
    readonly now: number;
    readonly since: number | undefined;
  },
) {
  const arrival = { octets, way: "mail", at: Math.min(at, now), fileName: name } as const;
  return since === undefined ? arrival : { ...arrival, triedSince: since };
}
