/**
 * HTML from templates in which nothing can be forgotten to be escaped.
 *
 * @module
 */

/** Text that is HTML already. Made by {@link markup}, or from constant text. */
export interface Html {
  readonly html: string;
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/**
 * The tag of a template: strings put into it are escaped, lists are joined.
 *
 * Names in certificates are others' words, so control and formatting characters become U+FFFD.
 */
export function markup(
  parts: TemplateStringsArray,
  ...values: readonly (string | number | Html | readonly Html[])[]
): Html {
  const texts = values.map((value, index) => render(value) + (parts[index + 1] ?? ""));
  return { html: (parts[0] ?? "") + texts.join("") };
}

function render(value: string | number | Html | readonly Html[]): string {
  if (typeof value === "number") return String(value);
  if (typeof value !== "string") {
    return "html" in value ? value.html : value.map(({ html }) => html).join("");
  }
  return value.replaceAll(/\p{C}/gu, "\ufffd")
    .replaceAll(/[&<>"']/g, (char) => ENTITIES[char] ?? "");
}
