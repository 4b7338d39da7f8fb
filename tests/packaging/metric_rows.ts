/**
 * The metrics of a daemon as the rows of the table in its document.
 *
 * @module
 */

/** @param metrics What the daemon serves at `/metrics`. @returns Sorted rows of Markdown, with single spaces. */
export function metricRows(metrics: string): string[] {
  return metrics.split("# HELP ").slice(1).map((block) => {
    const [head = "", type = "", ...samples] = block.split("\n");
    const [name = ""] = head.split(" ");
    const labels = new Set<string>();
    for (const sample of samples) {
      for (const [, label] of sample.matchAll(/[{,]([a-z_]+)="/g)) labels.add(label!);
    }
    const list = [...labels].sort().map((label) => `\`${label}\``).join(", ");
    const help = head.slice(name.length + 1);
    return `| \`${name}\` | ${type.split(" ").at(-1)} | ${list} | ${help} |`.replaceAll(/ +/g, " ");
  }).sort();
}
