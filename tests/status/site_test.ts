import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { parseHead } from "../../src/http/request.ts";
import { text } from "../../src/http/server.ts";
import { forLocalNames } from "../../src/status/site.ts";
import { threadTime } from "../fakes/cpu_time.ts";
import { DAY, HOUR, MINUTE } from "../fakes/world.ts";
import { createTestSite, elementsOf, put } from "./support.ts";

/** Text that tries to get out of content, attribute, element and line, and to reorder what it stands beside. */
const HOSTILE = `"><script>alert(1)</script><img src=x onerror='alert(2)'>\u202e&#0;\0\r\n\u2028`;

/** The rows of the list: the text of their cells. */
function rowsOf(page: string): string[][] {
  const [, list = ""] = page.split('<h2 id="domains"');
  const body = /<tbody>(.*)<\/tbody>/s.exec(list)?.[1] ?? "";
  return body.split("</tr>").slice(0, -1).map((row) =>
    [...row.matchAll(/<t[hd][^>]*>(.*?)<\/t[hd]>/gs)].map(([, cell]) =>
      cell!.replaceAll(/<[^>]*>/g, "").replaceAll(/\n+/g, " ").replaceAll(/^ | $/g, "")
    )
  );
}

function domainsOf(page: string): string[] {
  return rowsOf(page).map(([domain]) => domain!);
}

Deno.test("createSite() has pages, metrics and health, and nothing else", async () => {
  const { get } = await createTestSite();
  const seen: Record<string, [number, string]> = {};
  const paths = [
    "/",
    "/metrics",
    "/healthz",
    "/readyz",
    "/domain/a.example",
    "/x",
    "/domain/",
    "//",
  ];
  for (const path of paths) {
    const { status, type } = await get(path);
    seen[path] = [status, type];
  }
  const page = "text/html; charset=utf-8";
  const plain = "text/plain; charset=utf-8";
  assertEquals(seen, {
    "/": [200, page],
    "/metrics": [200, "text/plain; version=0.0.4"],
    "/healthz": [200, "application/json"],
    "/readyz": [200, "application/json"],
    "/domain/a.example": [404, page],
    "/x": [404, plain],
    "/domain/": [404, plain],
    "//": [404, plain],
  });
});

Deno.test("/readyz names what is wrong, and is 503 only for what failed", async () => {
  const { get, parts } = await createTestSite();
  assertEquals(JSON.parse((await get("/readyz")).body).status, "ready");
  parts.sockets = 0;
  const reply = await get("/readyz");
  assertEquals(reply.status, 503);
  const { status, wrong, checks } = JSON.parse(reply.body);
  assertEquals([status, wrong, checks[0]], ["unready", ["listening"], {
    name: "listening",
    status: "failed",
    detail: "queries are not accepted",
  }]);
  assertEquals((await get("/healthz")).status, 200);
});

Deno.test("the status page begins with the verdict", async () => {
  const { get, parts, clock } = await createTestSite();
  assertStringIncludes((await get("/")).body, "<h1>Everything works</h1>");
  parts.probe = { kind: "does-not-validate", detail: "no AD bit" };
  await clock.advance(MINUTE);
  assertStringIncludes((await get("/")).body, "<h1>Working, but check DNSSEC</h1>");
  parts.sockets = 0;
  assertStringIncludes((await get("/")).body, "<h1>Not working: Listening</h1>");
});

Deno.test("the status page lists 500 domains by the hundred, sorted as asked", async () => {
  const { get, store, clock } = await createTestSite();
  for (let i = 0; i < 500; i++) {
    put(store, `d${String(i).padStart(3, "0")}.example`, {
      fetchedAt: clock.now() - ((i * 7) % 500) * MINUTE,
      lastUsedAt: clock.now() - ((i * 3) % 500) * MINUTE,
    });
  }
  const first = (await get("/")).body;
  assertEquals(elementsOf(first).filter((name) => name === "tr").length, 101);
  assertStringIncludes(first, "<caption>1 to 100 of 500</caption>");
  assertEquals(domainsOf(first).slice(0, 3), ["d000.example", "d167.example", "d334.example"]);
  assertStringIncludes(first, `<th scope="col" aria-sort="descending">`);
  const [next] = /\/\?sort=used[^"]*page=2[^"]*/.exec(first) ?? [];
  const second = (await get(next!.replaceAll("&amp;", "&").split("#")[0]!)).body;
  assertStringIncludes(second, "<caption>101 to 200 of 500</caption>");

  const last = (await get("/?sort=domain&page=5")).body;
  assertEquals(domainsOf(last).at(-1), "d499.example");
  assert(!last.includes("Next page"));
  assertEquals(domainsOf((await get("/?sort=domain&dir=down")).body)[0], "d499.example");
  assertEquals(domainsOf((await get("/?sort=fetched")).body)[0], "d357.example");
  assertEquals(domainsOf((await get("/?sort=fetched&dir=down")).body)[0], "d000.example");
  assertStringIncludes((await get("/?page=6")).body, "The list ends before this page.");
  assertEquals(domainsOf((await get("/?sort=nonsense&page=-1")).body)[0], "d000.example");
});

Deno.test("the status page shows mode, ages and what went wrong last", async () => {
  const site = await createTestSite();
  const { store, clock, world, get } = site;
  put(store, "a.example", { mode: "testing", fetchedAt: clock.now() - 3 * HOUR });
  put(store, "b.example", { fetchedAt: clock.now() - 90_000, maxAge: 100 });
  store.putFailure({
    domain: "a.example",
    id: "1",
    reason: "status",
    detail: "HTTP status 404",
    count: 1,
    failedAt: clock.now() - 10 * MINUTE,
    retryAt: clock.now(),
  });
  world.publish("c.example", { mode: "none", mx: [] });
  await world.outcome("c.example");
  world.dns.table["TXT _mta-sts.c.example"] = "timeout";
  await clock.advance(6 * MINUTE);
  await world.outcome("c.example");
  await clock.advance(5_000);
  assertEquals(rowsOf((await get("/?sort=domain")).body), [
    [
      "a.example",
      "testing",
      "3 h ago",
      "in 6 d",
      "3 h ago",
      "",
      "Policy not fetched: status, 16 min ago",
    ],
    ["b.example", "enforce", "7 min ago", "5 min ago", "7 min ago", "", ""],
    // Uses are noted a few times a day.
    [
      "c.example",
      "none",
      "6 min ago",
      "in 6 d",
      "6 min ago",
      "",
      "Cached policy kept: timeout, 5 s ago",
    ],
  ]);
});

Deno.test("the status page finds domains by the beginning of their name", async () => {
  const { get, store } = await createTestSite();
  for (
    const domain of ["alpha.example", "alphabet.example", "beta.example", "xn--mller-kva.example"]
  ) {
    put(store, domain);
  }
  assertEquals(domainsOf((await get("/?q=alpha")).body), ["alpha.example", "alphabet.example"]);
  assertEquals(domainsOf((await get("/?q=+ALPHA.E+")).body), ["alpha.example"]);
  assertEquals(domainsOf((await get("/?q=m%C3%BCller.example")).body), [
    "xn--mller-kva.example müller.example",
  ]);
  const nothing = (await get("/?q=gamma.example")).body;
  assertStringIncludes(
    nothing,
    "No cached domain begins with &ldquo;gamma.example&rdquo;.",
  );
  assertStringIncludes(nothing, `<a href="/domain/gamma.example">`);
});

Deno.test("the status page draws the answers and says the same in words", async () => {
  const { get, metrics, clock } = await createTestSite();
  const queries = metrics.counter("mta_sts_queries_total", "", ["zone", "answer"]);
  queries.cell("default", "secure").value += 1234;
  queries.cell("default", "temp").value += 1;
  await clock.advance(5 * MINUTE);
  const { body } = await get("/");
  assertStringIncludes(
    body,
    `aria-label="Last hour: 1,235 queries, 1,234 MTA-STS enforced, 0 left to DANE, ` +
      `0 nothing to enforce, 1 deferred, at most 1,235 in a minute"`,
  );
  // The one deferred mail stands on top of its bar, high enough to be seen.
  assertMatch(body, /<path class="a-temp" d="M\d+ [\d.]+h8v3h-8z" \/>/);
});

Deno.test("the status page shows recent warnings with a link to the domain", async () => {
  const { get, warnings, clock } = await createTestSite();
  warnings.warn("k", "policy fetch failed", {
    domain: "a.example",
    id: "1",
    reason: "tls",
    detail: "no common version",
  });
  await clock.advance(2 * HOUR);
  const { body } = await get("/");
  assertMatch(
    body,
    /2 h ago<\/time>\s*<div><b>policy fetch failed<\/b> <a href="\/domain\/a\.example">a\.<wbr>example<\/a> <span>tls; no common version; id 1<\/span>/,
  );
});

Deno.test("the page of a domain shows the policy, the MX hosts and the steps", async () => {
  const { get, world, clock } = await createTestSite();
  world.publish("example.com", { mx: ["mx1.example.com", "*.mail.example.com"] });
  world.dns.table["MX example.com"] = [
    { preference: 10, exchange: "mx1.example.com" },
    { preference: 20, exchange: "other.example.net" },
  ];
  await world.outcome("example.com");
  await clock.advance(2 * DAY);
  const { status, body } = await get("/domain/Example.COM.");
  assertEquals(status, 200);
  elementsOf(body);
  for (
    const part of [
      "<h1>example.<wbr>com</h1>",
      "2026-01-01 00:00, ",
      "<li>mx: *.mail.example.com</li>",
      `mx1.example.com <span class="soft">in the policy</span>`,
      `other.example.net <span class="bad">not in the policy</span>`,
      "Policy took effect",
      "fetched: the policy was fetched",
    ]
  ) assertStringIncludes(body, part);
});

Deno.test("the page of a domain marks what is wrong in a policy file, and cuts a huge one", async () => {
  const { get, store } = await createTestSite();
  const lines = [
    "version: STSv1",
    "mode: enforce",
    "mx: ???",
    "mx: mx.a.example",
    "max_age: 86400",
  ];
  put(store, "a.example", { text: [...lines, ...Array(5000).fill(""), ""].join("\n") });
  const { body } = await get("/domain/a.example");
  assertStringIncludes(body, "<li>mx: ???<em>mx is not a host name or *. and one</em></li>");
  assertStringIncludes(body, "And 4805 more lines.");
  assert(body.length < 40_000);
});

Deno.test("no remote text gets out of its place on any page", async () => {
  const { get, store, warnings, events } = await createTestSite();
  const text = `version: STSv1\nmode: enforce\nmx: a.example\nmax_age: 86400\nx: ${HOSTILE}`;
  put(store, "a.example", { text });
  store.putFailure({
    domain: "a.example",
    id: "1",
    reason: "status",
    detail: HOSTILE,
    count: 1,
    failedAt: Date.UTC(2026, 0, 1),
    retryAt: Date.UTC(2027, 0, 1),
  });
  const failed = { kind: "failed", reason: "tls", detail: HOSTILE } as const;
  events.note({ kind: "fetch", domain: "a.example", id: "1", result: failed, ms: 1 });
  events.note({
    kind: "txt",
    domain: "a.example",
    result: { kind: "failed", reason: "servfail", detail: HOSTILE },
    ms: 1,
  });
  warnings.warn("k", "policy fetch failed", {
    domain: HOSTILE,
    detail: HOSTILE,
    [HOSTILE]: HOSTILE,
  });
  const query = encodeURIComponent(HOSTILE);
  for (
    const path of [
      "/",
      "/domain/a.example",
      `/?q=${query}`,
      `/?sort=${query}&dir=${query}&page=${query}`,
    ]
  ) {
    const { body } = await get(path);
    const names = new Set(elementsOf(body));
    assert(!names.has("script") && !names.has("img"), path);
    assert(!/[\u202e\u2028\0\r]/.test(body), path);
  }
  const refused = await get(`/domain/${query}`);
  assertEquals([refused.status, refused.type], [404, "text/plain; charset=utf-8"]);
  assertEquals((await get("/domain/%ff")).status, 404);
});

Deno.test("pages allow the browser their own style sheet and nothing else", async () => {
  const { get } = await createTestSite();
  const { headers, body } = await get("/");
  const [, style] = /<style>(.*)<\/style>/s.exec(body) ?? [];
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(style));
  const hash = btoa(String.fromCharCode(...new Uint8Array(digest)));
  assertEquals(
    headers?.["content-security-policy"],
    `default-src 'none'; style-src 'sha256-${hash}'; img-src data:; form-action 'self'; ` +
      "base-uri 'none'; frame-ancestors 'none'",
  );
  assert(!/ style="|<script| on[a-z]+="/.test(body));
});

Deno.test("100,000 domains do not make a page large or slow", async () => {
  const { get, store, clock } = await createTestSite();
  for (let i = 0; i < 100_000; i++) {
    put(store, `d${(i * 7919) % 100_000}.example`, { lastUsedAt: clock.now() - i * 1000 });
  }
  for (const path of ["/", "/?sort=expires&page=20", "/?q=d1"]) {
    let best = Infinity;
    for (let run = 0; run < 5; run++) {
      const start = threadTime();
      const { body } = await get(path);
      best = Math.min(best, threadTime() - start);
      assert(body.length < 150_000);
      assertEquals(domainsOf(body).length, 100);
    }
    assert(best < 50, `${path} took ${best} ms of the processor`);
  }
});

Deno.test("forLocalNames() refuses a name that a stranger's page can have (DNS rebinding)", async () => {
  const site = forLocalNames(() => text(200, "welcome"));
  const ask = (host: string) => site(parseHead(`GET / HTTP/1.1\r\nhost: ${host}`)!);
  assertEquals((await ask("127.0.0.1:8462")).status, 200);
  assertEquals((await ask("localhost:8462")).status, 200);
  assertEquals((await ask("rebound.example:8462")).status, 421);
});

/** The text of a page. */
function textOf(page: string): string {
  const [, body = ""] = page.split("<body>");
  return body.replaceAll(/<[^>]*>/g, "").replaceAll(/\s+/g, " ");
}

/** Has Postfix ask for a domain with broken DNSSEC. */
async function deferSome(site: Awaited<ReturnType<typeof createTestSite>>, domain: string) {
  const { world, deferrals } = site;
  world.publish(domain);
  world.dns.table[`MX ${domain}`] = "servfail";
  const { answer } = await world.resolve(domain);
  if (answer.kind !== "temp") throw new TypeError(`Not deferred: ${answer.kind}`);
  const nextHop = { domain, bracketed: false, port: 25 };
  deferrals.note({ nextHop, zone: { name: "default" }, temp: answer });
}

Deno.test("the status page never says that everything works while mail is deferred", async () => {
  const site = await createTestSite();
  await deferSome(site, "a.example");
  const page = (await site.get("/")).body;
  elementsOf(page);
  assertStringIncludes(page, "<h1>Working, but mail to 1 domain is deferred</h1>");
  const text = textOf(page);
  assertStringIncludes(text, "Deferred now");
  assertStringIncludes(
    text,
    "cannot check a.example for DANE: DNS servfail Look up MX a.example, and",
  );
  // The block stands before everything else.
  assert(page.indexOf('id="deferred"') < page.indexOf('class="figures"'));

  const own = textOf((await site.get("/domain/a.example")).body);
  assertStringIncludes(
    own,
    "Mail to this domain is deferred. Postfix has asked once, first now, last now, and got:",
  );
  assertStringIncludes(own, "TEMP cannot check a.example for DANE: DNS servfail");
  assertStringIncludes(own, "Last answer TEMP cannot check a.example for DANE: DNS servfail, now");

  const nextHop = { domain: "a.example", bracketed: false, port: 25 };
  site.deferrals.note({ nextHop, zone: { name: "default" } });
  const after = (await site.get("/")).body;
  assertStringIncludes(after, "<h1>Everything works</h1>");
  assert(!after.includes("Deferred now"));
});

Deno.test("the status page says that a reload was refused, and names the machine", async () => {
  const { get, parts } = await createTestSite();
  parts.refusal = { at: Date.UTC(2026, 0, 1), message: `x.yml:3: unknown key '${HOSTILE}'` };
  const { body } = await get("/");
  elementsOf(body);
  assertStringIncludes(body, "<h1>Working, but the last reload was refused</h1>");
  assertStringIncludes(
    body,
    "<title>mail.example: Working, but the last reload was refused – MTA-STS</title>",
  );
  assertStringIncludes(body, "<b>mail.<wbr>example</b>");
  assertStringIncludes(textOf(body), "x.yml:3: unknown key &#39;");
});

Deno.test("the status page lists policies that cannot be fetched, with what to do", async () => {
  const site = await createTestSite();
  const { world, clock, get } = site;
  world.publish("a.example");
  world.hosts["a.example"] = {
    kind: "failed",
    reason: "certificate-expired",
    detail: "it ended in 2025",
  };
  await world.outcome("a.example");
  await clock.advance(2 * HOUR);
  await world.outcome("a.example");
  const text = textOf((await get("/")).body);
  assertMatch(
    text,
    /Policies that cannot be fetched .* a\.example certificate-expired: it ended in 2025 The policy host needs a new certificate: tell the postmaster of a\.example\. Mail is delivered meanwhile\. 2 h ago 2 in \d+ min/,
  );
  assertStringIncludes(text, "Everything works");
  const own = textOf((await get("/domain/a.example")).body);
  assertStringIncludes(own, "The policy host needs a new certificate");
  world.publish("a.example");
  await clock.advance(2 * HOUR);
  await world.outcome("a.example");
  assert(!(await get("/")).body.includes("cannot be fetched"));
});

Deno.test("the status page shows only domains with problems if asked to, sorted as asked", async () => {
  const { get, store, clock } = await createTestSite();
  for (let i = 0; i < 130; i++) {
    put(store, `d${String(i).padStart(3, "0")}.example`, { fetchedAt: clock.now() - i * MINUTE });
  }
  for (const domain of ["d007.example", "d100.example", "gone.example"]) {
    const times = { failedAt: clock.now(), retryAt: clock.now() + HOUR };
    store.putFailure({ domain, id: "1", reason: "tls", detail: "no", count: 1, ...times });
  }
  const all = (await get("/")).body;
  assertStringIncludes(all, `only=problems`);
  const some = (await get("/?only=problems&sort=domain")).body;
  elementsOf(some);
  assertEquals(domainsOf(some), ["d007.example", "d100.example"]);
  assertStringIncludes(some, "<caption>1 to 2 of those with a problem</caption>");
  assertStringIncludes(
    some,
    "/?sort=domain&amp;dir=down&amp;only=problems#domains",
  );
  const oldest = (await get("/?only=problems&sort=fetched")).body;
  assertEquals(domainsOf(oldest), ["d100.example", "d007.example"]);
  const { get: getNone } = await createTestSite();
  assertStringIncludes((await getNone("/?only=problems")).body, "No cached domain has a problem.");
});

Deno.test("the pages show how often each answer was given for a domain", async () => {
  const { get, store, counts } = await createTestSite();
  put(store, "a.example");
  const tally = counts.tallyOf("a.example");
  tally.secure += 1234;
  tally.temp += 5;
  const [row] = rowsOf((await get("/")).body);
  assertEquals(row?.[5], "1,234 MTA-STS enforced 5 deferred");
  counts.settle();
  put(store, "b.example");
  assertStringIncludes(
    textOf((await get("/domain/a.example")).body),
    "Answers 1,234 MTA-STS enforced 5 deferred",
  );
});

Deno.test("an internationalized domain is shown in its own script beside its A-labels", async () => {
  const { get, store } = await createTestSite();
  put(store, "xn--bcher-kva.example");
  const shown = `<bdi class="idn">bücher.<wbr>example</bdi>`;
  assertStringIncludes((await get("/")).body, shown);
  const { body } = await get("/domain/xn--bcher-kva.example");
  assertStringIncludes(body, "<h1>xn--bcher-kva.<wbr>example</h1>");
  assertStringIncludes(body, shown);
});
