/**
 * Rows put into groups and into an order.
 *
 * @module
 */

import type { OutcomeRow } from "./types.ts";

/** Groups in the order of their first members. */
export function groupBy<Item, Key>(
  items: readonly Item[],
  keyOf: (item: Item) => Key,
): [Key, Item[]][] {
  const groups = new Map<Key, Item[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return [...groups];
}

/** Tells senders apart; an unsigned report may not come from the one that it names. */
export function senderKey(
  { submitter, authentication }: Pick<OutcomeRow, "submitter" | "authentication">,
): string {
  return `${authentication} ${submitter}`;
}

/** By UTF-16 units, the same in every locale. */
export function compareTexts(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
