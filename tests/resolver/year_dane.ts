/**
 * The DNSSEC side of the year: zones that are signed, have TLSA records or neither, a DNS resolver that
 * validates, does not, or is not known to, and a model of the verdicts that may count, written from
 * RFC 8461 §2 and RFC 7672 §2.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import type { FakeReply } from "../fakes/fake_dns.ts";
import type { Random } from "../fakes/random.ts";
import { DAY, HOUR, MINUTE } from "../fakes/world.ts";
import type { World } from "../fakes/world.ts";
import type { MxResult, Zone } from "../../src/resolver/types.ts";

/** A verdict is fresh for the TTL of the records. */
const TTL_MS = 5 * MINUTE;

/** A verdict that stands is stored again after an hour; after a loss of memory it is that much older. */
const STORED_AGE_MS = HOUR;

const TLSA = { usage: 3, selector: 1, matchingType: 1, data: new Uint8Array(32) };

/** How the owner and the network have the zone of a domain. */
interface SignedZone {
  kind: "dane" | "signed" | "unsigned";
  fault: "MX" | "TLSA" | undefined;
}

/** What the model remembers of a domain. */
interface Verdict {
  readonly dane: "usable" | "absent" | "insecure" | "unchecked";
  readonly validated: boolean;
  readonly at: number;
}

type Found = Omit<Verdict, "at"> | "failed";

/** A visit, as far as the model must know it. */
export interface Visit {
  readonly domain: string;
  readonly now: number;
  readonly dane: Zone["dane"];
  /** The store cannot be read: what memory has dropped is not held. */
  readonly isGone: boolean;
}

/** What was exercised. */
export interface DaneCounts {
  changes: number;
  daneOnly: number;
  /** `dane-only` on a held verdict, while nothing proves it. */
  heldDane: number;
  secure: number;
  /** `secure` because the DNS resolver is known not to validate. */
  blind: number;
  temp: number;
  required: number;
  off: number;
}

/** The zones, the DNS resolver in front of them, and the model. */
export class DaneYear {
  readonly counts: DaneCounts = {
    changes: 0,
    daneOnly: 0,
    heldDane: 0,
    secure: 0,
    blind: 0,
    temp: 0,
    required: 0,
    off: 0,
  };
  /** The answers of DNS, made when they are asked for. */
  readonly table: Record<string, FakeReply>;
  readonly #zones = new Map<string, SignedZone>();
  readonly #held = new Map<string, Verdict>();
  /**
   * What the store may still have of a domain: a verdict that was not validated does not replace it while the
   * store cannot be read, and it comes back when memory has dropped the later one.
   */
  readonly #beneath = new Map<string, Verdict>();
  /** When the lookups of a domain last failed; no others follow at the same moment. */
  readonly #failedAt = new Map<string, number>();
  readonly #random: Random;
  /** What the self-test says, and what is true. */
  #known: boolean | undefined = true;
  #validates = true;

  constructor(random: Random) {
    this.#random = random;
    this.table = new Proxy<Record<string, FakeReply>>({}, {
      get: (target, question: string) => this.#reply(question) ?? target[question],
    });
  }

  /** Changes the zone of a domain. */
  change(domain: string): void {
    const kind = this.#random.pick(["dane", "dane", "signed", "unsigned"] as const);
    const fault = this.#random.pick([undefined, undefined, undefined, "MX", "TLSA"] as const);
    this.#zones.set(domain, { kind, fault });
  }

  /** Changes whether the DNS resolver validates, and whether that is known. */
  stir(world: World): void {
    const states = [[true, true], [true, true], [false, false], [undefined, true], [
      undefined,
      false,
    ]] as const;
    const [known, validates] = this.#random.pick(states);
    if (known !== this.#known || validates !== this.#validates) this.counts.changes++;
    [this.#known, this.#validates] = [known, validates];
    world.dnssec = known;
    world.dns.dnssec = validates
      ? { kind: "validates" }
      : { kind: "does-not-validate", detail: "as chance will have it" };
  }

  /** The kinds of answer that a policy to enforce may get; the lookups of the visit are taken note of. */
  allowed(visit: Visit, world: World): ReadonlySet<string> {
    const { domain, now, dane, isGone } = visit;
    const before = this.#held.get(domain);
    const result = this.note(visit, world);
    if (dane === "off") return new Set(["secure"]);
    if (dane === "require" && this.#known !== true) return new Set(["temp"]);
    const kinds = new Set<string>();
    const counts = before !== undefined && this.#counts(before) ? before : undefined;
    const age = counts === undefined ? Infinity : now - counts.at;
    if (counts !== undefined && age < TTL_MS) kinds.add(answerFor(counts));
    const older = this.#beneath.get(domain);
    if (older !== undefined && now - older.at < TTL_MS) kinds.add(answerFor(older));
    if (result !== undefined && result !== "failed") {
      assert(this.#counts(result), `${domain}: lookups that cannot count`);
      kinds.add(answerFor(result));
    } else if (result === "failed" || this.#failedAt.get(domain) === now) {
      if (counts !== undefined && age < DAY) kinds.add(answerFor(counts));
      const beneath = this.#beneath.get(domain);
      if (beneath !== undefined && now - beneath.at < DAY) kinds.add(answerFor(beneath));
      const isLost = isGone || age >= DAY - STORED_AGE_MS;
      if (isLost) kinds.add(this.#known === false ? "secure" : "temp");
    }
    assert(kinds.size > 0, `${domain}: answered without a verdict`);
    return kinds;
  }

  /** The promises that hold whatever was looked up. */
  judge({ domain, now, dane, isGone }: Visit, kind: string): void {
    const { counts } = this;
    const held = this.#held.get(domain);
    const zone = this.#zoneOf(domain);
    const isUsable = held?.dane === "usable" && now - held.at < DAY - STORED_AGE_MS;
    if (dane === "off") return void counts.off++;
    if (kind === "secure") {
      counts.secure++;
      if (this.#known === false) counts.blind++;
      assert(isGone || !isUsable, `${domain}: secure over a held verdict of DANE`);
      assert(this.#known !== true || held?.validated, `${domain}: secure without validation`);
      if (dane === "require") assertEquals(this.#known, true);
    } else if (kind === "dane-only") {
      counts.daneOnly++;
      assert(
        held?.dane === "usable" || isGone || zone.kind === "dane" ||
          this.#beneath.has(domain),
        `${domain}: no DANE`,
      );
      if (!this.#validates || zone.fault !== undefined) counts.heldDane++;
    } else {
      counts.temp++;
      if (dane === "require" && this.#known !== true) counts.required++;
    }
    const isProven = this.#known === true && zone.kind === "dane" && zone.fault === undefined;
    if (isProven && (held === undefined || held.at === now)) {
      assertEquals(kind, "dane-only", `${domain}: DANE is proven`);
    }
  }

  /** Compares the lookups of a visit with the model and remembers them. @returns The last of them. */
  note({ domain, now, isGone }: Omit<Visit, "dane">, world: World): Found | undefined {
    let last: Found | undefined;
    for (const event of world.events) {
      if (event.kind !== "mx") continue;
      assertEquals(event.nextHop, domain);
      const found = this.#assess(domain);
      const kept = this.#keep(found, this.#held.get(domain), now);
      last = foundOf(event.result);
      // A verdict that cannot be read is not held, nor one that is a day old as the store has it.
      const age = now - (this.#held.get(domain)?.at ?? -Infinity);
      const isLost = isGone || age >= DAY - STORED_AGE_MS;
      const beneath = this.#beneath.get(domain);
      const expected = [
        kept,
        ...(isLost ? [found] : []),
        ...(beneath === undefined ? [] : [this.#keep(found, beneath, now)]),
      ];
      assert(
        expected.some((one) => JSON.stringify(one) === JSON.stringify(last)),
        `${domain}: ${JSON.stringify({ last, expected })}`,
      );
      if (last === "failed") this.#failedAt.set(domain, now);
      else {
        const held = this.#held.get(domain);
        if (last.validated) this.#beneath.delete(domain);
        else if (isGone && held?.dane === "usable") this.#beneath.set(domain, held);
        this.#held.set(domain, { ...last, at: now });
      }
    }
    return last;
  }

  #zoneOf(domain: string): SignedZone {
    return this.#zones.get(domain) ?? { kind: "unsigned", fault: undefined };
  }

  #reply(question: string): FakeReply | undefined {
    const [type = "", name = ""] = question.split(" ");
    if (type === "TXT") return undefined;
    const domain = name.split(".").slice(-2).join(".");
    const { kind, fault } = this.#zoneOf(domain);
    if (type === fault) return "servfail";
    const secure = kind !== "unsigned" && this.#validates;
    const host = `mx.${domain}`;
    if (question === `MX ${domain}`) {
      return { records: [{ preference: 10, exchange: host }], secure };
    }
    if (question === `A ${host}`) return { records: ["192.0.2.1"], secure };
    const isTlsa = kind === "dane" && question === `TLSA _25._tcp.${host}`;
    return isTlsa ? { records: [TLSA], secure } : { kind: "nodata", secure, ttl: 300 };
  }

  /** What the lookups find now (RFC 7672 §2.2). */
  #assess(domain: string): Found {
    const { kind, fault } = this.#zoneOf(domain);
    if (fault === "MX") return "failed";
    if (this.#known === false) return { dane: "unchecked", validated: false };
    const validated = this.#validates;
    if (kind === "unsigned" || !validated) return { dane: "insecure", validated };
    if (fault === "TLSA") return "failed";
    return { dane: kind === "dane" ? "usable" : "absent", validated };
  }

  /** Within its day a verdict of DANE is only replaced by a validated one. */
  #keep(found: Found, held: Verdict | undefined, now: number): Found {
    const isHeld = held?.dane === "usable" && now - held.at < DAY;
    return isHeld && found !== "failed" && !found.validated ? "failed" : found;
  }

  /** Whether a verdict says what must be known now. */
  #counts({ dane, validated }: Omit<Verdict, "at">): boolean {
    if (this.#known === false || dane === "usable") return true;
    return dane !== "unchecked" && (validated || this.#known === undefined);
  }
}

function answerFor({ dane }: Pick<Verdict, "dane">): string {
  return dane === "usable" ? "dane-only" : "secure";
}

function foundOf(result: MxResult): Found {
  if (result.kind === "failed") return "failed";
  const { dane, validated } = result.view;
  assert(dane !== "unknown-port");
  return { dane, validated };
}
