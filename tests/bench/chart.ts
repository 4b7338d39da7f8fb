/**
 * Charts for a document, as SVG files that stand by themselves.
 *
 * @module
 */

import { formatNumber } from "./tables.ts";

/** Colours that differ in lightness, too. */
const COLOURS = ["#0b5cad", "#57a0e5", "#8a8a8a", "#c9c9c9", "#b3541e", "#e7a977"];

const WIDTH = 860;
const ROW = 20;
const STYLE = `<style>
text{font:12px system-ui,sans-serif;fill:#222}
.head{font-weight:600}
.small{font-size:11px;fill:#555}
.grid{stroke:#ddd}
</style>`;

/** One bar. */
export interface Bar {
  readonly label: string;
  readonly value: number;
  /** What stands behind the bar. */
  readonly text: string;
}

/** Bars under one heading. */
export interface BarGroup {
  readonly heading: string;
  readonly bars: readonly Bar[];
}

/** Where bars begin and how long the longest is. */
const BAR_LEFT = 150;
const BAR_LENGTH = 520;

/** Draws groups of horizontal bars on one scale. */
export function drawBars(title: string, groups: readonly BarGroup[]): string {
  const most = Math.max(...groups.flatMap(({ bars }) => bars.map(({ value }) => value)));
  const names = [...new Set(groups.flatMap(({ bars }) => bars.map(({ label }) => label)))];
  const parts: string[] = [];
  let y = 24;
  for (const { heading, bars } of groups) {
    y += ROW;
    parts.push(`<text class="head" x="10" y="${y}">${escape(heading)}</text>`);
    for (const { label, value, text } of bars) {
      y += ROW;
      const length = round(Math.max(1, value / most * BAR_LENGTH));
      const colour = colourOf(names.indexOf(label));
      parts.push(
        `<text x="${BAR_LEFT - 8}" y="${y}" text-anchor="end">${escape(label)}</text>`,
        `<rect x="${BAR_LEFT}" y="${y - 12}" width="${length}" height="14" fill="${colour}"/>`,
        `<text class="small" x="${BAR_LEFT + length + 6}" y="${y}">${escape(text)}</text>`,
      );
    }
    y += 6;
  }
  return frame(title, y + 14, parts);
}

/** A line of a panel: a value for each step. */
export interface Line {
  readonly label: string;
  readonly values: readonly number[];
}

/** One diagram. */
export interface Panel {
  readonly heading: string;
  /** What the steps count. */
  readonly axis: string;
  readonly steps: readonly number[];
  readonly lines: readonly Line[];
}

const PANEL = { width: 420, height: 250, left: 60, right: 30, top: 56, bottom: 40 };
const GRID_LINES = 4;

/** Lines have colours that lie far apart. */
const LINE_COLOUR_STEP = 4;

/** Draws diagrams, two in a row, steps side by side at equal distances. */
export function drawPanels(title: string, panels: readonly Panel[]): string {
  const parts = panels.map((panel, index) => {
    const x = 10 + (index % 2) * PANEL.width;
    const y = 30 + Math.floor(index / 2) * PANEL.height;
    return `<g transform="translate(${x} ${y})">${drawPanel(panel).join("\n")}</g>`;
  });
  return frame(title, 40 + Math.ceil(panels.length / 2) * PANEL.height, parts);
}

function drawPanel({ heading, axis, steps, lines }: Panel): string[] {
  const { width, height, left, right, top, bottom } = PANEL;
  const values = lines.flatMap((line) => line.values).filter((value) => !Number.isNaN(value));
  const most = niceAbove(Math.max(...values));
  const xOf = (step: number) => round(left + step / (steps.length - 1) * (width - left - right));
  const yOf = (value: number) => round(height - bottom - value / most * (height - top - bottom));
  const parts = [`<text class="head" x="10" y="16">${escape(heading)}</text>`];
  for (let line = 0; line <= GRID_LINES; line++) {
    const value = most * line / GRID_LINES;
    const y = yOf(value);
    parts.push(
      `<line class="grid" x1="${left}" y1="${y}" x2="${width - right}" y2="${y}"/>`,
      `<text class="small" x="${left - 6}" y="${y + 4}" text-anchor="end">${
        formatNumber(value, most < GRID_LINES ? 1 : 0)
      }</text>`,
    );
  }
  for (const [index, step] of steps.entries()) {
    const y = height - bottom + 16;
    parts.push(
      `<text class="small" x="${xOf(index)}" y="${y}" text-anchor="middle">${shorten(step)}</text>`,
    );
  }
  parts.push(
    `<text class="small" x="${width - right}" y="${height - 8}" text-anchor="end">${
      escape(axis)
    }</text>`,
  );
  let legendX = 10;
  for (const [index, { label, values }] of lines.entries()) {
    const colour = colourOf(index * LINE_COLOUR_STEP);
    const points = values.map((value, step) => ({ x: xOf(step), value }))
      .filter(({ value }) => !Number.isNaN(value));
    const path = points.map(({ x, value }) => `${x},${yOf(value)}`).join(" ");
    parts.push(`<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`);
    for (const { x, value } of points) {
      parts.push(`<circle cx="${x}" cy="${yOf(value)}" r="3" fill="${colour}"/>`);
    }
    parts.push(
      `<rect x="${legendX}" y="26" width="12" height="12" fill="${colour}"/>`,
      `<text class="small" x="${legendX + 16}" y="36">${escape(label)}</text>`,
    );
    legendX += 30 + label.length * 7;
  }
  return parts;
}

function frame(title: string, height: number, parts: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${
      escape(title)
    }">`,
    STYLE,
    `<rect width="100%" height="100%" fill="#fff"/>`,
    `<text class="head" x="10" y="22">${escape(title)}</text>`,
    ...parts,
    "</svg>\n",
  ].join("\n");
}

/** The least of 1, 2, 4, 8, 10 times a power of ten that is not below. */
function niceAbove(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1e-9)));
  return [1, 2, 4, 8, 10].map((factor) => factor * power).find((nice) => nice >= value)!;
}

function shorten(step: number): string {
  if (step >= 1_000_000) return `${step / 1_000_000} M`;
  return step >= 1000 ? `${step / 1000} k` : String(step);
}

function colourOf(index: number): string {
  return COLOURS[index % COLOURS.length]!;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
