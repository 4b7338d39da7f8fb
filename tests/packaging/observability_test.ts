/**
 * Dashboard, alert rules and the table of metrics against a daemon that has seen something of each
 * kind: what they name exists, and what exists is in the table.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { parse as parseYaml } from "@std/yaml";
import { querySocketmap } from "../../src/postfix/client.ts";
import { receivedMetrics } from "./received_metrics.ts";
import { reportMetrics } from "./report_metrics.ts";
import { hasRedis, RedisServer } from "../fakes/redis_server.ts";
import { startDaemon, startOutside } from "../fakes/daemon.ts";

const ROOT = new URL("../../", import.meta.url);

/** Asked for, so that a counter may betray them. */
const DOMAINS = ["good.example", "broken.example", "none.example"];

/** A metric as the daemon shows it. */
interface Family {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly labels: readonly string[];
}

/** The metrics of a daemon after some queries, as text. */
async function liveMetrics(): Promise<string> {
  await using outside = await startOutside();
  const [http, control] = ["http", "control"].map((name) => `${outside.directory}/${name}.sock`);
  const report = `report: { feed: "unix:${outside.directory}/feed.sock" }`;
  const config = await outside.configure(
    `http: "unix:${http}"\ncontrol: "unix:${control}"\n${report}`,
  );
  await using engine = hasRedis ? await RedisServer.start() : undefined;
  const shared = `{ shared: { url: "redis://127.0.0.1:${engine?.port ?? 1}" },`;
  const yaml = Deno.readTextFileSync(config).replace(/^cache: \{/m, `cache: ${shared}`);
  Deno.writeTextFileSync(config, yaml);
  outside.publish("good.example");
  outside.publish("broken.example");
  outside.hosts.add("broken.example", { policy: "nonsense" });
  await using daemon = await startDaemon({ config });
  await daemon.query(...DOMAINS, ".good.example");
  await daemon.query(...DOMAINS);
  // A policy that cannot be fetched anew is kept.
  outside.hosts.add("good.example", { policy: "nonsense" });
  const address = { kind: "unix", path: control!, mode: 0o600 } as const;
  await querySocketmap(address, "refresh", ["good.example"], { timeout: 20_000 });
  const client = Deno.createHttpClient({ proxy: { transport: "unix", path: http! } });
  const response = await fetch("http://localhost/metrics", { client });
  assertEquals(response.headers.get("content-type"), "text/plain; version=0.0.4");
  const text = await response.text();
  client.close();
  return text;
}

/** Reads the metrics, histograms as one. */
function familiesOf(metrics: string): Family[] {
  return metrics.split("# HELP ").slice(1).map((block) => {
    const [head = "", type = "", ...samples] = block.split("\n");
    const [name = ""] = head.split(" ");
    const labels = new Set<string>();
    for (const sample of samples) {
      for (const [, label] of sample.matchAll(/[{,]([a-z_]+)="/g)) labels.add(label!);
    }
    labels.delete("le");
    return {
      name,
      type: type.split(" ").at(-1)!,
      help: head.slice(name.length + 1),
      labels: [...labels].sort(),
    };
  });
}

/** All texts under the key `expr`, wherever they stand. */
function expressionsOf(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === "expr" ? [String(inner)] : expressionsOf(inner)
  );
}

/** Added by Prometheus itself. */
const SCRAPED_LABELS = ["job", "instance"];

/** What an expression names that the metrics do not have. */
function unknownIn(expression: string, metrics: string): string[] {
  const unknown: string[] = [];
  const families = familiesOf(metrics);
  const selectors = expression.matchAll(/\b((?:mta_sts|process)_[a-z_]+)(?:\{([^}]*)\})?/g);
  for (const [, name = "", matchers = ""] of selectors) {
    const family = families.find((one) =>
      one.name === name || one.type === "histogram" && name === `${one.name}_bucket`
    );
    if (family === undefined) unknown.push(name);
    for (
      const [, label = "", operator, value] of matchers.matchAll(/([a-z]+)(=~|!=|=)"([^"]*)"/g)
    ) {
      if (SCRAPED_LABELS.includes(label)) continue;
      const values = operator === "=~" ? value!.split("|") : [value];
      for (const one of values) {
        const series = new RegExp(`^${name}\\{[^}]*\\b${label}="${one}"`, "m");
        if (!series.test(metrics)) unknown.push(`${name}{${label}="${one}"}`);
      }
    }
  }
  const grouped = [...expression.matchAll(/\bby \(([a-z, ]+)\)/g)].flatMap(([, list]) =>
    list!.split(", ")
  );
  const labels = [...SCRAPED_LABELS, "le", ...families.flatMap((family) => family.labels)];
  return [...unknown, ...grouped.filter((label) => !labels.includes(label))];
}

/** Runs promtool; `undefined` where there is none. */
async function promtool(args: string[], input = ""): Promise<string | undefined> {
  try {
    const process = new Deno.Command("promtool", {
      args,
      cwd: new URL("packaging/", ROOT),
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const writer = process.stdin.getWriter();
    await writer.write(new TextEncoder().encode(input));
    await writer.close();
    const { success, stdout, stderr } = await process.output();
    const text = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("");
    return success ? "" : text;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    console.log(`Not checked: promtool ${args.join(" ")}, there is no promtool here`);
    return undefined;
  }
}

function read(path: string): string {
  return Deno.readTextFileSync(new URL(path, ROOT));
}

/** A row of the table in the manual. */
function tableRow({ name, type, labels, help }: Family): string {
  const list = labels.map((label) => `\`${label}\``).join(", ");
  return `| \`${name}\` | ${type} | ${list} | ${help} |`.replaceAll(/ +/g, " ");
}

Deno.test("metrics, dashboard, alert rules and manual agree", async (t) => {
  const resolverMetrics = await liveMetrics();
  // Dashboard and alert rules are for all daemons.
  const received = await receivedMetrics();
  const metrics = resolverMetrics + await reportMetrics() + received;
  const families = familiesOf(metrics);

  await t.step("promtool finds nothing to complain about in the metrics", async () => {
    assertEquals(await promtool(["check", "metrics"], resolverMetrics) ?? "", "");
    assertEquals(await promtool(["check", "metrics"], received) ?? "", "");
  });

  await t.step("no metric tells which domains mail is sent to", () => {
    for (const domain of DOMAINS) assert(!metrics.includes(domain), domain);
  });

  await t.step("the dashboard shows what exists, side by side", () => {
    const dashboard = JSON.parse(read("packaging/grafana-dashboard.json"));
    const expressions = expressionsOf(dashboard);
    assert(expressions.length > 30);
    assertEquals(expressions.flatMap((expression) => unknownIn(expression, metrics)), []);
    const taken = new Set<string>();
    for (const { title, gridPos: { x, y, w, h } } of dashboard.panels) {
      assert(x + w <= 24, title);
      for (let row = y; row < y + h; row++) {
        for (let column = x; column < x + w; column++) {
          const place = `${column},${row}`;
          assert(!taken.has(place), title);
          taken.add(place);
        }
      }
    }
  });

  await t.step("the dashboard leaves no metric out", () => {
    const shown = expressionsOf(JSON.parse(read("packaging/grafana-dashboard.json"))).join("\n");
    const missing = families.filter(({ name }) => !shown.includes(name));
    assertEquals(missing.map(({ name }) => name), []);
  });

  await t.step("the alert rules watch what exists", async () => {
    const rules = parseYaml(read("packaging/alerts.yml"));
    const expressions = expressionsOf(rules);
    assert(expressions.length > 10);
    assertEquals(expressions.flatMap((expression) => unknownIn(expression, metrics)), []);
    assertEquals(await promtool(["check", "rules", "alerts.yml"]) ?? "", "");
    assertEquals(await promtool(["test", "rules", "alerts_test.yml"]) ?? "", "");
  });

  await t.step("every alert is tested to fire", () => {
    const tests = read("packaging/alerts_test.yml");
    const names = [...read("packaging/alerts.yml").matchAll(/- alert: (.*)/g)].map(([, name]) =>
      name!
    );
    const firing = (name: string) =>
      new RegExp(`alertname="${name}",[^}]*alertstate="firing"`).test(tests) ||
      new RegExp(`alertname: ${name}\\n +exp_alerts:`).test(tests);
    assertEquals(names.filter((name) => !firing(name)), []);
  });

  await t.step("the table in docs/monitoring.md has them all", () => {
    const rows = read("docs/monitoring.md").split("\n").filter((line) =>
      /^\| `(?:mta_sts|process)_/.test(line)
    );
    const expected = familiesOf(resolverMetrics).toSorted((one, other) =>
      one.name < other.name ? -1 : 1
    ).map(
      tableRow,
    );
    // Without an engine there are no calls, and no labels of calls.
    const isShown = (row: string) => hasRedis || !row.includes("mta_sts_shared_call_seconds");
    const written = rows.map((row) => row.replaceAll(/ +/g, " "));
    assertEquals(written.filter(isShown), expected.filter(isShown));
  });
});
