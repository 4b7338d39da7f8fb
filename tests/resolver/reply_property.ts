/**
 * The property that nothing remote reaches a reply unvalidated: for any policy text and any TXT
 * record whatever, the reply is one of our forms, within Postfix's limits, and reads back by a model of
 * Postfix's grammar with validated names only.
 *
 * As a program: reply_property.ts [CASES [SEED]]; prints what it has seen.
 *
 * @module
 */

import { formatAnswer } from "../../src/postfix/tls_policy.ts";
import { encodeNetstring } from "../../src/postfix/netstring.ts";
import { enforcedAnswer } from "../../src/resolver/answer.ts";
import { holdPolicy } from "../../src/resolver/held_policy.ts";
import type { MxResult } from "../../src/resolver/types.ts";
import { isHostname } from "../../src/base/host.ts";
import { parseMxPattern } from "../../src/sts/mx_pattern.ts";
import { PolicySyntaxError } from "../../src/sts/policy.ts";
import { selectTxtRecord } from "../../src/sts/txt_record.ts";
import { parsePolicyReply } from "../fakes/postfix_grammar.ts";
import { createRandom } from "../fakes/random.ts";
import type { Random } from "../fakes/random.ts";
import { ZONE } from "../fakes/world.ts";

/** Lines that a policy may have, from honest to hostile. */
const LINES = [
  "version: STSv1",
  "mode: enforce",
  "mode: testing",
  "mode: none",
  "max_age: 86400",
  "max_age: 0",
  "mx: mx.example.com",
  "mx: *.example.com",
  "mx: MX2.Example.COM.",
  "mx: xn--mx-lka.example",
  "mx: mx.example.com ciphers=low protocols=SSLv3",
  "mx: a.example:b.example",
  "mx: }{ policy_type = no-policy-found",
  "mx: *",
  "mx: 192.0.2.1",
  "mx: a\tb",
  "x-note: { policy_failure = validation-failure }",
  "x-note: }} secure match=evil.example",
  "x-note: \u202eevil\u2066",
  "x-note: caf\u00e9",
  "x-note: " + "{".repeat(50),
  "comment: match=.evil.example servername=nexthop",
];
const ENDS = ["\n", "\r\n", "\r", "\n\n", "\0", "", " \n", "\u2028"];
const TXT = ["v=STSv1; id=1;", "v=STSv1;id=a; x=y", "v=STSv1 ; id=20160831085700Z", "v=spf1 -all"];
const HOSTS = ["mx.example.com", "mx2.example.com", "evil.example", "xn--mx-lka.example"];

/** Bounds of zones; most have none, so that the longest replies are seen as well. */
const MATCH_LIMITS = [undefined, undefined, undefined, 16, 40, 240];

/** What the cases came to. */
export interface Seen {
  policies: number;
  invalid: number;
  records: number;
  secure: number;
  daneOnly: number;
  deferred: number;
  longest: number;
}

/**
 * Runs cases until one breaks the property.
 *
 * @throws {Error} With the case that breaks it.
 */
export function checkReplies(cases: number, seed: number): Seen {
  const random = createRandom(seed);
  const seen: Seen = {
    policies: 0,
    invalid: 0,
    records: 0,
    secure: 0,
    daneOnly: 0,
    deferred: 0,
    longest: 0,
  };
  for (let index = 0; index < cases; index++) {
    const text = randomPolicy(random);
    const record = random.int(3) === 0 ? random.pick(TXT) : random.mutate(random.pick(TXT));
    try {
      checkCase(random, { text, record, seen });
    } catch (error) {
      throw new Error(`Case ${index} of seed ${seed}: ${JSON.stringify({ text, record })}`, {
        cause: error,
      });
    }
  }
  return seen;
}

function randomPolicy(random: Random): string {
  // Most begin as a valid policy; what is added and changed then may break it.
  const lines = random.int(4) === 0 ? [] : ["version: STSv1", "mode: enforce", "max_age: 86400"];
  for (let count = random.int(12); count > 0; count--) lines.push(random.pick(LINES));
  // Now and then as many hosts as fit, whose reply would exceed what Postfix takes.
  const hosts = random.int(500) === 0 ? random.int(3000) : 0;
  for (let count = 0; count < hosts; count++) lines.push(`mx: mx${count}.example.com`);
  const text = lines.map((line) => line + (random.int(8) === 0 ? random.pick(ENDS) : "\n")).join(
    "",
  );
  return random.int(2) === 0 ? text : random.mutate(text);
}

function randomMx(random: Random): MxResult {
  if (random.int(10) === 0) return { kind: "failed", reason: "servfail", detail: "" };
  const hosts = random.int(4) === 0
    ? undefined
    : Array.from({ length: random.int(5) }, () => random.pick(HOSTS));
  const dane = random.pick(
    ["usable", "usable", "absent", "unknown-port", "insecure", "unchecked"] as const,
  );
  const skipped = hosts?.filter(() => random.int(4) === 0) ?? [];
  return {
    kind: "known",
    view: {
      nextHop: "example.com",
      dane,
      hosts,
      daneHosts: [],
      skipped,
      validated: true,
      checkedAt: 0,
      freshUntil: 0,
    },
  };
}

function checkCase(
  random: Random,
  { text, record, seen }: { text: string; record: string; seen: Seen },
): void {
  const selection = selectTxtRecord([record]);
  const id = selection.kind === "found" ? selection.id : "0";
  expect(/^[A-Za-z0-9]{1,32}$/.test(id), `id '${id}'`);
  if (selection.kind === "found") seen.records++;
  const held = holdPolicy({ domain: "example.com", id, text, fetchedAt: 0 });
  if (held instanceof PolicySyntaxError) {
    expect(!/[^ -~]/.test(held.message), `message ${JSON.stringify(held.message)}`);
    seen.invalid++;
    return;
  }
  seen.policies++;
  if (held.policy.mode === "none") return;
  const zone = {
    ...ZONE,
    tlsrpt: random.int(2) === 0,
    requireSni: random.int(2) === 0,
    dane: random.pick(["auto", "off", "require"] as const),
    matchLimit: MATCH_LIMITS[text.length % MATCH_LIMITS.length],
  };
  const nextHop = { domain: "example.com", bracketed: false, port: 25 };
  const facts = { mx: randomMx(random), validates: random.pick([true, true, false, undefined]) };
  const answer = enforcedAnswer({ held, zone, nextHop }, facts);
  const payload = formatAnswer(answer, zone);
  seen.longest = Math.max(seen.longest, encodeNetstring(payload).length);
  checkReply(payload, seen);
  const [, list = ""] = /^OK secure match=([^ ]+)/.exec(payload) ?? [];
  // Postfix with TLSRPT attributes is to find out itself that no MX host matches.
  const isBounded = list.length <= (zone.matchLimit ?? Infinity) || list.endsWith(".invalid");
  expect(isBounded, `match of ${list.length} octets`);
}

function checkReply(payload: string, seen: Seen): void {
  const reply = parsePolicyReply(payload);
  if (reply.kind === "temp") {
    seen.deferred++;
    return;
  }
  expect(reply.kind === "policy", "neither a policy nor a deferral");
  if (reply.kind !== "policy") return;
  if (reply.level === "dane-only") {
    seen.daneOnly++;
    expect(payload === "OK dane-only", payload);
    return;
  }
  seen.secure++;
  expect(reply.level === "secure", `level ${reply.level}`);
  expect(reply.match.length > 0, "empty match");
  for (const name of reply.match) {
    expect(isHostname(name.startsWith(".") ? name.slice(1) : name), `match '${name}'`);
  }
  for (const pattern of reply.mxHostPatterns) {
    expect(parseMxPattern(pattern) === pattern, `pattern '${pattern}'`);
  }
  expect([undefined, "hostname"].includes(reply.servername), `servername ${reply.servername}`);
  expect([undefined, "sts"].includes(reply.policyType), `policy_type ${reply.policyType}`);
}

function expect(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}

if (import.meta.main) {
  const [cases = "20000", seed = "1"] = Deno.args;
  const seen = checkReplies(parseInt(cases, 10), parseInt(seed, 10));
  console.log(`${cases} cases of seed ${seed}, no counterexample`);
  console.table(seen);
}
