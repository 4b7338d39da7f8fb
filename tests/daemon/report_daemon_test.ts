/**
 * `report serve` as a process: what Postfix and `serve` tell it gets into its file, through kills and stops.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { ReportView } from "../../src/reports/report_view.ts";
import { createRandom } from "../fakes/random.ts";
import { type Daemon, startDaemon, startOutside } from "../fakes/daemon.ts";
import datagrams from "../vectors/tlsrpt_datagrams.json" with { type: "json" };

const MAIN = new URL("../../main.ts", import.meta.url).pathname;
const COMMAND = [Deno.execPath(), "run", "-A", "--quiet", MAIN, "report"];

/** A counted second may be lost by a kill; what is older is in the file. */
const FLUSHED_MS = 1300;

/** A directory with a configuration for the report daemon, and what belongs to it. */
class Bench implements AsyncDisposable {
  readonly directory = Deno.makeTempDirSync();
  readonly socket = `${this.directory}/tlsrpt.sock`;
  readonly feed = `${this.directory}/feed.sock`;
  readonly file = `${this.directory}/reports.db`;
  readonly config = `${this.directory}/config.yml`;
  readonly #sender: Deno.DatagramConn;

  constructor(more = "") {
    const report =
      `{collect: "unix:${this.socket}", feed: "unix:${this.feed}", file: "${this.file}",` +
      ` organization: Example, contact: tls@example.com${more}}`;
    Deno.writeTextFileSync(this.config, `report: ${report}\n`);
    this.#sender = Deno.listenDatagram({
      transport: "unixpacket",
      path: `${this.directory}/sender.sock`,
    });
  }

  start(): Promise<Daemon> {
    return startDaemon({ config: this.config, args: [], command: COMMAND });
  }

  /** As Postfix does; @returns whether it was taken. */
  async send(text: string): Promise<boolean> {
    try {
      const octets = new TextEncoder().encode(text);
      await this.#sender.send(octets, { transport: "unixpacket", path: this.socket });
      return true;
    } catch {
      return false;
    }
  }

  /** Sessions of all days. */
  sessions(): { ok: number; failed: number; domains: number } {
    const view = new ReportView(this.file);
    try {
      const sums = { ok: 0, failed: 0, domains: 0 };
      for (const { ok, failed, domains } of view.days()) {
        sums.ok += ok;
        sums.failed += failed;
        sums.domains += domains;
      }
      return sums;
    } finally {
      view.close();
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#sender.close();
    return Deno.remove(this.directory, { recursive: true });
  }
}

/** Waits for something to hold, for as long as a process needs. */
async function until(holds: () => boolean): Promise<void> {
  for (let left = 400; left > 0; left--) {
    if (holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("it does not come true");
}

function session(domain: string): string {
  return JSON.stringify({ d: domain, policies: [{ "policy-type": 9, t: 0, f: 0 }] });
}

async function runCommand(...args: string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", MAIN, "report", ...args],
    env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
  }).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { code, out: out!, err: err! };
}

Deno.test("report serve counts Postfix's datagrams; status and show tell of them", async () => {
  await using bench = new Bench();
  const absent = await runCommand("status", "-c", bench.config);
  assertEquals(absent.code, 3);
  assert(absent.err.includes("has 'report serve' created it?"), absent.err);
  await using daemon = await bench.start();
  for (const text of datagrams) assert(await bench.send(text));
  await until(() => bench.sessions().ok === 14);
  assertEquals(bench.sessions(), { ok: 14, failed: 5, domains: 13 });

  const status = await runCommand("status", "--json", "-c", bench.config);
  const [day] = JSON.parse(status.out).days;
  assertEquals([day.state, day.ok, day.failed], ["open", 14, 5]);
  const show = await runCommand("show", "Mismatch.test", "-c", bench.config);
  const { policies } = JSON.parse(show.out);
  // The two orders of lines are one policy.
  assertEquals(policies.length, 1);
  assertEquals(policies[0].summary["total-failure-session-count"], 2);
  assertEquals(policies[0]["failure-details"][0]["receiving-mx-helo"], "rx.test");
  assertEquals((await runCommand("show", "none.test", "-c", bench.config)).code, 1);
  assertEquals((await runCommand("show", "a b", "-c", bench.config)).code, 2);
  // A new configuration counts at once; a broken one does not.
  Deno.writeTextFileSync(bench.config, "report: {window: x}\n");
  daemon.signal("SIGHUP");
  assert((await daemon.logged("reload refused")).includes("report.window"));
  Deno.writeTextFileSync(bench.config, "log: {format: json}\ndns: {timeout: 3}\n");
  daemon.signal("SIGHUP");
  const line = await daemon.logged("settings take effect at the next start");
  assertEquals(JSON.parse(line).keys, "dns.timeout report.collect report.feed report.file");
  await daemon.logged('"event":"reloaded"');
  daemon.signal("SIGTERM");
  assertEquals((await daemon.ended).code, 0);
  assertEquals(bench.sessions(), { ok: 14, failed: 5, domains: 13 });
  assert(Deno.statSync(bench.file).mode! % 0o1000 === 0o600);
});

Deno.test("report serve has nothing to do without a source", async () => {
  const directory = Deno.makeTempDirSync();
  const config = `${directory}/c.yml`;
  Deno.writeTextFileSync(config, `report: {file: "${directory}/r.db"}\n`);
  const { code, err } = await runCommand("serve", "-c", config);
  assertEquals(code, 2);
  assert(err.includes("set 'report.collect'"), err);
  Deno.removeSync(directory, { recursive: true });
});

Deno.test("a kill -9 at any moment loses a second of counts at most, and the file stays sound", async () => {
  await using bench = new Bench();
  const random = createRandom(16);
  let counted = 0;
  for (let round = 0; round < 6; round++) {
    await using daemon = await bench.start();
    const kept = Array.from({ length: 40 }, (_, index) => `r${round}-${index}.test`);
    for (const domain of kept) if (await bench.send(session(domain))) counted++;
    await new Promise((resolve) => setTimeout(resolve, FLUSHED_MS + random.int(300)));
    // These may be lost.
    for (let index = 0; index < 20; index++) await bench.send(session(`lost${round}.test`));
    daemon.signal("SIGKILL");
    await daemon.ended;
    const { ok, failed } = bench.sessions();
    assert(ok >= counted && failed === 0, `round ${round}: ${ok} of ${counted}`);
    counted = ok;
  }
  assert(counted >= 240);
});

Deno.test("serve tells report serve of a policy that cannot be fetched, and does not wait while that is stopped", async () => {
  await using bench = new Bench();
  await using outside = await startOutside();
  for (const name of ["one", "two", "three"]) {
    outside.publish(`${name}.example`);
    outside.hosts.add(`${name}.example`, { policy: "nonsense" });
  }
  const config = await outside.configure(`report: {feed: "unix:${bench.feed}"}`);
  await using reports = await bench.start();
  await using daemon = await startDaemon({ config });
  await daemon.query("one.example");
  await until(() => bench.sessions().failed === 1);
  const { out } = await runCommand("show", "one.example", "-c", bench.config);
  const [policy] = JSON.parse(out).policies;
  assertEquals(policy["failure-details"], [{
    "result-type": "sts-policy-invalid",
    "failed-session-count": 1,
    "failure-reason-code": "policy-syntax",
  }]);

  reports.signal("SIGSTOP");
  const started = performance.now();
  for (let round = 0; round < 50; round++) {
    const replies = await daemon.query("two.example", "three.example");
    assertEquals(replies, ["NOTFOUND ", "NOTFOUND "]);
  }
  // Two checks, and nothing that waits for the stopped process: it would be for ever.
  assert(performance.now() - started < 10_000);
  reports.signal("SIGCONT");
  await until(() => bench.sessions().domains >= 3);
});
