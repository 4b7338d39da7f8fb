/** What every store does, in a file or in memory. */

import { assertEquals } from "@std/assert";
import { createMemoryStore } from "../../src/cache/memory_store.ts";
import type { PageQuery, PolicyStore, StoredMx, StoredPolicy } from "../../src/cache/types.ts";
import {
  Bench,
  DAY,
  domainsOf,
  failureOf,
  listed,
  policyOf,
  SECOND,
  START,
  textOf,
} from "./harness.ts";

/** Opens one kind of store. */
type Open = (bench: Bench) => PolicyStore;

const STORES: Record<string, Open> = {
  "createSqliteStore()": (bench) => bench.open(),
  "createMemoryStore()": () => createMemoryStore({ maxEntries: 1000 }),
  // A store whose file cannot be opened keeps everything in memory.
  "createSqliteStore() without its file": (bench) => {
    Deno.mkdirSync(bench.path);
    return bench.open();
  },
};

function contract(what: string, test: (store: PolicyStore, bench: Bench) => void): void {
  for (const [name, open] of Object.entries(STORES)) {
    Deno.test(`${name} ${what}`, () => {
      using bench = new Bench();
      const store = open(bench);
      test(store, bench);
      store.close();
    });
  }
}

/** All policies, by domain. */
const WHOLE: PageQuery = {
  order: "domain",
  descending: false,
  prefix: "",
  offset: 0,
  limit: 1000,
};

/** The policy that is found; a store without its file cannot say that there is none. */
function stored(store: PolicyStore, domain: string): StoredPolicy | undefined {
  const found = store.getPolicy(domain);
  return found.kind === "found" ? found.policy : undefined;
}

function mxOf(nextHop: string): StoredMx {
  return { nextHop, json: `{"hosts":["mx.example"]}`, checkedAt: START };
}

contract("gives back a policy as it was put, octet for octet", (store) => {
  const texts = [
    textOf(86_400),
    "\ufeffversion: STSv1\nmode: none\nmax_age: 5",
    "version: STSv1\nmode: none\nmax_age: 5\nx: a\0b\nbad \ufffd line\u2028\n",
  ];
  for (const [index, text] of texts.entries()) {
    const valid = text.startsWith("\ufeff")
      ? `version: STSv1\nmode: none\nmax_age: 5\n${text}`
      : text;
    const policy = policyOf(`d${index}.example`, { text: valid, fetchedAt: START + 0.25 });
    store.putPolicy(policy);
    assertEquals(stored(store, policy.domain), policy);
  }
  assertEquals(stored(store, "other.example"), undefined);
  assertEquals(stored(store, "D0.example"), undefined);
});

contract("replaces a policy by a newer one", (store) => {
  store.putPolicy(policyOf("a.example"));
  const newer = policyOf("a.example", {
    id: "2",
    text: textOf(5),
    fetchedAt: START + 1,
    refreshAt: START + 7,
  });
  store.putPolicy(newer);
  assertEquals(stored(store, "a.example"), newer);
  assertEquals(store.count(), 1);
});

contract("notes uses and deferred refreshes", (store) => {
  store.putPolicy(policyOf("a.example"));
  store.touchPolicy("a.example", START + 5);
  store.deferRefresh("a.example", START + 9);
  store.touchPolicy("unknown.example", START);
  const expected = policyOf("a.example", { lastUsedAt: START + 5, refreshAt: START + 9 });
  assertEquals(stored(store, "a.example"), expected);
  store.flush();
  assertEquals(stored(store, "a.example"), expected);
  assertEquals([...listed((query) => store.listPolicies(query))], [expected]);
  assertEquals(stored(store, "unknown.example"), undefined);
  store.putPolicy(policyOf("a.example", { lastUsedAt: START + 6, refreshAt: START + 2 }));
  assertEquals(stored(store, "a.example")?.refreshAt, START + 2);
});

contract("keeps failures until they are cleared", (store) => {
  assertEquals(store.getFailure("a.example"), undefined);
  store.putFailure(failureOf("a.example"));
  store.putFailure(failureOf("a.example", { count: 2 }));
  store.putFailure(failureOf("b.example"));
  assertEquals(store.getFailure("a.example"), failureOf("a.example", { count: 2 }));
  store.clearFailure("a.example");
  store.clearFailure("unknown.example");
  assertEquals(store.getFailure("a.example"), undefined);
  assertEquals(store.getFailure("b.example"), failureOf("b.example"));
});

contract("lists the failures, the latest first", (store) => {
  assertEquals(store.latestFailures(10), []);
  const failures = [5, 1, 9, 7].map((second) =>
    failureOf(`s${second}.example`, {
      failedAt: START - second * SECOND,
      retryAt: START + (300 - second) * SECOND,
    })
  );
  for (const failure of failures) store.putFailure(failure);
  store.putFailure(failureOf("cleared.example"));
  store.putFailure(failureOf("removed.example"));
  store.flush();
  store.clearFailure("cleared.example");
  store.remove("removed.example");
  assertEquals(store.latestFailures(10), [failures[1]!, failures[0]!, failures[3]!, failures[2]!]);
  assertEquals(store.latestFailures(2).map(({ domain }) => domain), ["s1.example", "s5.example"]);
  store.putFailure(failureOf("s9.example", { count: 2 }));
  assertEquals(store.latestFailures(1), [failureOf("s9.example", { count: 2 })]);
});

contract("keeps what is known of next hops", (store) => {
  assertEquals(store.getMx("a.example"), undefined);
  store.putMx(mxOf("a.example"));
  store.putMx({ ...mxOf("a.example"), json: "{}" });
  store.putMx(mxOf("[a.example]:587"));
  assertEquals(store.getMx("a.example"), { ...mxOf("a.example"), json: "{}" });
  assertEquals(store.getMx("[a.example]:587"), mxOf("[a.example]:587"));
  assertEquals(store.getMx("a.example:587"), undefined);
});

contract("removes all there is of one domain", (store) => {
  const others = ["xa.example", "a.example.org"];
  for (const domain of ["a.example", ...others]) {
    store.putPolicy(policyOf(domain));
    store.touchPolicy(domain, START + 1);
    store.putFailure(failureOf(domain));
    for (const form of [domain, `${domain}:587`, `[${domain}]`, `[${domain}]:?`]) {
      store.putMx(mxOf(form));
    }
  }
  store.remove("a.example");
  store.flush();
  assertEquals(stored(store, "a.example"), undefined);
  assertEquals(store.getFailure("a.example"), undefined);
  for (const form of ["a.example", "a.example:587", "[a.example]", "[a.example]:?"]) {
    assertEquals(store.getMx(form), undefined, form);
  }
  for (const domain of others) {
    assertEquals(stored(store, domain)?.domain, domain);
    assertEquals(store.getFailure(domain)?.domain, domain);
    assertEquals(store.getMx(`[${domain}]`)?.nextHop, `[${domain}]`);
  }
  assertEquals(store.count(), 2);
  store.putPolicy(policyOf("a.example"));
  assertEquals(stored(store, "a.example"), policyOf("a.example"));
  assertEquals(store.getFailure("a.example"), undefined);
});

contract("lists all policies by domain, a part at a time", (store) => {
  assertEquals([...listed((query) => store.listPolicies(query))], []);
  const domains = Array.from({ length: 700 }, (_, index) => `d${index}.example`);
  for (const [index, domain] of domains.entries()) {
    store.putPolicy(policyOf(domain, { fetchedAt: START + index }));
  }
  for (const limit of [1, 99, 700, 1000]) {
    const all = listed((query) => store.listPolicies(query), limit);
    assertEquals(domainsOf(all), domains.toSorted());
  }
  assertEquals(store.listPolicies({ after: "d98.example", limit: 2 }), {
    entries: [policyOf("d99.example", { fetchedAt: START + 99 })],
    next: undefined,
  });
  assertEquals(store.count(), domains.length);
});

contract("lists failures by domain, whether there is a policy or not", (store) => {
  for (const name of ["c", "a", "b", "d"]) store.putFailure(failureOf(`${name}.example`));
  store.putPolicy(policyOf("b.example"));
  store.flush();
  store.putFailure(failureOf("a.example", { count: 2 }));
  store.putFailure(failureOf("e.example"));
  store.clearFailure("c.example");
  store.remove("d.example");
  for (const limit of [1, 2, 10]) {
    const all = [...listed((query) => store.listFailures(query), limit)];
    assertEquals(domainsOf(all), ["a.example", "b.example", "e.example"]);
    assertEquals(all[0]?.count, 2);
  }
});

contract("gives the refresher what is due, the longest overdue first", (store) => {
  for (let day = 1; day <= 6; day++) {
    store.putPolicy(policyOf(`day${day}.example`, { refreshAt: START + (7 - day) * DAY }));
  }
  store.putPolicy(policyOf("short.example", { text: textOf(3600) }));
  store.touchPolicy("day5.example", START + DAY);
  store.deferRefresh("day6.example", START + 5 * DAY);
  const due = START + 4 * DAY;
  const list = (usedSince: number, limit: number) =>
    store.listDue({ due, alive: due, farthest: START + 30 * DAY, usedSince, limit });
  assertEquals(list(START, 10), ["day5.example", "day4.example", "day3.example"]);
  assertEquals(list(START, 2), ["day5.example", "day4.example"]);
  assertEquals(list(START + DAY, 10), ["day5.example"]);
  assertEquals(list(START + 2 * DAY, 10), []);
});

contract("never prunes a policy that is still valid (RFC 8461 §3.2)", (store) => {
  for (const seconds of [10, 20, 30]) {
    store.putPolicy(policyOf(`s${seconds}.example`, { text: textOf(seconds) }));
  }
  store.prune(START + 20 * SECOND - 1);
  assertEquals(stored(store, "s20.example")?.domain, "s20.example");
  assertEquals(stored(store, "s30.example")?.domain, "s30.example");
});

contract("takes calls after the end", (store) => {
  store.putPolicy(policyOf("a.example"));
  store.close();
  store.close();
  store.putPolicy(policyOf("b.example"));
  store.touchPolicy("a.example", START + 1);
  store.flush();
  store.prune(START + 1);
  store.remove("a.example");
  store.listDue({ due: START, alive: START, farthest: START + DAY, usedSince: 0, limit: 10 });
  assertEquals(stored(store, "c.example"), undefined);
});

contract("lists pages by domain, fetch, expiry or use, either way", (store) => {
  for (const [index, name] of ["b", "c", "a", "ab"].entries()) {
    store.putPolicy(policyOf(`${name}.example`, {
      fetchedAt: START + index,
      lastUsedAt: START + [3, 0, 2, 1][index]!,
      text: textOf([40, 20, 10, 30][index]!),
    }));
  }
  const page = (query: Partial<PageQuery>) =>
    domainsOf(store.listPage({ ...WHOLE, ...query })).map((domain) => domain.split(".")[0]).join();
  assertEquals(page({ order: "domain" }), "a,ab,b,c");
  assertEquals(page({ order: "domain", descending: true }), "c,b,ab,a");
  assertEquals(page({ order: "fetched" }), "b,c,a,ab");
  assertEquals(page({ order: "expires" }), "a,c,ab,b");
  assertEquals(page({ order: "used", descending: true }), "b,a,ab,c");
  assertEquals(page({ order: "used", offset: 1, limit: 2 }), "ab,a");
  assertEquals(page({ order: "domain", offset: 4 }), "");
  assertEquals(page({ prefix: "a" }), "a,ab");
  assertEquals(page({ prefix: "a", descending: true, limit: 1 }), "ab");
  assertEquals(page({ prefix: "a.example" }), "a");
  assertEquals(page({ prefix: "a.example." }), "");
  store.remove("ab.example");
  store.putPolicy(policyOf("d.example", { fetchedAt: START - 1 }));
  assertEquals(page({ order: "fetched" }), "d,b,c,a");
});

contract("lists pages of many policies in their order", (store) => {
  for (let i = 0; i < 600; i++) {
    store.putPolicy(policyOf(`d${(i * 7) % 600}.example`, { fetchedAt: START + (i * 7) % 600 }));
  }
  const page = (descending: boolean, offset: number) =>
    store.listPage({ ...WHOLE, order: "fetched", descending, offset, limit: 50 });
  assertEquals(
    page(false, 100).map(({ fetchedAt }) => fetchedAt - START),
    Array.from({ length: 50 }, (_, i) => 100 + i),
  );
  assertEquals(
    page(true, 100).map(({ fetchedAt }) => fetchedAt - START),
    Array.from({ length: 50 }, (_, i) => 499 - i),
  );
});

contract("tells the oldest fetch in use and how many fetches are held off", (store) => {
  assertEquals(store.oldestFetch(0), undefined);
  assertEquals(store.countHeldOff(START), 0);
  store.putPolicy(policyOf("a.example", { fetchedAt: START + 1, lastUsedAt: START + 1 }));
  store.putPolicy(policyOf("b.example", { fetchedAt: START + 2, lastUsedAt: START + 9 }));
  store.putPolicy(policyOf("c.example", { fetchedAt: START + 3, lastUsedAt: START + 9 }));
  assertEquals(store.oldestFetch(START), START + 1);
  assertEquals(store.oldestFetch(START + 2), START + 2);
  assertEquals(store.oldestFetch(START + 10), undefined);
  store.putFailure(failureOf("a.example"));
  store.putFailure(failureOf("b.example", { retryAt: START + 1 }));
  store.putFailure(failureOf("c.example"));
  store.clearFailure("c.example");
  assertEquals(store.countHeldOff(START), 2);
  assertEquals(store.countHeldOff(START + 1), 1);
});
