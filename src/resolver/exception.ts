/**
 * One exception from what domains publish, by the operator's own configuration. `exceptions.ts` says what it does.
 *
 * @module
 */

/** One exception of the configuration. */
export interface DomainException {
  /** Lower-case A-labels; `*.` before it stands for all names below, at any depth, and not for the domain itself. */
  readonly domain: string;
  /** What counts in the place of the published policy; `undefined` if that counts. */
  readonly policy: "ignore" | "enforce" | undefined;
  /** The patterns of `policy: enforce`, one or more, as `parseMxPattern` returns them; else empty. */
  readonly mx: readonly string[];
  /** `off`: DANE does not take precedence. */
  readonly dane: "off" | undefined;
  /** The first moment at which it no longer counts, ms. */
  readonly until: number;
  /** Why it is there: one line of the operator. */
  readonly reason: string;
}
