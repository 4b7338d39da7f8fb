/**
 * The page of the report daemon: what became of yesterday's reports, and no text of strangers gets out of its place.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { createMetrics } from "../../src/base/metrics.ts";
import { createReportSite } from "../../src/daemon/report_http.ts";
import { parseHead } from "../../src/http/request.ts";
import type { ReportStore } from "../../src/reports/report_store.ts";
import { bare, DAY, session, type StoreBench, withStore } from "../reports/support.ts";
import { elementsOf } from "../status/support.ts";

const YESTERDAY = DAY - 1;

/** Text that tries to get out of content, attribute, element and line, and to reorder what it stands beside. */
const HOSTILE = `"><script>alert(1)</script><img src=x onerror='alert(2)'>\u202e&#0;\0\r\n\u2028`;

/** Counts domains for yesterday, and closes it. */
function close(store: ReportStore, ...domains: string[]): void {
  store.count({ day: YESTERDAY, counts: domains.map((domain) => session(domain)) });
  store.planSlice({ day: YESTERDAY, cursor: "" }, { limit: 1000, dueAt: () => DAY * 86_400_000 });
}

async function siteOf({ store, clock }: StoreBench, { queue = 512, mistake = "" } = {}) {
  const metrics = createMetrics();
  metrics.gauge("mta_sts_report_kernel_queue_length", "x").cell().value = queue;
  const site = await createReportSite({
    context: { store, clock, metrics },
    aggregator: { size: 7 },
    delivery: {
      keyMistake: () => mistake || undefined,
      describeMail: () => "DKIM key: the one at s1._domainkey.example.com",
    },
  });
  return async (path: string) => {
    const request = parseHead(`GET ${path} HTTP/1.1\r\nhost: localhost`);
    assert(request !== undefined);
    const reply = await site(request);
    return { ...reply, body: String(reply.body) };
  };
}

/** The text of the rows under a heading. */
function rowsUnder(page: string, id: string): string[] {
  const [, section = ""] = page.split(`<h2 id="${id}"`);
  const body = /^[^]*?<tbody>([^]*?)<\/tbody>/.exec(section)?.[1] ?? "";
  return body.split("</tr>").slice(0, -1).map((row) =>
    row.replaceAll("<wbr>", "").replaceAll(/<[^>]*>/g, " ").replaceAll(/[ \n]+/g, " ").replaceAll(
      /^ | $/g,
      "",
    )
  );
}

/** The key figures under a heading, by name. */
function figuresUnder(page: string, id: string): Record<string, string> {
  const [, section = ""] = page.split(`<h2 id="${id}"`);
  const [list = ""] = section.split("</dl>");
  return Object.fromEntries(
    [...list.matchAll(/<dt>([^<]*)<\/dt>\s*<dd>([^<]*)<\/dd>/g)].map(([, name, value]) => [
      name,
      value,
    ]),
  );
}

Deno.test("the page says what became of yesterday's reports, to whom they went, and why not", async () => {
  await withStore(async (bench) => {
    const { store, clock } = bench;
    close(store, "a.test", "b.test", "c.test", "d.test", "e.test");
    store.count({ day: DAY, counts: [bare("x.test"), bare("y.test")] });
    const settle = (domain: string, outcome: Parameters<ReportStore["settle"]>[1]) => {
      const uri = `mailto:r@${domain}`;
      store.plan(YESTERDAY, domain, [uri], clock.now());
      store.settle({ day: YESTERDAY, domain, uri }, outcome);
    };
    settle("a.test", { state: "sent" });
    settle("b.test", { state: "refused", error: "550 5.1.1 unknown" });
    settle("c.test", { state: "expired", error: "connection refused" });
    settle("d.test", { state: "due", dueAt: clock.now() + 600_000, error: "451 4.7.1 later" });
    const get = await siteOf(bench);
    const { status, type, body } = await get("/");
    assertEquals([status, type], [200, "text/html; charset=utf-8"]);
    assertStringIncludes(body, "<h1>Everything works</h1>");
    assertEquals(figuresUnder(body, "yesterday"), {
      "domains": "5",
      "sessions that succeeded": "5",
      "sessions that failed": "0",
      "refused": "1",
      "expired": "1",
      "waiting": "2",
      "sent": "1",
    });
    assertEquals(rowsUnder(body, "sent"), ["a.test mailto:r@a.test now"]);
    assertEquals(rowsUnder(body, "refused"), ["b.test mailto:r@b.test now 550 5.1.1 unknown"]);
    assertEquals(rowsUnder(body, "expired"), ["c.test mailto:r@c.test now connection refused"]);
    assertEquals(rowsUnder(body, "due"), [
      "e.test not looked up yet 60 min ago",
      "d.test mailto:r@d.test in 10 min 451 4.7.1 later",
    ]);
    assertEquals(figuresUnder(body, "today"), {
      "domains": "2",
      "sessions that succeeded": "2",
      "sessions that failed": "0",
      "sums not in the file yet": "7",
    });
    assertStringIncludes(body, "<dd>DKIM key: the one at s1._domainkey.example.com</dd>");
    assertStringIncludes(body, "<dd>512 datagrams or more</dd>");
  });
});

Deno.test("the page says what is wrong", async () => {
  await withStore(async (bench) => {
    const get = await siteOf(bench, { queue: 10, mistake: "DKIM key: another key at x" });
    const { body } = await get("/");
    assertStringIncludes(body, "<h1>Working, but check: DKIM key</h1>");
    assertStringIncludes(body, "<b>DKIM key</b> DKIM key: another key at x");
    assertStringIncludes(body, "<dd>10 datagrams: too few for a burst of mail</dd>");
    assertStringIncludes((await (await siteOf(bench, { queue: NaN }))("/")).body, "not measured");
  });
});

Deno.test("the page is there if the report file cannot be read", async () => {
  await withStore(async (bench) => {
    const get = await siteOf(bench);
    bench.store.overview = () => {
      throw new Error("disk I/O error");
    };
    const { status, body } = await get("/");
    assertEquals(status, 200);
    assertStringIncludes(body, "The report file cannot be read.");
  });
});

Deno.test("the page lists fifty deliveries of a state, the latest first, and counts at most every ten seconds", async () => {
  await withStore(async (bench) => {
    const { store, clock } = bench;
    const domains = Array.from({ length: 120 }, (_, index) => `d${100 + index}.test`);
    close(store, ...domains);
    for (const domain of domains.slice(0, 119)) {
      store.plan(YESTERDAY, domain, ["mailto:r@x.test"], clock.now());
      const row = { day: YESTERDAY, domain, uri: "mailto:r@x.test" };
      store.settle(row, { state: "refused", error: "550 x" });
      await clock.advance(1);
    }
    const get = await siteOf(bench);
    const { body } = await get("/");
    const rows = rowsUnder(body, "refused");
    assertEquals(rows.length, 50);
    assert(rows[0]!.startsWith("d218.test "), rows[0]);
    assertStringIncludes(body, "And 69 more.");
    const last = { day: YESTERDAY, domain: "d219.test", uri: "mailto:r@x.test" };
    store.plan(YESTERDAY, last.domain, [last.uri], clock.now());
    store.settle(last, { state: "refused", error: "550 x" });
    await clock.advance(9000);
    assertEquals(figuresUnder((await get("/")).body, "yesterday").refused, "119");
    await clock.advance(1000);
    assertEquals(figuresUnder((await get("/")).body, "yesterday").refused, "120");
  });
});

Deno.test("no text of a stranger gets out of its place on the page, or makes it large", async () => {
  await withStore(async (bench) => {
    const { store, clock } = bench;
    // The file may hold anything.
    const states = ["refused", "expired", "due"] as const;
    // A name with a NUL is no key: the library that reads the file ends text there.
    const domainOf = (state: string) => `${state}${HOSTILE.replace("\0", "")}`;
    close(store, ...states.map(domainOf));
    for (const state of states) {
      const domain = domainOf(state);
      store.plan(YESTERDAY, domain, [HOSTILE, `https://${"x".repeat(5000)}.test/`], clock.now());
      for (const uri of [HOSTILE, `https://${"x".repeat(5000)}.test/`]) {
        const error = HOSTILE + "y".repeat(5000);
        store.settle({ day: YESTERDAY, domain, uri }, { state, error, dueAt: 1e300 });
      }
    }
    const { headers, body } = await (await siteOf(bench))("/");
    assertEquals(rowsUnder(body, "refused").length, 2);
    const names = new Set(elementsOf(body));
    assert(!names.has("script") && !names.has("img"));
    assert(!/[\u202e\u2028\0\r]/.test(body));
    assert(!/x{250}|y{350}/.test(body));
    // Nothing that a stranger has chosen is a link.
    const links = [...body.matchAll(/href="([^"]*)"/g)].map(([, to]) => to!);
    assertEquals(links.filter((to) => !to.startsWith("data:")), ["/metrics", "/readyz"]);
    const policy = headers?.["content-security-policy"] ?? "";
    assertStringIncludes(policy, "default-src 'none'; style-src 'sha256-");
    assert(!/ style="|<script| on[a-z]+="/.test(body));
  });
});

Deno.test("createReportSite() has a page, metrics and health, and nothing else", async () => {
  await withStore(async (bench) => {
    const get = await siteOf(bench);
    const paths = ["/", "/metrics", "/healthz", "/readyz", "/x", "//"];
    const statuses = await Promise.all(paths.map(async (path) => (await get(path)).status));
    assertEquals(statuses, [200, 200, 200, 200, 404, 404]);
  });
});
