/**
 * Remote text made fit to print: bounded, on one line, and without characters that move or hide text.
 *
 * {@link quoteText} is for sentences: always in quotes, printable ASCII alone. {@link quoteRemote} is for fields
 * and tables: bare if the text is harmless, and with the letters of all scripts.
 *
 * @module
 */

/** Characters of one field value that are written; enough for a stack trace, little for a flood. */
export const MAX_VALUE_CHARS = 1000;

/** Only text of these characters is written without quotes. */
const BARE = /^[A-Za-z0-9._:/@+-]+$/;

/** Control, format (bidi), surrogate, unassigned and separator characters, except the space. */
const INVISIBLE = /(?! )[\p{C}\p{Z}]/gu;

/**
 * Quotes text that someone else wrote, as a JSON string of printable ASCII: no control character, line end,
 * bidirectional override or look-alike letter reaches a terminal or a log.
 *
 * @param maxLength UTF-16 units kept; `...` after the quotes says that there was more.
 */
export function quoteText(text: string, maxLength: number): string {
  const quoted = escapeMatches(JSON.stringify(text.slice(0, maxLength)), /[^ -~]/g);
  return text.length > maxLength ? `${quoted}...` : quoted;
}

/**
 * Writes text that someone else wrote as it is if it consists of harmless characters, else as a JSON string in
 * which everything invisible is escaped.
 *
 * @param text Any text, lone surrogates included.
 * @param max UTF-16 units kept; `…` stands for the rest.
 */
export function quoteRemote(text: string, max: number = MAX_VALUE_CHARS): string {
  const kept = cutText(text, max);
  return BARE.test(kept) ? kept : escapeInvisible(JSON.stringify(kept));
}

/** Keeps `max` UTF-16 units of a text; `…` stands for the rest. */
export function cutText(text: string, max: number): string {
  return text.length <= max ? text : text.slice(0, max) + "…";
}

/** Escapes what is invisible in JSON text. Only its strings can hold such characters, so it stays JSON. */
export function escapeInvisible(json: string): string {
  return escapeMatches(json, INVISIBLE);
}

/** Writes each UTF-16 unit that `pattern` (with the flag `g`) matches as an escape of JSON, such as `\u202e`. */
export function escapeMatches(json: string, pattern: RegExp): string {
  return json.replaceAll(pattern, (match) => {
    let escaped = "";
    for (let at = 0; at < match.length; at++) {
      escaped += "\\u" + match.charCodeAt(at).toString(16).padStart(4, "0");
    }
    return escaped;
  });
}
