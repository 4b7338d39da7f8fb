/** Every dialect of `tests/vectors/tlsrpt_received.json`, in a signed mail, through admission into the store. */

import { assert, assertEquals } from "@std/assert";
import { gzipSync } from "node:zlib";
import vectors from "../vectors/tlsrpt_received.json" with { type: "json" };
import { composeMessage, type Message } from "../../src/mail/compose.ts";
import { createAdmission } from "../../src/receive/admission.ts";
import type { ReceivedStore } from "../../src/receive/types.ts";
import { keyLookup, mailArrival, NOW, reportWith } from "./report_mails.ts";
import { ALWAYS, withStore } from "./support.ts";

type Vector = (typeof vectors)[number];

/** The mail of a sender that writes like this. */
function mailOf({ text, domain = "a.test" }: { text: string; domain?: string }) {
  const before = ({ headers }: Message) =>
    composeMessage({
      headers: headers.filter(([name]) => !/^(?:mime|content|tls-report-domain)/i.test(name))
        .concat([["TLS-Report-Domain", domain]]),
      reportType: "tlsrpt",
      boundary: "=_b",
      text: "A report.\n",
      file: { type: "application/tlsrpt+gzip", name: "r.json.gz", content: gzipSync(text) },
    });
  return mailArrival(reportWith(), { before });
}

/** The word of the refusal, or what became of it in the store. */
async function receive(store: ReceivedStore, vector: Vector): Promise<string> {
  const { lookupKey } = await keyLookup();
  const admit = createAdmission({
    rules: () => ({ domains: ["a.test"], unsigned: "mark", keepDays: 400 }),
    lookupKey,
    arrivals: () => undefined,
    now: () => NOW,
  });
  const { text, domain } = vector as { text: string; domain?: string };
  const admission = await admit(await mailOf(domain === undefined ? { text } : { text, domain }));
  if (admission.kind === "admitted") return store.add(admission.report);
  return admission.kind === "refused" ? admission.refusal : admission.kind;
}

/** Sums by policy and by result, in a fixed order: `sts 10 2`, `certificate-expired mx.a.test 2`. */
function expectedOf({ expected }: Vector): string[] {
  return (expected?.policies ?? []).flatMap((text) => {
    const [, type, ok, failed, details = ""] =
      /^(\S+) \S+ ([0-9]+) ([0-9]+)(?:: (.*))?$/.exec(text) ?? [];
    const sums = `${type} ${Math.min(parseInt(ok!, 10), 1e9)} ${failed}`;
    return [sums, ...details.split(", ").filter((detail) => detail !== "")];
  }).toSorted();
}

function countsOf(store: ReceivedStore): string[] {
  return [
    ...store.outcomes(ALWAYS).map((row) => `${row.policy} ${row.successful} ${row.failed}`),
    ...store.problems(ALWAYS).map(({ result, mx, count }) =>
      [result, mx, count].filter((part) => part !== "").join(" ")
    ),
  ].toSorted();
}

Deno.test("every dialect counts rightly, or is refused for its reason", async () => {
  let right = 0;
  const refused: Record<string, string> = {};
  for (const vector of vectors) {
    await withStore(async ({ store }) => {
      const result = await receive(store, vector);
      if (result !== "kept") {
        refused[vector.name] = result;
        assertEquals(countsOf(store), []);
        return;
      }
      assertEquals(countsOf(store), expectedOf(vector), vector.name);
      const [report] = store.reports("a.test", 1);
      assertEquals(
        vector.deviations?.filter((code) => !report!.deviations.includes(code)),
        [],
        vector.name,
      );
      right++;
    });
  }
  assertEquals(refused, {
    "policies is empty": "foreign",
    "a time that is none": "unidentified",
    "no organization, no report-id": "unidentified",
    "nothing but policies": "unidentified",
    "nothing": "unreadable",
    "a word": "unreadable",
    "cut off": "unreadable",
    "a mistake inside": "unreadable",
    "an array": "unreadable",
    "another object": "unreadable",
    "33 levels": "unreadable",
    "a DMARC report": "unreadable",
  });
  assert(right === vectors.length - 12);
});

Deno.test("the dialects of range count for one day each", async () => {
  const days: Record<string, string> = {};
  for (const vector of vectors.filter(({ quirk }) => quirk === "Q4" || quirk === "Q5")) {
    await withStore(async ({ store }) => {
      assertEquals(await receive(store, vector), "kept");
      days[vector.name] = store.outcomes(ALWAYS).map(({ day }) => day).join(" ");
    });
  }
  assertEquals(days, {
    "the end is the next midnight": "2026-11-27",
    "24 hours from anywhere": "2026-11-27",
    "a week": "2026-11-21",
  });
});

Deno.test("two dialects of one report count once", () =>
  withStore(async ({ store }) => {
    const named = (name: string) => vectors.find((vector) => vector.name === name)!;
    const names = [
      "as the RFC wants it",
      "mx-host is a string",
      "times without zone",
      "types in capitals",
    ];
    const kept: string[] = [];
    for (const name of names) kept.push(await receive(store, named(name)));
    assertEquals(kept, ["kept", "duplicate", "duplicate", "duplicate"]);
  }));
