/**
 * The changelog of the Debian package, from `CHANGELOG.md`.
 *
 * @module
 */

import { wrap } from "../src/config/show.ts";

/** Width of a line after the bullet: the whole line stays below 80 characters. */
const WIDTH = 74;

/** What is not in `CHANGELOG.md`. */
export interface ChangelogOptions {
  /** Version of the package, for the newest entry. */
  readonly version: string;
  /** When the source last changed, for a version that is not released. */
  readonly date: Date;
  /** `Name <address>`. */
  readonly maintainer: string;
}

/**
 * Turns `## VERSION (DATE)` with a list below into entries as deb-changelog(5) wants them.
 *
 * @param markdown The text of `CHANGELOG.md`.
 */
export function formatDebianChangelog(markdown: string, options: ChangelogOptions): string {
  const { version, date, maintainer } = options;
  const [, ...sections] = markdown.split(/^## /m);
  return sections.map((section, index) => {
    const [heading = "", ...lines] = section.split("\n");
    const [, name = "", day] = /^(\S+)(?: \((\d{4}-\d\d-\d\d)\))?/.exec(heading) ?? [];
    const items = lines.join("\n").split(/^- /m).slice(1);
    const changes = items.map((item) => {
      const words = item.replaceAll("`", "").split(/\s+/).filter((word) => word !== "");
      return `  * ${wrap(words.join(" "), WIDTH).join("\n    ")}`;
    });
    const released = day === undefined ? date : new Date(day);
    const title = `mta-sts-resolver (${index === 0 ? version : name}) unstable; urgency=medium`;
    const trailer = ` -- ${maintainer}  ${released.toUTCString().replace("GMT", "+0000")}`;
    return `${title}\n\n${changes.join("\n")}\n\n${trailer}\n`;
  }).join("\n");
}
