/**
 * HTML by template: inserted values are escaped, unless a template made them.
 *
 * Invariant: inserted text cannot end the content or the quoted attribute that it stands in, and it cannot
 * hide, move or reorder what stands beside it.
 *
 * @module
 */

/** Text that is HTML already. */
export interface Html {
  readonly html: string;
}

/** What a template accepts; `undefined` prints nothing, and lists are joined. */
export type HtmlValue = string | number | undefined | Html | readonly Html[];

/** No HTML. */
export const NOTHING: Html = { html: "" };

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Control, format (bidi), surrogate, unassigned and separator characters, all but the space. */
const INVISIBLE = /(?! )[\p{C}\p{Z}]/gu;

/**
 * Builds HTML. An inserted attribute value must stand between quotes.
 *
 * @example
 * ```ts
 * html`<a href="/domain/${domain}">${domain}</a>`;
 * ```
 */
export function html(parts: TemplateStringsArray, ...values: HtmlValue[]): Html {
  let text = trimLines(parts[0]!);
  for (const [index, value] of values.entries()) {
    text += toHtml(value) + trimLines(parts[index + 1]!);
  }
  return { html: text };
}

/** Escapes text for content and quoted attributes; invisible characters become visible as `\u202e`. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll(/[&<>"']/g, (character) => ENTITIES[character]!)
    .replaceAll(INVISIBLE, (character) => {
      const code = character.codePointAt(0)!.toString(16).padStart(4, "0");
      return code.length > 4 ? `\\u{${code}}` : `\\u${code}`;
    });
}

/** Removes the indentation of the source. */
function trimLines(part: string): string {
  return part.includes("\n") ? part.replaceAll(/\n */g, "\n") : part;
}

function toHtml(value: HtmlValue): string {
  if (value === undefined) return "";
  if (typeof value === "number") return String(value);
  if (typeof value === "string") return escapeHtml(value);
  return "html" in value ? value.html : value.map((one) => one.html).join("");
}
