/**
 * The decision: which policy, if any, an answer rests on (RFC 8461 §3.1, §3.3, §5.1).
 *
 * | Row | Live policy held? | TXT record | HTTPS fetch | Answer rests on |
 * | --- | --- | --- | --- | --- |
 * | 1 | yes | checked lately | – | held policy |
 * | 2 | yes | same `id`, or about to be checked | – | held policy |
 * | 3 | yes | none, several, invalid, DNS failure | – | held policy |
 * | 4 | yes | new `id` (or refresh due) | ok | new policy, whatever its mode |
 * | 5 | yes | new `id` (or refresh due) | fails, or is held off | held policy |
 * | 6 | expired | any | – | as without: an expired policy is never used |
 * | 7 | no | found | ok | new policy |
 * | 8 | no | found | fails, or is held off | no policy (MUST deliver, §3.3) |
 * | 9 | no | none, several, invalid | – | no policy |
 * | 10 | no | DNS failure | – | the zone's `on_dns_failure` |
 * | 10 | unknown: the store cannot be read | as rows 8, 9, 11 | | as row 10, with that for its reason |
 * | 11 | no | deadline of the query reached | – | as row 10; the lookups go on |
 *
 * A policy counts as held if memory or store has it at that moment: the store is looked at again before
 * each answer of rows 8 to 11, and that it cannot be read is not "no" ({@link rowWithout}).
 *
 * Pure: the resolver carries out the steps and tells what came of them. Row 6 has no
 * code of its own, because an expired policy is never handed to this function.
 *
 * @module
 */

/** A row of the table above. */
export type Row = 1 | 2 | 3 | 4 | 5 | 7 | 8 | 9 | 10 | 11;

/** What is known of the TXT record at this moment. */
export type TxtKnowledge =
  /** Checked within the re-check interval. */
  | { readonly kind: "recent" }
  /** Not asked, or too long ago. */
  | { readonly kind: "unasked" }
  | { readonly kind: "found"; readonly id: string }
  /** No record, several, or an invalid one (§3.1: assume no policy). */
  | { readonly kind: "none" }
  /** The lookup failed: says nothing about the domain. */
  | { readonly kind: "failed" };

/** What is known of the fetch at this moment; `held-off`: it failed lately for the same id (§3.3). */
export type FetchKnowledge = "not-tried" | "held-off" | "fetched" | "failed";

/** All that the decision depends on. */
export interface Situation {
  /** The `id` of the live (valid and unexpired) policy held, if there is one. */
  readonly heldId: string | undefined;
  readonly txt: TxtKnowledge;
  readonly fetch: FetchKnowledge;
  /** The held policy is due for its regular fetch, whatever TXT says (§10.2). */
  readonly refreshDue: boolean;
  /** The query may not wait any longer. */
  readonly deadlineReached: boolean;
}

/** What to do next. */
export type Decision =
  | { readonly step: "lookup-txt" }
  | { readonly step: "fetch" }
  | {
    readonly step: "answer";
    readonly row: Row;
    /** `undecided`: the zone's `on_dns_failure` says what the query gets. */
    readonly use: "held" | "new" | "none" | "undecided";
    /** The TXT record is to be checked in the background. */
    readonly check: boolean;
  };

/**
 * Decides the next step of a query or of a check.
 *
 * @param situation What is known so far.
 * @returns A step to take, or the answer and the row of the table it comes from.
 */
export function decide(situation: Situation): Decision {
  return situation.heldId === undefined
    ? decideWithout(situation)
    : decideHolding(situation, situation.heldId);
}

function decideHolding(situation: Situation, heldId: string): Decision {
  const { txt, fetch, refreshDue } = situation;
  if (fetch === "fetched") return answer(4, "new");
  if (fetch === "failed" || fetch === "held-off") return answer(5, "held");
  switch (txt.kind) {
    case "recent":
      return answer(1, "held");
    case "unasked":
      return answer(2, "held", true);
    case "found":
      if (txt.id !== heldId || refreshDue) return { step: "fetch" };
      return answer(2, "held");
    case "none":
    case "failed":
      return refreshDue ? { step: "fetch" } : answer(3, "held");
  }
}

function decideWithout({ txt, fetch, deadlineReached }: Situation): Decision {
  if (fetch === "fetched") return answer(7, "new");
  if (fetch === "failed" || fetch === "held-off") return answer(8, "none");
  if (txt.kind === "none") return answer(9, "none");
  if (txt.kind === "failed") return answer(10, "undecided");
  if (deadlineReached) return answer(11, "undecided");
  return txt.kind === "found" ? { step: "fetch" } : { step: "lookup-txt" };
}

function answer(row: Row, use: "held" | "new" | "none" | "undecided", check = false): Decision {
  return { step: "answer", row, use, check };
}

/**
 * The row of an answer without a policy, after the last look at the store.
 *
 * @param row What DNS and the policy host say.
 * @param isReadable Whether the store could say that it has none.
 */
export function rowWithout(row: Row, isReadable: boolean): Row {
  return isReadable ? row : 10;
}
