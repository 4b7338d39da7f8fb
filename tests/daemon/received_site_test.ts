/**
 * The pages of received reports: the verdict, what failed, what to do, whether it is still there; and no text of
 * strangers gets out of its place.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { createMetrics } from "../../src/base/metrics.ts";
import { remedyOf } from "../../src/cli/report_advice.ts";
import { checkReceiver, type ReceiverState } from "../../src/daemon/received_health.ts";
import { FRESH_MS, SHOWN_MS, WAIT_MS } from "../../src/daemon/received_overview.ts";
import { createReceivedSite } from "../../src/daemon/received_site.ts";
import { parseHead } from "../../src/http/request.ts";
import type { OutcomeRow, ReceivedView, RowQuery } from "../../src/receive/types.ts";
import type { SeenFinding, SeenNow } from "../../src/status/check_seen.ts";
import { ManualClock, settle } from "../fakes/manual_clock.ts";
import { daysAgo, failure, kept, outcome, TableView, TODAY } from "../status/received_rows.ts";
import { elementsOf } from "../status/support.ts";

/** Text that tries to get out of content, attribute, element and line, and to reorder what it stands beside. */
const HOSTILE = `"><script>alert(1)</script><img src=x onerror='alert(2)'>\u202e&#0;\0\r\n\u2028`;

const WELL: ReceiverState = {
  store: { error: undefined, isFull: false },
  maildir: undefined,
  certificate: undefined,
};

/** What a check sees of a domain that is right. */
function seenNow(findings: readonly Partial<SeenFinding>[] = []): Omit<SeenNow, "at"> {
  const host = (name: string) => ({ name, covered: true, tlsaRecords: 0 });
  const blank = {
    severity: "error",
    group: "mx",
    subject: "",
    seen: "",
    title: "",
    fix: "",
  } as const;
  return {
    undecided: false,
    findings: findings.map((one) => ({ ...blank, id: "", ...one })),
    mxHosts: [host("mx1.example.com"), host("mx2.example.com")],
  };
}

/** A site over a view. */
async function harness(
  domains: readonly string[],
  { state = WELL, seen = seenNow(), pause = () => Promise.resolve() }: {
    state?: ReceiverState;
    seen?: Omit<SeenNow, "at">;
    pause?: () => Promise<void>;
  } = {},
) {
  const view = new TableView();
  const clock = new ManualClock(TODAY);
  const checked: string[] = [];
  const site = await createReceivedSite({
    hostname: "mail.example",
    clock,
    log: { warn() {} },
    metrics: createMetrics(),
    view,
    domains: () => domains,
    health: () => checkReceiver(state, clock.now()),
    remedyOf,
    checkNow(domain) {
      checked.push(domain);
      return Promise.resolve({ ...seen, at: clock.now() });
    },
    pause,
  });
  const get = async (path: string) => {
    const request = parseHead(`GET ${path} HTTP/1.1\r\nhost: localhost`);
    assert(request !== undefined);
    const reply = await site(request);
    return { ...reply, body: String(reply.body) };
  };
  return { view, clock, checked, get };
}

/** The text of a page, without what is on all of them. */
function textOf(page: string): string {
  const [, body = ""] = page.split("<body>");
  return body.replaceAll("<wbr>", "").replaceAll(/<[^>]*>/g, " ").replaceAll(/[ \n]+/g, " ");
}

/** The rows of the first table, as text. */
function rowsOf(page: string): string[] {
  const body = /<tbody>([^]*?)<\/tbody>/.exec(page)?.[1] ?? "";
  return body.split("</tr>").slice(0, -1).map((row) => textOf(`<body>${row}`).slice(1, -1));
}

Deno.test("the list has a verdict for each domain, the worst first", async () => {
  const { view, get } = await harness([
    "fine.test",
    "bad.test",
    "new.test",
    "odd.test",
    "worse.test",
  ]);
  for (const domain of ["fine.test", "bad.test", "worse.test"]) {
    view.rows.outcomes.push(outcome(domain, daysAgo(1), { submitter: "a.test", successful: 90 }));
  }
  view.rows.outcomes.push(
    outcome("bad.test", daysAgo(2), { submitter: "b.test", successful: 9, failed: 1 }),
    outcome("worse.test", daysAgo(2), { submitter: "b.test", successful: 0, failed: 10 }),
  );
  view.rows.problems.push(
    failure("bad.test", daysAgo(2), { submitter: "b.test", result: "certificate-expired" }),
  );
  // A failure that did not cost a session.
  view.rows.outcomes.push(outcome("odd.test", daysAgo(2), { submitter: "b.test", successful: 1 }));
  view.rows.problems.push(
    failure("odd.test", daysAgo(2), {
      submitter: "b.test",
      result: "sts-policy-fetch-error",
      mx: "",
    }),
  );
  const { status, type, body } = await get("/");
  assertEquals([status, type], [200, "text/html; charset=utf-8"]);
  assertStringIncludes(body, "<h1>Senders report failures for 3 of 5 domains</h1>");
  assertEquals(rowsOf(body), [
    `worse.test 1 of 2 senders could not deliver securely in 7 days 10 % 100 ${daysAgo(1)}`,
    "bad.test 1 of 2 senders could not deliver securely in 7 days mostly certificate-expired at " +
    `mx1.example.com 1 % 100 ${daysAgo(1)}`,
    "odd.test the only sender could not deliver securely in 7 days mostly sts-policy-fetch-error " +
    `0 % 1 ${daysAgo(2)}`,
    `fine.test the only sender delivered securely in 7 days 0 % 90 ${daysAgo(1)}`,
    "new.test no sender reported anything in 7 days - 0 none yet",
  ]);
  const names = async (path: string) =>
    rowsOf((await get(path)).body).map((row) => row.split(".")[0]);
  assertEquals(await names("/?sort=domain"), ["bad", "fine", "new", "odd", "worse"]);
  assertEquals(await names("/?sort=domain&dir=back"), ["worse", "odd", "new", "fine", "bad"]);
  assertEquals(await names("/?sort=sessions&dir=back"), ["new", "odd", "fine", "worse", "bad"]);
  assertEquals(await names("/?sort=last"), ["bad", "fine", "worse", "odd", "new"]);
  assertEquals(await names("/?only=failures"), ["worse", "bad", "odd"]);
  assertEquals(await names("/?q=W"), ["worse", "new"]);
  assertEquals(await names("/?sort=%00&dir=x&page=1e9&q="), ["worse", "bad", "odd", "fine", "new"]);
});

Deno.test("the list has a hundred domains a page", async () => {
  const domains = Array.from({ length: 250 }, (_, index) => `d${1000 + index}.test`);
  const { get } = await harness(domains);
  const { body } = await get("/?page=3");
  const rows = rowsOf(body);
  assertEquals([rows.length, rows.at(-1)!.split(" ")[0]], [50, "d1249.test"]);
  assertStringIncludes(body, 'href="/?page=2#domains" rel="prev"');
  assert(!body.includes('rel="next"'));
  assertStringIncludes((await get("/?page=9")).body, "The list ends before this page.");
});

Deno.test("the list is read for each request, but at most once a second", async () => {
  const { view, clock, get } = await harness(["a.test"]);
  let reads = 0;
  const { days } = view;
  view.days = (domain) => {
    reads++;
    return days.call(view, domain);
  };
  await Promise.all([get("/"), get("/"), get("/metrics")]);
  assertEquals(reads, 1);
  await clock.advance(FRESH_MS - 1);
  await get("/");
  assertEquals(reads, 1);
  await clock.advance(1);
  view.rows.outcomes.push(outcome("a.test", daysAgo(1), { submitter: "s.test", successful: 7 }));
  assertStringIncludes((await get("/")).body, "the only sender delivered securely");
  assertEquals(reads, 2);
});

Deno.test("a list that takes long to read is shown while it is read anew, and read less often", async () => {
  const { view, clock, get } = await harness(["a.test"], {
    // A second goes by between two slices.
    pause: () => clock.advance(WAIT_MS + 500),
  });
  view.days = ((days) => (domain) => {
    const until = performance.now() + 25;
    while (performance.now() < until);
    return days.call(view, domain);
  })(view.days);
  await get("/");
  view.rows.outcomes.push(outcome("a.test", daysAgo(1), { submitter: "s.test", successful: 7 }));
  await clock.advance(18_000);
  assertStringIncludes((await get("/")).body, "no sender reported anything");
  await clock.advance(2000);
  // The old list, at once; the new one is under way.
  assertStringIncludes((await get("/")).body, "no sender reported anything");
  await clock.advance(0);
  await settle();
  assertStringIncludes((await get("/")).body, "the only sender delivered securely");
  view.rows.outcomes.length = 0;
  await clock.advance(SHOWN_MS);
  assertStringIncludes((await get("/")).body, "no sender reported anything");
});

Deno.test("a domain with many rows is read a few days at a time, and all of it", async () => {
  let pauses = 0;
  const { view, get } = await harness(["a.test"], {
    pause: () => Promise.resolve(void pauses++),
  });
  for (let sender = 0; sender < 600; sender++) {
    const submitter = `s${sender}.test`;
    for (let days = 0; days <= 37; days++) {
      view.rows.outcomes.push(
        outcome("a.test", daysAgo(days), { submitter, successful: 1, failed: days === 7 ? 1 : 0 }),
      );
    }
  }
  let most = 0;
  for (const kind of ["outcomes", "problems"] as const) {
    const read = view[kind].bind(view) as (query: RowQuery) => OutcomeRow[];
    (view as Pick<ReceivedView, "outcomes">)[kind as "outcomes"] = (query) => {
      const until = performance.now() + 25;
      while (performance.now() < until);
      const rows = read(query);
      most = Math.max(most, rows.length);
      return rows;
    };
  }
  const { body } = await get("/domain/a.test");
  assertStringIncludes(textOf(body), "600 of 600 senders could not deliver securely in 7 days");
  // More than a day at once only where the day before had few rows.
  assert(most <= 1200, `${most} rows at once`);
  assert(pauses > 30, `${pauses} pauses`);
});

Deno.test("nobody waits for more than five seconds for the first list", async () => {
  const gate = Promise.withResolvers<void>();
  const { view, clock, get } = await harness(["a.test"], { pause: () => gate.promise });
  view.days = ((days) => (domain) => {
    const until = performance.now() + 25;
    while (performance.now() < until);
    return days.call(view, domain);
  })(view.days);
  const [page, metrics] = [get("/"), get("/metrics")];
  await clock.advance(5000);
  assertEquals((await page).status, 503);
  assertStringIncludes((await page).body, "<h1>The reports are being read</h1>");
  assertEquals((await metrics).status, 200);
  gate.resolve();
  await settle();
  assertEquals((await get("/")).status, 200);
});

Deno.test("the page of a domain says who failed where, what it means, what to do, and what check sees", async () => {
  const { view, get } = await harness(["example.com"], {
    seen: seenNow([
      {
        id: "certificate-expired",
        subject: "mx1.example.com [192.0.2.1]",
        seen: "expired on 2026-11-01",
        title: "certificate has expired",
        fix: "Renew it.",
      },
      { id: "https-ok", severity: "ok", group: "host" },
    ]),
  });
  for (const days of [3, 2, 1]) {
    view.rows.outcomes.push(
      outcome("example.com", daysAgo(days), { submitter: "a.test", successful: 8, failed: 2 }),
      outcome("example.com", daysAgo(days), {
        submitter: "b.test",
        successful: 5,
        authentication: "unsigned",
      }),
    );
    view.rows.problems.push(
      failure("example.com", daysAgo(days), {
        submitter: "a.test",
        result: "certificate-expired",
        reason: "certificate has expired",
        count: 2,
      }),
    );
  }
  view.rows.problems.push(
    failure("example.com", daysAgo(1), {
      submitter: "b.test",
      authentication: "unsigned",
      result: "sts-policy-fetch-error",
      mx: "",
      reason: "status-404",
    }),
  );
  view.kept["example.com"] = [
    kept({
      submitter: "a.test",
      organization: "A & Sons",
      deviations: ["details-absent", "text-cut"],
    }),
    kept({
      submitter: "b.test",
      authentication: "unsigned",
      way: "https",
      counts: false,
      changed: true,
    }),
  ];
  assertStringIncludes((await get("/domain/example.com")).body, "The check is under way.");
  await settle();
  const { status, body } = await get("/domain/EXAMPLE.com");
  assertEquals(status, 200);
  const text = textOf(body);
  const parts = [
    "2 of 2 senders could not deliver securely in 7 days; 1 of the 2 is unsigned.",
    "Checked now: 1 error. ✗ error: certificate has expired mx1.example.com [192.0.2.1]: expired on 2026-11-01 Renew it.",
    `certificate-expired at mx1.example.com 6 sessions of 1 sender, since ${daysAgo(3)} , last on ${
      daysAgo(1)
    }`,
    "The certificate of the mail server has expired. To do: Renew it, and make the server load it.",
    "Checked now : still the case. mx1.example.com [192.0.2.1]: expired on 2026-11-01",
    `a.test 6, ${daysAgo(3)} to ${daysAgo(1)}`,
    "Reasons given: certificate has expired",
    `sts-policy-fetch-error 1 session of 1 sender, on ${daysAgo(1)} new unsigned`,
    "The policy host answered with an error, not with the policy. To do:",
    "the host mta-sts.example.com",
    "Checked now : not seen any more.",
    "Anybody can write an unsigned report in the name of another.",
    "under the MTA-STS policy 39 succeeded, 6 failed",
    "30 days 45 sessions",
    `a.test 24 6 20 % ${daysAgo(1)} b.test unsigned 15 0 0 % ${daysAgo(1)}`,
    "a.test signed A &amp; Sons 2026-11-28 3 h ago by mail in 2 ways failure-details is left out where nothing failed",
    "b.test unsigned same id, different content not counted 2026-11-28 3 h ago by HTTPS nowhere",
  ];
  let at = 0;
  const squeezed = text.replaceAll(/ (?=[,.:])/g, "");
  for (const part of parts.map((one) => one.replaceAll(/ (?=[,.:])/g, ""))) {
    const found = squeezed.indexOf(part, at);
    assert(found >= 0, `${part}\nis not in\n${squeezed.slice(at)}`);
    at = found;
  }
});

Deno.test("a failed or missing check is no verdict, and a wildcard is not checked", async () => {
  const undecided = { ...seenNow(), undecided: true };
  const { view, checked, get } = await harness(["example.com", "*.example.net"], {
    seen: undecided,
  });
  view.rows.outcomes.push(
    outcome("example.com", daysAgo(1), { submitter: "a.test", failed: 1 }),
    outcome("*.example.net", daysAgo(1), { submitter: "a.test", failed: 1 }),
  );
  for (const domain of ["example.com", "*.example.net"]) {
    view.rows.problems.push(
      failure(domain, daysAgo(1), {
        submitter: "a.test",
        result: "sts-policy-fetch-error",
        reason: "404",
      }),
    );
  }
  await get("/domain/example.com");
  await settle();
  const { body } = await get("/domain/example.com");
  assertStringIncludes(textOf(body), "no DNS resolver answered, so nothing is known.");
  assertStringIncludes(textOf(body), "cannot be told from here.");
  const wild = await get("/domain/*.example.net");
  assertEquals(wild.status, 200);
  assert(!wild.body.includes("sees now"));
  // No sentence is about a domain with a star in it.
  assertStringIncludes(textOf(wild.body), "on the host mta-sts.&lt;domain&gt;");
  assertEquals(checked, ["example.com"]);
});

Deno.test("only our domains have a page", async () => {
  const { checked, get } = await harness(["example.com"]);
  for (
    const name of [
      "other.test",
      "%00",
      "%zz",
      "",
      "%2e%2e",
      "example.com/",
      encodeURIComponent(HOSTILE),
    ]
  ) {
    const { status, body } = await get(`/domain/${name}`);
    assertEquals([name, status], [name, 404]);
    elementsOf(body);
  }
  assertEquals((await get("/x")).status, 404);
  assertEquals((await get("/healthz")).status, 200);
  assertEquals(checked, []);
});

Deno.test("no text of a stranger gets out of its place, or makes the page large", async () => {
  const long = "w".repeat(5000);
  const { view, get } = await harness(["example.com"], {
    seen: seenNow([
      { id: "x", title: HOSTILE, subject: HOSTILE, seen: HOSTILE + long, fix: HOSTILE },
      ...Array.from({ length: 500 }, () => ({ id: "y", seen: long })),
    ]),
  });
  const plain = await get("/domain/example.com");
  for (let index = 0; index < 300; index++) {
    const submitter = `${index}${HOSTILE}${long}`;
    view.rows.outcomes.push(
      outcome("example.com", daysAgo(1), { submitter, successful: 2 ** 53, failed: 2 ** 53 }),
    );
    view.rows.problems.push(
      failure("example.com", daysAgo(1), {
        submitter,
        result: "validation-failure",
        mx: `${index % 60}${HOSTILE}${long}`,
        reason: `${HOSTILE}${long}`,
        count: 2 ** 53,
      }),
    );
  }
  const times = [NaN, Infinity, -Infinity, 1e300];
  view.kept["example.com"] = Array.from({ length: 100 }, (_, index) =>
    kept({
      submitter: HOSTILE + long,
      organization: HOSTILE + long,
      contact: HOSTILE,
      reportId: HOSTILE,
      receivedAt: times[index % 4]!,
      range: { begin: times[(index + 1) % 4]!, end: times[(index + 2) % 4]! },
      deviations: [HOSTILE + long, "__proto__", "toString", ...Array(100).fill("text-cut")],
    }));
  await settle();
  for (const path of ["/domain/example.com", "/"]) {
    const { status, body, headers = {} } = await get(path);
    assertEquals(status, 200);
    const all = elementsOf(body);
    const elements = new Set(all);
    if (path !== "/") {
      const count = (name: string) => all.filter((one) => one === name).length;
      // 25 problems; 50 senders and 25 reports, with the heads of their tables.
      assertEquals([count("article"), count("tr")], [25, 77]);
      const codes = [...body.matchAll(/<code>([^<]*)</g)].map(([, code]) => code!.length);
      assert(Math.max(...codes) < 1000, `${Math.max(...codes)}`);
    }
    for (const name of ["script", "img", "iframe"]) assert(!elements.has(name), name);
    assert(body.length < 300_000, `${path} has ${body.length} characters`);
    assert(!/[\u202e\0\u2028]/.test(body));
    assertStringIncludes(headers["content-security-policy"]!, "default-src 'none'");
  }
  elementsOf(plain.body);
});

Deno.test("a store that cannot be read is said, and is no empty one", async () => {
  const { view, get } = await harness(["example.com"], {
    state: { ...WELL, store: { error: "disk I/O error", isFull: false } },
  });
  view.outcomes = () => {
    throw new Error("disk I/O error");
  };
  const all = await get("/");
  assertEquals(all.status, 200);
  assertStringIncludes(textOf(all.body), "The reports cannot be read: disk I/O error");
  assert(!all.body.includes("No sender reports a failure"));
  const one = await get("/domain/example.com");
  assertEquals(one.status, 503);
  assertStringIncludes(textOf(one.body), "The reports cannot be read: disk I/O error");
  const { status, body } = await get("/readyz");
  assertEquals([status, JSON.parse(body).wrong], [503, ["store"]]);
});
