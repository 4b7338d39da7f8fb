/**
 * Dates as they were written. YAML makes the same point in time of `2026-12-31` and `2026-12-31T00:00:00Z`, and
 * another day of `2026-02-30`; an exception that ends a day late is a day without protection.
 *
 * @module
 */

import { parse } from "@std/yaml";
import { isMapping } from "../base/mapping.ts";
import type { Document } from "./document.ts";

/**
 * Puts the text of each `until` below `domains` in the place of the date that YAML has made of it. Where the text
 * cannot be found the date stays, which its key then refuses.
 *
 * @param document As YAML gave it.
 * @param text The same document.
 */
export function writeOutDates(document: Document, text: string): Document {
  const { domains } = document;
  if (!isMapping(domains)) return document;
  const hasDate = Object.values(domains).some((entry) =>
    isMapping(entry) && entry.until instanceof Date
  );
  if (!hasDate) return document;
  const plain = parseWithoutDates(text);
  const written = Object.entries(domains).map(([name, entry]) => {
    if (!isMapping(entry) || !(entry.until instanceof Date)) return [name, entry];
    const until = findUntil(plain, ["domains", name]);
    return [name, { ...entry, until: until ?? entry.until }];
  });
  return { ...document, domains: Object.fromEntries(written) };
}

/** In this schema dates are text, and merge keys stay what they are. */
function parseWithoutDates(text: string): unknown {
  try {
    return parse(text, { schema: "core" });
  } catch {
    // The document has a tag that this schema does not know.
    return undefined;
  }
}

function findUntil(value: unknown, path: readonly string[]): string | undefined {
  const entry = path.reduce((inner, name) => isMapping(inner) ? inner[name] : undefined, value);
  if (!isMapping(entry)) return undefined;
  const merged = isMapping(entry["<<"]) ? entry["<<"].until : undefined;
  const until = entry.until ?? merged;
  return typeof until === "string" ? until : undefined;
}
