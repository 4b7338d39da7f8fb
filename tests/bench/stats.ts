/**
 * The few numbers that a series of rounds comes to.
 *
 * @module
 */

/** The middle of some numbers; the mean of the middle two where they are even. `NaN` of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = sorted.length / 2;
  return sorted.length % 2 === 1
    ? sorted[Math.floor(middle)]!
    : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** How far the rounds lie apart: the distance from lowest to highest as a share of the median. */
export function spread(values: readonly number[]): number {
  return (Math.max(...values) - Math.min(...values)) / median(values);
}

/**
 * The median of the ratios of each round. Whatever slows the machine for some seconds slows both
 * servers of a round, so this is steadier than the ratio of two medians.
 */
export function medianRatio(values: readonly number[], others: readonly number[]): number {
  return median(values.map((value, round) => value / others[round]!));
}
