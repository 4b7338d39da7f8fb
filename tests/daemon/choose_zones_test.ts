import { assertEquals, assertStrictEquals, assertStringIncludes } from "@std/assert";
import { createLog } from "../../src/base/log.ts";
import { createWarnings } from "../../src/base/warnings.ts";
import { zoneFor } from "../../src/config/zones.ts";
import { chooseZones } from "../../src/daemon/choose_zones.ts";
import { loadText } from "../config/load_text.ts";
import { ManualClock } from "../fakes/manual_clock.ts";
import { DAY } from "../fakes/world.ts";

/** The choice of a configuration, with the lines that it logs. */
function choose(text: string) {
  const lines: string[] = [];
  const clock = new ManualClock();
  const log = createLog({ level: "info", format: "text", write: (line) => lines.push(line) });
  const { config } = loadText(text);
  return { choice: chooseZones(config, createWarnings({ log, clock })), config, lines, clock };
}

Deno.test("chooseZones() warns once if Sendmail asks a zone that is not safe for it", async () => {
  const { choice, config, lines, clock } = choose(
    "zones: {sts: {dane: auto, tlsrpt: yes, require_sni: no, match_limit: 800}}",
  );
  for (const name of ["postfix", "QUERY", "QUERYwithTLSRPT"]) {
    assertStrictEquals(choice(name), zoneFor(config, name));
  }
  assertEquals(lines, []);
  assertStrictEquals(choice("sts"), config.zones.get("sts"));
  assertStringIncludes(
    lines.join(""),
    'WARN  zone unsafe for Sendmail zone=sts settings="dane: auto, tlsrpt: true, require_sni: false, match_limit: 800"',
  );
  await clock.advance(DAY);
  choice("sts");
  assertEquals(lines.length, 1);
});

Deno.test("chooseZones() has nothing to say about the zone that is built in", () => {
  const { choice, lines } = choose("default_zone: {dane: require, tlsrpt: yes}");
  assertEquals(choice("sts").dane, "off");
  assertEquals(lines, []);
});
