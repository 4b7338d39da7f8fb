import { assertEquals, assertLess } from "@std/assert";
import { checkDomains, type CheckOptions, type Progress } from "../../src/check/check.ts";
import { ADDRESSES_MAX, MX_HOSTS_MAX } from "../../src/check/gather.ts";
import { PROBE_TIMEOUT_MS } from "../../src/check/probe_timeout.ts";
import type { TlsProbe, TlsTarget } from "../../src/check/tls_probe.ts";
import { closest } from "../../src/config/suggest.ts";
import { createFakeDns, type FakeReply } from "../fakes/fake_dns.ts";
import { ManualClock } from "../fakes/manual_clock.ts";
import { POLICY } from "./world.ts";

/** What issue of time a postmaster is promised for an ordinary domain, ms. */
const PROMISE_MS = 15_000;

const VERIFIED: TlsProbe = { kind: "verified" };

/** A check of domains in a table, with probes that take the time they are given. */
function arrange(
  table: Record<string, FakeReply>,
  options: Partial<CheckOptions> & { probe?: (target: TlsTarget) => [TlsProbe, number] } = {},
) {
  const clock = new ManualClock();
  const dns = createFakeDns(table, { clock });
  const targets: TlsTarget[] = [];
  const load = { now: 0, most: 0 };
  const { probe = () => [VERIFIED, 100] } = options;
  const run = (domains: readonly string[]) =>
    checkDomains(domains, {
      mxOnly: false,
      smtp: true,
      smtpPort: 25,
      directHttps: true,
      clock,
      suggest: closest,
      ...options,
      effects: {
        dns,
        guard: () => undefined,
        fetchPolicy: () => Promise.resolve({ kind: "fetched", text: POLICY, bytes: POLICY.length }),
        async probeTls(target) {
          targets.push(target);
          load.most = Math.max(load.most, ++load.now);
          const [result, time] = probe(target);
          await new Promise<void>((resolve) => clock.setTimer(resolve, time));
          load.now--;
          return result;
        },
      },
    });
  return { clock, dns, targets, load, run };
}

/** MX hosts with addresses of both families. */
function mailTable(domain: string, hosts: readonly string[], perFamily = 1) {
  const table: Record<string, FakeReply> = {
    [`MX ${domain}`]: hosts.map((exchange, index) => ({ preference: index, exchange })),
  };
  for (const [index, host] of hosts.entries()) {
    const numbers = Array.from({ length: perFamily }, (_, at) => at);
    table[`A ${host}`] = numbers.map((at) => `192.0.${index}.${at}`);
    table[`AAAA ${host}`] = numbers.map((at) => `2001:db8::${index}:${at}`);
  }
  return table;
}

Deno.test("checkDomains() ends in time with four MX hosts of two addresses, one of which hangs", async () => {
  const hosts = ["a", "b", "c", "d"].map((label) => `${label}.example.com`);
  const { clock, targets, run } = arrange(mailTable("example.com", hosts), {
    probe: ({ address }) =>
      address === "192.0.2.0"
        ? [{ kind: "unconnected", how: "timeout", detail: "timed out" }, PROBE_TIMEOUT_MS]
        : [VERIFIED, 1000],
  });
  const start = clock.now();
  let end = Infinity;
  const reports = run(["example.com"]).then((found) => {
    end = clock.now();
    return found;
  });
  await clock.advance(PROMISE_MS);
  assertLess(end - start, PROMISE_MS);
  assertEquals(targets.length, 8);
  const [report] = await reports;
  assertEquals(report?.findings.filter(({ id }) => id === "smtp-unreachable").length, 1);
  assertEquals(report?.findings.filter(({ id }) => id === "mx-ok").length, 7);
});

Deno.test("checkDomains() connects to no more hosts at once than it may, and to each target once", async () => {
  const hosts = Array.from({ length: 12 }, (_, index) => `mx${index}.example.net`);
  const table = { ...mailTable("a.example", hosts), ...mailTable("b.example", hosts) };
  const { clock, targets, load, run } = arrange(table);
  const reports = run(["a.example", "b.example"]);
  await clock.advance(60_000);
  assertEquals((await reports).map(({ domain }) => domain), ["a.example", "b.example"]);
  assertEquals(targets.length, 24);
  assertEquals(load.most, 16);
});

Deno.test("checkDomains() looks at a bounded number of hosts and addresses, and says so", async () => {
  const hosts = Array.from({ length: MX_HOSTS_MAX + 3 }, (_, index) => `mx${index}.example.net`);
  const { clock, targets, run } = arrange(mailTable("a.example", hosts, ADDRESSES_MAX + 2));
  const reports = run(["a.example"]);
  await clock.advance(60_000);
  const [report] = await reports;
  assertEquals(targets.length, MX_HOSTS_MAX * ADDRESSES_MAX * 2);
  const cut = report?.findings.filter(({ id }) => id === "mx-too-many") ?? [];
  assertEquals(cut.length, 1 + MX_HOSTS_MAX);
  assertEquals(cut[0]?.seen, "3 hosts left out");
});

Deno.test("checkDomains() leaves alone what it is told to", async () => {
  const table = mailTable("example.com", ["mx1.example.com"]);
  const alone = arrange(table, { mxOnly: true });
  const reports = alone.run(["example.com"]);
  await alone.clock.advance(1000);
  const groups = (await reports)[0]?.findings.map(({ group }) => group) ?? [];
  assertEquals([...new Set(groups)], ["mx", "dane"]);
  assertEquals(alone.dns.questions.some((question) => question.startsWith("TXT")), false);

  const silent = arrange({ ...table, "A mta-sts.example.com": ["192.0.2.80"] }, {
    smtp: false,
    directHttps: false,
  });
  const [report] = await silent.run(["example.com"]);
  assertEquals(silent.targets, []);
  assertEquals(report?.findings.some(({ id }) => id === "smtp-skipped"), true);
  assertEquals(report?.findings.some(({ id }) => id === "mx-none-usable"), false);
});

Deno.test("checkDomains() tells how far it has come", async () => {
  const steps: Progress[] = [];
  const { clock, run } = arrange(mailTable("example.com", ["mx1.example.com"]), {
    onProgress: (progress) => steps.push(progress),
  });
  const reports = run(["example.com"]);
  await clock.advance(1000);
  await reports;
  assertEquals(steps, [
    { tried: 0, known: 1, domains: 0 },
    { tried: 0, known: 2, domains: 0 },
    { tried: 1, known: 2, domains: 0 },
    { tried: 2, known: 2, domains: 0 },
    { tried: 2, known: 2, domains: 1 },
  ]);
});

Deno.test("checkDomains() says that nothing can be said when no resolver answers", async () => {
  const { run } = arrange({
    "MX example.com": "unreachable",
    "TXT _mta-sts.example.com": "timeout",
  });
  const [report] = await run(["example.com"]);
  assertEquals(report?.undecided, true);
  const fault = arrange({ "MX example.com": "servfail", "TXT _mta-sts.example.com": "timeout" });
  assertEquals((await fault.run(["example.com"]))[0]?.undecided, false);
});

Deno.test("checkDomains() collects the facts behind the findings", async () => {
  const { clock, run } = arrange({
    ...mailTable("example.com", ["mx1.example.com", "mx.example.net"]),
    "TXT _mta-sts.example.com": ["v=STSv1; id=1;"],
  });
  const reports = run(["example.com"]);
  await clock.advance(1000);
  const facts = (await reports)[0]?.facts;
  assertEquals(facts?.id, "1");
  assertEquals(facts?.policy?.mode, "enforce");
  assertEquals(facts?.mxHosts.map(({ name, covered }) => [name, covered]), [
    ["mx1.example.com", true],
    ["mx.example.net", false],
  ]);
  assertEquals(facts?.mxHosts[0]?.addresses, [
    { address: "192.0.0.0", result: "verified" },
    { address: "2001:db8::0:0", result: "verified" },
  ]);
});
