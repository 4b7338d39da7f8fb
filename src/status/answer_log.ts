/**
 * The log of answers: what Postfix was answered, and why (key `log.answers`).
 *
 * With `changes` a line is written for the first answer for a next hop in a zone and for each different one after
 * it. What differs is the kind of the reply (`OK secure`, `OK dane-only`, `NOTFOUND`, `TEMP`), the mode of the policy,
 * the exception, or the reason of a `TEMP`; not the names of MX hosts, which some domains change by the hour.
 *
 * A flood cannot fill the journal. First answers for domains without a policy are not logged, because nearly
 * all domains are such, and a stranger can ask for any number of them. All others are bounded by
 * {@link BURST_LINES} and {@link LINE_EVERY_MS}; what is beyond is counted in one line a minute, and logged with the
 * next query for the domain. Lines that are not written at level info are written at level debug.
 *
 * With `changes` and `none` a ready reply does not come here, so it costs nothing.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { GenerationalMap } from "../base/generational_map.ts";
import type { Log, LogValue } from "../base/log.ts";
import type { DomainException } from "../resolver/exception.ts";
import type { Resolution } from "../resolver/types.ts";
import { describeException } from "./exception_text.ts";
import { OUTCOME_TEXT } from "./outcome_text.ts";

/** Next hops whose last answer is remembered, some 200 bytes each. The first answer for one dropped is logged again. */
const MAX_REMEMBERED = 20_000;

/** Lines that may be written at once: the domains with a policy that a busy server meets after a start. */
const BURST_LINES = 1000;

/** One more line may be written each time this has passed, ms: at most 43,200 lines a day, some 10 MB. */
const LINE_EVERY_MS = 2000;

/** What was left out is counted in one line this often, ms. */
const SUMMARY_MS = 60_000;

/** Which answers are logged: the key `log.answers`. */
export type AnswerChoice = "changes" | "all" | "none";

/** A reply to Postfix, with what led to it. */
export interface LoggedReply {
  /** The next hop in Postfix's form, or a key that is none. */
  readonly key: string;
  /** The policy domain; `undefined` if the key is no next hop. */
  readonly domain: string | undefined;
  readonly zone: { readonly name: string };
  /** The payload that Postfix gets. */
  readonly text: string;
  /** What the resolver said; `undefined` if it was not asked, or failed. */
  readonly resolved:
    | Partial<Pick<Resolution, "answer" | "outcome" | "mode" | "exception">>
    | undefined;
}

/** The log of answers, which outlives a reload: what was logged before it is not logged again. */
export interface AnswerLog {
  /** @returns What takes note of each reply under this choice. It does not throw. */
  follow(choice: AnswerChoice): (reply: LoggedReply) => void;
}

/** Creates the log of answers. */
export function createAnswerLog({ log, clock }: { log: Log; clock: Clock }): AnswerLog {
  const changes = new Changes(log, clock);
  return {
    follow(choice) {
      if (choice === "none") return () => {};
      const note = choice === "all"
        ? (reply: LoggedReply) => log.info("answered", fieldsOf(reply))
        : (reply: LoggedReply) => changes.note(reply);
      return (reply) => {
        // Now, not before: a reload may change the level after the choice.
        if (log.enabled("info")) note(reply);
      };
    },
  };
}

class Changes {
  readonly #log: Log;
  readonly #clock: Clock;
  /** By zone and next hop, what was logged last. */
  readonly #logged = new GenerationalMap<{ state: string; reply: string }>(MAX_REMEMBERED);
  #lines = BURST_LINES;
  #since: number;
  #left = 0;

  constructor(log: Log, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
    this.#since = clock.now();
  }

  note(reply: LoggedReply): void {
    const id = `${reply.zone.name}\0${reply.key}`;
    const before = this.#logged.get(id);
    const state = stateOf(reply);
    const isPlain = state === PLAIN;
    if (before === undefined ? isPlain : before.state === state) {
      if (this.#log.enabled("debug")) this.#log.debug("answered", fieldsOf(reply));
      return;
    }
    if (!this.#mayWrite()) return;
    // Of a domain without a policy the next answer is news in any case.
    if (isPlain) this.#logged.delete(id);
    else this.#logged.set(id, { state, reply: kindOf(reply.text) });
    const event = before === undefined ? "first answer" : "answer changed";
    this.#log.info(event, { ...fieldsOf(reply), before: before?.reply });
  }

  #mayWrite(): boolean {
    const now = this.#clock.now();
    const earned = Math.floor((now - this.#since) / LINE_EVERY_MS);
    this.#since += earned * LINE_EVERY_MS;
    this.#lines = Math.min(BURST_LINES, this.#lines + earned);
    if (this.#lines > 0) {
      this.#lines--;
      return true;
    }
    if (this.#left++ === 0) this.#clock.setTimer(() => this.#sumUp(), SUMMARY_MS);
    return false;
  }

  #sumUp(): void {
    this.#log.info("answers not logged, too many changes", { count: this.#left });
    this.#left = 0;
  }
}

/** The state of a domain without a policy, whose mail goes by the settings of Postfix. */
const PLAIN = "NOTFOUND";

/** What must be the same for an answer to be no news. */
function stateOf({ text, resolved }: LoggedReply): string {
  const kind = kindOf(text);
  const parts = [
    kind,
    resolved?.mode,
    resolved?.exception?.domain,
    kind === "TEMP" ? text : undefined,
  ];
  return parts.filter((part) => part !== undefined).join(" ");
}

/** `OK secure`, `OK dane-only`, `NOTFOUND` or `TEMP`. */
function kindOf(text: string): string {
  const words = text.split(" ", 2);
  return words[0] === "OK" ? words.join(" ") : words[0]!;
}

function fieldsOf(reply: LoggedReply): Record<string, LogValue> {
  const { key, domain = key, zone, text, resolved } = reply;
  return {
    domain,
    nexthop: key === domain ? undefined : key,
    zone: zone.name,
    reply: kindOf(text),
    outcome: resolved?.outcome,
    reason: reasonOf(reply),
    lists: resolved?.answer?.kind === "secure" && resolved.answer.listsPatterns
      ? "patterns"
      : undefined,
    exception: resolved?.exception && formatException(resolved.exception),
  };
}

function reasonOf({ text, domain, resolved }: LoggedReply): string {
  const kind = kindOf(text);
  switch (kind) {
    case "TEMP":
      return text.slice("TEMP ".length);
    case "OK dane-only":
      return "DANE takes precedence over MTA-STS";
  }
  if (domain === undefined || resolved === undefined) return "not a domain that can have a policy";
  const { mode, outcome, exception } = resolved;
  if (exception?.policy === undefined && mode !== undefined) {
    return kind === "NOTFOUND" ? `mode ${mode}, nothing is enforced` : `mode ${mode}`;
  }
  return outcome === undefined ? "" : OUTCOME_TEXT[outcome];
}

function formatException(exception: DomainException): string {
  return `${exception.domain}: ${describeException(exception)}: ${exception.reason}`;
}
