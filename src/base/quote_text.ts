/**
 * Remote text made fit to print: in quotes, cut, and in printable ASCII alone.
 *
 * @module
 */

/**
 * Quotes text that someone else wrote, as a JSON string.
 *
 * Everything outside printable ASCII is escaped, so that no control character, line end,
 * bidirectional override or look-alike letter reaches a terminal or a log.
 *
 * @param maxLength UTF-16 units kept; `...` behind the quotes says that there was more.
 */
export function quoteText(text: string, maxLength: number): string {
  const quoted = JSON.stringify(text.slice(0, maxLength)).replaceAll(
    /[^ -~]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return text.length > maxLength ? `${quoted}...` : quoted;
}
