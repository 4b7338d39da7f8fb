import { assertEquals } from "@std/assert";
import { toULabels } from "../../src/sts/u_label.ts";

Deno.test("toULabels() shows names in their own script", () => {
  const names: Record<string, string | undefined> = {
    "xn--bcher-kva.example": "bücher.example",
    "mail.xn--bcher-kva.example": "mail.bücher.example",
    "xn--mgbh0fb.example": "مثال.example",
    "_x.xn--bcher-kva.example": "_x.bücher.example",
    "a.example": undefined,
    // Not punycode.
    "xn--zzzzzz.example": undefined,
    // Leads back to other A-labels: it decodes to ASCII.
    "xn--abc-.example": undefined,
    // A character outside letters, marks and digits: a heart.
    "xn--i-7iq.example": undefined,
    // Hangul filler (U+3164), which shows nothing.
    "xn--psd.example": undefined,
    // A right-to-left override (U+202E).
    "xn--a-wtn.example": undefined,
  };
  for (const [domain, shown] of Object.entries(names)) {
    assertEquals(toULabels(domain), shown, domain);
  }
});
