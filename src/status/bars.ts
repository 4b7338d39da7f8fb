/**
 * The geometry of charts: stacked bars, one path of SVG for each series.
 *
 * The picture contains only bars, so that it can be stretched to any width. Words and numbers stand around it in HTML.
 *
 * @module
 */

/** Height of the picture and width of a slot, in its own units. */
const HEIGHT = 100;
const SLOT = 10;
const GAP = 2;

/** The least height of a bar: one in a thousand must be visible. */
const LEAST = 3;

/** What {@link stackBars} draws. */
export interface Bars {
  /** The `viewBox` of the picture. */
  readonly box: string;
  /** The `d` of a path for each series. */
  readonly paths: readonly string[];
}

/**
 * Draws the bars of each series, each on top of those of the series before it.
 *
 * @param slots For each slot, from left to right, the count of each series, from the foot of the bar to its top. All
 *   have the same length; counts are not negative.
 */
export function stackBars(slots: readonly (readonly number[])[]): Bars {
  const peak = Math.max(0, ...slots.map((counts) => counts.reduce((sum, count) => sum + count, 0)));
  const series = slots[0]?.length ?? 0;
  const paths = Array.from({ length: series }, (_, which) => pathOf(which, { slots, peak }));
  return { box: `0 0 ${slots.length * SLOT} ${HEIGHT}`, paths };
}

function pathOf(
  which: number,
  { slots, peak }: { slots: readonly (readonly number[])[]; peak: number },
): string {
  let path = "";
  for (const [index, counts] of slots.entries()) {
    const height = (count: number) => heightOf(count, { peak, series: counts.length });
    const own = height(counts[which]!);
    if (own === 0) continue;
    const foot = counts.slice(0, which).reduce((sum, below) => sum + height(below), 0);
    const top = Math.max(0, HEIGHT - foot - own);
    path += `M${index * SLOT + GAP / 2} ${round(top)}h${SLOT - GAP}v${round(own)}h${GAP - SLOT}z`;
  }
  return path;
}

function heightOf(count: number, { peak, series }: { peak: number; series: number }): number {
  return count === 0 ? 0 : Math.max(LEAST, count / peak * (HEIGHT - series * LEAST));
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
