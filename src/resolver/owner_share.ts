/**
 * Limits what the domains of one owner may hold at once. The owner of one domain can have any number of names below
 * it, each of them as slow as the owner likes.
 *
 * @module
 */

/** Work of one owner that may wait. More is refused, so that the owner's names do not fill the memory. */
const MAX_WAITING = 1000;

/** The second-level names under which a registry of a country registers, such as `co.uk`, are short. */
const REGISTRY_LABEL_MAX_LENGTH = 3;

/** The share of an owner. */
export interface OwnerShare {
  /**
   * Lets work in, now or when other work of its owner has left.
   *
   * @returns `false` if too much work of this owner waits.
   */
  enter(owner: string, proceed: () => void): boolean;
  /** Notes that work which was let in has ended. */
  leave(owner: string): void;
  /** Work that waits to be let in. */
  waiting(): number;
}

/** Creates the shares. @param most Work of one owner let in at once. */
export function createOwnerShare(most: number): OwnerShare {
  const owners = new Map<string, { inside: number; queue: (() => void)[] }>();
  let waiting = 0;
  return {
    enter(owner: string, proceed: () => void): boolean {
      const state = owners.get(owner) ?? { inside: 0, queue: [] };
      owners.set(owner, state);
      if (state.inside < most) {
        state.inside++;
        proceed();
        return true;
      }
      if (state.queue.length >= MAX_WAITING) return false;
      state.queue.push(proceed);
      waiting++;
      return true;
    },
    leave(owner: string): void {
      const state = owners.get(owner);
      if (state === undefined) return;
      const proceed = state.queue.shift();
      if (proceed !== undefined) {
        waiting--;
        proceed();
      } else if (--state.inside === 0) owners.delete(owner);
    },
    waiting: () => waiting,
  };
}

/**
 * The domain that an owner has probably registered: two labels, or three where the second is as short as in
 * `example.co.uk`. This is a guess. Where it is wrong, strangers share one share, and only notice that in a flood.
 */
export function ownerOf(domain: string): string {
  const labels = domain.split(".");
  const [second = "", top = ""] = labels.slice(-2);
  const isRegistry = top.length === 2 && second.length <= REGISTRY_LABEL_MAX_LENGTH;
  return labels.slice(isRegistry ? -3 : -2).join(".");
}
