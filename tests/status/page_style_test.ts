import { assert, assertEquals } from "@std/assert";
import { STYLE } from "../../src/status/page_style.ts";

/** The colours of a theme by name: of the first or, for the dark one, the second `:root` block. */
function coloursOf(theme: "light" | "dark"): Record<string, string> {
  const blocks = [...STYLE.matchAll(/:root \{([^}]*)\}/g)].map(([, block]) => block!);
  const block = blocks[theme === "light" ? 0 : 1]!;
  return Object.fromEntries(
    [...block.matchAll(/--([a-z]+): (#[0-9a-f]{6});/g)].map(([, name, value]) => [name, value]),
  );
}

/** Relative luminance (WCAG 2.2). */
function luminance(colour: string): number {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const value = parseInt(colour.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
}

function contrast(one: string, other: string): number {
  const [darker, lighter] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (lighter! + 0.05) / (darker! + 0.05);
}

for (const theme of ["light", "dark"] as const) {
  Deno.test(`the ${theme} colours can be read (WCAG 2.2, 1.4.3 and 1.4.11)`, () => {
    const colours = coloursOf(theme);
    assertEquals(Object.keys(colours).length, 13);
    for (const ground of ["paper", "card"]) {
      const ratio = (name: string) => contrast(colours[name]!, colours[ground]!);
      for (const text of ["ink", "soft", "link", "good", "warn", "bad", "secure"]) {
        assert(ratio(text) >= 4.5, `${text} on ${ground}: ${ratio(text)}`);
      }
      for (const shape of ["dane", "nothing", "temp"]) {
        assert(ratio(shape) >= 3, `${shape} on ${ground}: ${ratio(shape)}`);
      }
    }
  });
}
