/**
 * The readers of what the hosts of a fleet write: entries and messages, which anybody who can write to the engine can
 * send. The input is the text behind the signature, and is read unsigned, and signed as a host of the fleet would.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { type Fact, openEntry, sealFact } from "../../src/fleet/entry.ts";
import { unwrap } from "../../src/fleet/envelope.ts";
import { createMac } from "../../src/fleet/mac.ts";
import { readMessage, sealMessage } from "../../src/fleet/message.ts";
import type { Reading } from "../../src/fleet/read_entry.ts";
import { isDomainName } from "../../src/base/host.ts";
import { formatNextHop, readKey } from "../../src/sts/domain.ts";
import { parsePolicy } from "../../src/sts/policy.ts";
import type { Target } from "./targets.ts";

const NOW = Date.UTC(2026, 0, 1);
const TIMES = { now: NOW, offset: 1234 };
const MAC = await createMac([new Uint8Array(32).fill(1)], "mtasts");
const SEAL = { mac: MAC, host: "mx1.example", settings: "settings0001" };

const latin1 = (bytes: Uint8Array): string => String.fromCharCode(...bytes.subarray(0, 60_000));
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

const TEXT = "version: STSv1\r\nmode: enforce\r\nmx: *.a.example\r\nmax_age: 86400\r\n";

const FACTS: readonly Fact[] = [
  {
    kind: "p",
    policy: {
      ...{ domain: "a.example", id: "20260101", text: TEXT },
      ...{ fetchedAt: NOW - 5000, expiresAt: NOW + 1e7 },
    },
  },
  {
    kind: "f",
    failure: {
      ...{ domain: "a.example", id: "1", reason: "status", detail: "404", count: 2 },
      ...{ failedAt: NOW - 5000, retryAt: NOW + 60_000 },
    },
  },
  { kind: "t", domain: "a.example", at: NOW - 5000 },
  { kind: "x", view: { nextHop: "[a.example]:587", json: "{}", checkedAt: NOW - 5000 } },
];

/** What an entry is allowed to say, and that it says the same when it is written and read again. */
function assertSound(reading: Exclude<Reading, { kind: "refused" }>): void {
  switch (reading.kind) {
    case "p": {
      const { domain, id, text, fetchedAt, expiresAt, host } = reading.policy;
      assert(isDomainName(domain) && domain === domain.toLowerCase(), domain);
      assert(/^[A-Za-z0-9]{1,32}$/.test(id) && /^[!-~]{1,255}$/.test(host));
      assert(fetchedAt <= NOW && expiresAt > NOW);
      assertEquals(expiresAt, fetchedAt + parsePolicy(text).maxAge * 1000);
      break;
    }
    case "f": {
      const { detail, failedAt, retryAt } = reading.failure;
      assert(/^[ -~]{0,500}$/.test(detail) && failedAt <= NOW);
      assert(retryAt > failedAt && retryAt <= failedAt + 3600_000);
      break;
    }
    case "t":
      assert(isDomainName(reading.domain) && reading.at <= NOW);
      break;
    case "x": {
      const { nextHop, checkedAt } = reading.view;
      const key = readKey(nextHop);
      assert(key.kind === "next-hop" && formatNextHop(key.nextHop) === nextHop);
      assert(checkedAt <= NOW);
    }
  }
}

const entry: Target = {
  name: "fleet_entry",
  corpus: FACTS.map((fact) => {
    const sealed = sealFact(fact, TIMES.offset, SEAL)!;
    return utf8(sealed.slice(sealed.indexOf(".") + 1));
  }),
  run(bytes) {
    const text = latin1(bytes);
    const unsigned = openEntry(`-.${text}`, TIMES, { ...SEAL, mac: undefined });
    assert(unsigned.kind === "refused" || unsigned.kind === "p" && !unsigned.policy.isSigned);
    openEntry(text, TIMES, SEAL);
    const reading = openEntry(`${MAC.sign(text)}.${text}`, TIMES, SEAL);
    if (reading.kind === "refused") return `${reading.reason} ${unsigned.kind}`;
    assertSound(reading);
    const sealed = sealFact(reading, TIMES.offset, SEAL)!;
    const again = openEntry(sealed, TIMES, SEAL);
    assert(again.kind === reading.kind, JSON.stringify(again));
    assertSound(again);
    return `${reading.kind} ${unsigned.kind}`;
  },
};

const HEARTBEAT = { kind: "heartbeat", host: "mx1", version: "1.0.0", nonce: "nonce-123" } as const;

const FAILED = { kind: "failed-fetch", domain: "a.example", id: "1" } as const;

const message: Target = {
  name: "fleet_message",
  corpus: [
    sealMessage({ ...HEARTBEAT, ahead: 12 }, { mac: undefined })!,
    sealMessage({ ...HEARTBEAT, ahead: undefined }, { mac: undefined })!,
    sealMessage({ ...HEARTBEAT, kind: "emptied" }, { mac: undefined })!,
    sealMessage({ ...HEARTBEAT, ...FAILED }, { mac: undefined })!,
  ].map(utf8),
  run(bytes) {
    const content = unwrap(latin1(bytes), undefined);
    if (content.kind === "refused") return content.reason;
    const reading = readMessage(content);
    if (reading === undefined || reading.kind === "refused") return reading?.reason ?? "entry";
    assert(/^[!-~]{1,255}$/.test(reading.host) && /^[\w-]{8,40}$/.test(reading.nonce));
    const again = unwrap(sealMessage(reading, { mac: undefined })!, undefined);
    assertEquals(again.kind === "content" && readMessage(again), reading);
    return reading.kind;
  },
};

/** All targets about fleets. */
export const FLEET_TARGETS: readonly Target[] = [entry, message];
