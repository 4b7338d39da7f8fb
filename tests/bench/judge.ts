/**
 * The floors that the daemon is to hold, and whether it does.
 *
 * @module
 */

import type { Figures, Metric } from "./figures.ts";

/** What is compared with a bound. */
interface Claim {
  readonly work: string;
  readonly scenario: string;
  readonly metric: Metric;
  /** Against this server or scenario of the same server; without either the figure itself counts. */
  readonly over?: { readonly server: string } | { readonly scenario: string };
  /** The figure, or its ratio, is at least or at most this. */
  readonly least?: number;
  readonly most?: number;
  /** Only this form of the daemon is bound. */
  readonly form?: string;
}

const ECHO = { server: "Deno echo" };
const PYTHON = { server: "Python internal" };

function ratios(
  work: string,
  scenario: string,
  floors: { echo?: number; python?: number },
): Claim[] {
  const base = { work, scenario, metric: "rate" } as const;
  const claims: Claim[] = [];
  if (floors.echo !== undefined) claims.push({ ...base, over: ECHO, least: floors.echo });
  if (floors.python !== undefined) claims.push({ ...base, over: PYTHON, least: floors.python });
  return claims;
}

/** Connections over which known names are asked for. */
const KNOWN_STEPS = ["1 connection", "10 connections", "100 connections"];

const CLAIMS: readonly Claim[] = [
  {
    work: "first contact, one at a time, p50",
    scenario: "first contact, one at a time",
    metric: "p50",
    over: PYTHON,
    most: 1.2,
  },
  ...ratios("first contact, 50 at a time", "first contact, 50 at a time", { python: 2 }),
  ...KNOWN_STEPS.flatMap((step) => ratios(`cached answers, ${step}`, step, { echo: 0.95 })),
  ...KNOWN_STEPS.flatMap((step) =>
    ratios(`no record, ${step}`, `no record, asked before, ${step}`, { echo: 0.95 })
  ),
  {
    work: "known domains in a flood of 2,000 new names a second, p99 µs",
    scenario: "new names 2000",
    metric: "p99",
    most: 5000,
  },
  ...ratios("cached answers, 10 connections", "10 connections", { python: 2.5 }),
  ...ratios("cached answers, 100 connections", "100 connections", { python: 2.5 }),
  ...ratios("cached answers, 10 × 32 sent ahead", "10 connections × 32 ahead", {
    echo: 0.7,
    python: 15,
  }),
  {
    work: "1,000,000 domains, p99 against 1,000, zipf",
    scenario: "zipf 1000000",
    metric: "p99",
    over: { scenario: "zipf 1000" },
    most: 2,
  },
  {
    work: "1,000,000 domains, p99 against 1,000, uniform",
    scenario: "uniform 1000000",
    metric: "p99",
    over: { scenario: "uniform 1000" },
    most: 2,
  },
  { work: "1,000,000 domains, RSS MB", scenario: "uniform 1000000", metric: "rss", most: 128 },
  {
    work: "100,000 domains on disk, ms to the first answer",
    scenario: "start 100000",
    metric: "start",
    most: 150,
    form: "compiled",
  },
  { work: "idle, RSS MB", scenario: "idle", metric: "rss", most: 57, form: "compiled" },
  {
    work: "under load, RSS MB",
    scenario: "under load, 100 connections",
    metric: "rss",
    most: 90,
    form: "compiled",
  },
];

/** What became of one claim. */
export interface Judgement {
  readonly work: string;
  /** Form of the daemon. */
  readonly form: string;
  /** Such as `≥ 0.85 × Deno echo`. */
  readonly floor: string;
  readonly figure: number;
  /** Decimals of the figure that are worth reading. */
  readonly digits: number;
  readonly holds: boolean;
}

/** Judges what was measured; claims about what was not are left out. */
export function judge(figures: Figures, forms: readonly string[]): Judgement[] {
  return CLAIMS.flatMap((claim) =>
    forms.filter((form) => claim.form === undefined || claim.form === form)
      .map((form) => judgeClaim(figures, claim, form))
      .filter(({ figure }) => !Number.isNaN(figure))
  );
}

function judgeClaim(figures: Figures, claim: Claim, form: string): Judgement {
  const { work, over, least = -Infinity, most = Infinity } = claim;
  const figure = figureOf(figures, claim, form);
  const bound = least > -Infinity ? `≥ ${least}` : `≤ ${most}`;
  return {
    work,
    form,
    floor: over === undefined ? bound : `${bound} × ${Object.values(over)[0]}`,
    figure,
    digits: over === undefined ? 0 : 2,
    holds: figure >= least && figure <= most,
  };
}

function figureOf(figures: Figures, { scenario, metric, over }: Claim, server: string): number {
  const subject = { scenario, server };
  if (over === undefined) return figures.median(subject, metric);
  if ("server" in over) return figures.ratio(subject, metric, over.server);
  return figures.median(subject, metric) / figures.median({ ...over, server }, metric);
}
