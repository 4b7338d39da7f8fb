/** What every engine does: the fake, Redis and PostgreSQL. */

import { assertEquals } from "@std/assert";
import type { Engine, Entry, EntryKind } from "../../src/fleet/types.ts";
import { until } from "../fakes/plain_user.ts";

/** Makes the driver of one more host for an engine that all tests of a file share; each test uses domains of its own. */
export type Join = () => Engine;

/** A day, ms. */
export const DAY_MS = 24 * 3600_000;

/** An entry as the exchange makes them. */
export function entryOf(kind: EntryKind, name: string, change: Partial<Entry> = {}): Entry {
  const at = Date.now();
  return { kind, name, sealed: `-${kind}{"d":"${name}"}`, at, expiresAt: at + DAY_MS, ...change };
}

/** A host that listens. */
export class Listening {
  readonly messages: string[] = [];
  opened = 0;
  readonly stop: () => void;

  constructor(engine: Engine) {
    this.stop = engine.listen({
      onMessage: (message) => void this.messages.push(message),
      onOpen: () => void this.opened++,
    });
  }

  /** Waits until hearing began so often. */
  open(times = 1): Promise<void> {
    return until(`subscription ${times}`, () => this.opened >= times);
  }

  /** Waits for a message. */
  hears(message: string): Promise<void> {
    return until(`message ${message.slice(0, 60)}`, () => this.messages.includes(message));
  }
}

/** Runs a test with two hosts, and closes them. */
export async function withHosts(
  join: Join,
  test: (a: Engine, b: Engine) => Promise<void>,
): Promise<void> {
  const [a, b] = [join(), join()];
  try {
    await test(a, b);
  } finally {
    await Promise.all([a.close(), b.close()]);
  }
}

/** The tests, by what they show. */
export const CONTRACT: Readonly<Record<string, (a: Engine, b: Engine) => Promise<void>>> = {
  "reads what another host published, in the order of the keys": async (a, b) => {
    const entries = [entryOf("p", "read.example"), entryOf("x", "[read.example]:587")];
    await a.publish(entries);
    assertEquals(
      await b.read([
        { kind: "x", name: "[read.example]:587" },
        { kind: "p", name: "absent.example" },
        { kind: "p", name: "read.example" },
        { kind: "f", name: "read.example" },
      ]),
      [entries[1]!.sealed, undefined, entries[0]!.sealed, undefined],
    );
    assertEquals(await b.read([]), []);
  },

  "keeps quotes, controls and 90,000 octets as they are": async (a, b) => {
    const sealed = `-p{"t":"a\\"b\\n'$1 \\\\ %","x":"${"x".repeat(90_000)}"}`;
    const listening = new Listening(b);
    await listening.open();
    await a.publish([entryOf("p", "large.example", { sealed })]);
    assertEquals(await b.read([{ kind: "p", name: "large.example" }]), [sealed]);
    await listening.hears(sealed);
  },

  "ends the failure of a domain with its policy": async (a, b) => {
    const keys = [{ kind: "p", name: "end.example" }, { kind: "f", name: "end.example" }] as const;
    const failure = entryOf("f", "end.example", { at: Date.now() - 1000 });
    await a.publish([failure]);
    assertEquals(await b.read(keys), [undefined, failure.sealed]);
    const policy = entryOf("p", "end.example");
    await b.publish([policy]);
    assertEquals(await a.read(keys), [policy.sealed, undefined]);
  },

  "ends everything of a domain with its tombstone": async (a, b) => {
    const name = "purged.example";
    const keys = [{ kind: "p", name }, { kind: "f", name }, { kind: "t", name }] as const;
    await a.publish([entryOf("p", name, { at: Date.now() - 2000 })]);
    await a.publish([entryOf("f", name, { at: Date.now() - 1000 })]);
    const tombstone = entryOf("t", name);
    await a.publish([tombstone]);
    assertEquals(await b.read(keys), [undefined, undefined, tombstone.sealed]);
  },

  "takes the last of several entries of one key": async (a, b) => {
    const [first, second] = ["1", "2"].map((text, at) =>
      entryOf("p", "twice.example", { sealed: `-p${text}`, at: Date.now() + at })
    );
    await a.publish([first!, second!]);
    assertEquals(await b.read([{ kind: "p", name: "twice.example" }]), ["-p2"]);
  },

  "does not read an entry that has ended": async (a, b) => {
    const now = Date.now();
    await a.publish([entryOf("p", "over.example", { at: now - 2, expiresAt: now - 1 })]);
    await a.publish([entryOf("p", "soon.example", { expiresAt: now + 200 })]);
    assertEquals(await b.read([{ kind: "p", name: "over.example" }]), [undefined]);
    await until("the end of the entry", async () => {
      const [sealed] = await b.read([{ kind: "p", name: "soon.example" }]);
      return sealed === undefined;
    });
  },

  "grants a lease to one host, and says to others who has it": async (a, b) => {
    const lease = { token: "a:0", ttl: DAY_MS };
    const none = { policy: undefined, failure: undefined, tombstone: undefined };
    assertEquals(await a.claim("lease.example", lease), {
      ...none,
      isGranted: true,
      holder: "a:0",
    });
    const failure = entryOf("f", "lease.example");
    await b.publish([failure]);
    assertEquals(await b.claim("lease.example", { token: "b:0", ttl: DAY_MS }), {
      ...none,
      isGranted: false,
      holder: "a:0",
      failure: failure.sealed,
    });
    const [policy, tombstone] = [entryOf("p", "lease.example"), entryOf("t", "lease.example")];
    await b.publish([{ ...tombstone, at: policy.at - 1000 }]);
    await b.publish([policy], { released: [{ domain: "lease.example", token: "a:0" }] });
    assertEquals(await b.claim("lease.example", { token: "b:1", ttl: DAY_MS }), {
      isGranted: true,
      holder: "b:1",
      policy: policy.sealed,
      failure: undefined,
      tombstone: tombstone.sealed,
    });
  },

  "grants one of 40 claims at once": async (a, b) => {
    const replies = await Promise.all(
      Array.from(
        { length: 40 },
        (_, at) => (at % 2 === 0 ? a : b).claim("crowd.example", { token: `${at}`, ttl: DAY_MS }),
      ),
    );
    const granted = replies.filter(({ isGranted }) => isGranted);
    assertEquals(granted.length, 1);
    assertEquals(new Set(replies.map(({ holder }) => holder)), new Set([granted[0]!.holder]));
  },

  "ends a lease by itself": async (a, b) => {
    await a.claim("ttl.example", { token: "a", ttl: 150 });
    await until("the end of the lease", async () => {
      const { isGranted } = await b.claim("ttl.example", { token: "b", ttl: DAY_MS });
      return isGranted;
    });
    assertEquals(await a.renew("ttl.example", { token: "a", next: "a2", ttl: DAY_MS }), false);
  },

  "renews the own lease alone": async (a, b) => {
    await a.claim("renew.example", { token: "a:0", ttl: 500 });
    assertEquals(
      await b.renew("renew.example", { token: "b:0", next: "b:1", ttl: DAY_MS }),
      false,
    );
    assertEquals(await a.renew("renew.example", { token: "a:0", next: "a:1", ttl: DAY_MS }), true);
    assertEquals(
      await a.renew("renew.example", { token: "a:0", next: "a:2", ttl: DAY_MS }),
      false,
    );
    assertEquals((await b.claim("renew.example", { token: "b", ttl: 1 })).holder, "a:1");
    assertEquals(await b.renew("never.example", { token: "b", next: "c", ttl: 1 }), false);
  },

  "releases the own lease alone": async (a, b) => {
    await a.claim("release.example", { token: "a", ttl: DAY_MS });
    await b.release("release.example", "b");
    await b.publish([], { released: [{ domain: "release.example", token: "b" }] });
    assertEquals((await b.claim("release.example", { token: "b", ttl: 1 })).isGranted, false);
    await a.release("release.example", "a");
    assertEquals((await b.claim("release.example", { token: "b", ttl: 1 })).isGranted, true);
  },

  "announces entries and messages to those who listen": async (a, b) => {
    const [first, second] = [new Listening(a), new Listening(b)];
    await Promise.all([first.open(), second.open()]);
    const entry = entryOf("p", "news.example");
    const heard = await a.publish([entry]);
    assertEquals([1, undefined].includes(heard), true, `heard by ${heard}`);
    await Promise.all([first.hears(entry.sealed), second.hears(entry.sealed)]);
    await a.announce("beat 1");
    await second.hears("beat 1");
    second.stop();
    await a.announce("beat 2");
    await first.hears("beat 2");
    assertEquals(second.messages, [entry.sealed, "beat 1"]);
  },

  "fills what is empty, and announces nothing": async (a, b) => {
    const listening = new Listening(b);
    await listening.open();
    const [kept, filled] = [entryOf("p", "kept.example"), entryOf("p", "filled.example")];
    await a.publish([kept]);
    const later = { ...kept, at: kept.at + 1000, sealed: "-pother" };
    await a.publish([later, filled], { isFilling: true });
    assertEquals(
      await b.read([{ kind: "p", name: "kept.example" }, { kind: "p", name: "filled.example" }]),
      [kept.sealed, filled.sealed],
    );
    await a.announce("after filling");
    await listening.hears("after filling");
    assertEquals(listening.messages, [kept.sealed, "after filling"]);
  },

  "lists all entries of a kind, in parts": async (a, b) => {
    const entries = Array.from({ length: 1200 }, (_, at) => entryOf("x", `list-${at}.example`));
    await a.publish(entries);
    const found = new Set<string>();
    let parts = 0;
    let cursor: string | undefined;
    do {
      const part = await b.list("x", cursor);
      for (const sealed of part.sealed) found.add(sealed);
      cursor = part.cursor;
      parts++;
    } while (cursor !== undefined);
    assertEquals(entries.filter(({ sealed }) => !found.has(sealed)), []);
    assertEquals([...found].every((sealed) => sealed.startsWith("-x")), true);
    assertEquals(parts > 1, true);
  },

  "knows the time": async (a) => {
    assertEquals(Math.abs(await a.time() - Date.now()) < 5000, true);
  },

  "has a mark that one host sets": async (a, b) => {
    const set = await Promise.all([a.mark(), b.mark(), a.mark()]);
    assertEquals(set.filter((each) => each).length, 1);
    assertEquals(await b.mark(), false);
  },

  "goes on after its connections were dropped": async (a, b) => {
    const listening = new Listening(b);
    await listening.open();
    b.reconnect();
    assertEquals(await b.read([{ kind: "p", name: "absent.example" }]), [undefined]);
    await listening.open(2);
    await a.announce("after the drop");
    await listening.hears("after the drop");
  },

  "rejects calls after its end": async (_, b) => {
    await b.time();
    await b.close();
    const error = await b.time().catch((error: Error) => error.name);
    assertEquals(error, "EngineError");
  },
};
