/**
 * The hosts of a fleet: daemons as processes of their own, with one outside and one engine, and a Postfix for each.
 *
 * @module
 */

import { type Daemon, type Outside, startDaemon } from "../../fakes/daemon.ts";
import { respond } from "../../fakes/policy_host.ts";
import type { Random } from "../../fakes/random.ts";
import { txt } from "../../fakes/fake_dns_server.ts";
import { formatPolicy, type PolicyMode } from "../../../src/sts/policy.ts";
import { ask } from "../../faults/probe.ts";

/** A query that has no reply by then is at fault, ms: twice what the daemon lets one wait. */
const REPLY_MS = 20_000;

/** What the hosts of a fleet have in common. */
export interface FleetOptions {
  readonly outside: Outside;
  /** `cache.shared.url`; without it the hosts are alone. */
  readonly url: string | undefined;
  /** The secret; without it entries are not signed. */
  readonly secret?: string | undefined;
  /** YAML to add. */
  readonly more?: string;
  /** The program; by default the source. */
  readonly command?: readonly string[] | undefined;
}

/** A host. */
export interface Host {
  readonly name: string;
  /** Its configuration file. */
  readonly config: string;
  /** The daemon that runs now. */
  daemon: Daemon;
  /** Starts a daemon with the same configuration, in place of one that has ended. */
  start(
    options?: { readonly command?: readonly string[]; readonly env?: Record<string, string> },
  ): Promise<void>;
}

/** What a host is started with. */
type HostOptions = FleetOptions & { readonly env?: Record<string, string> };

/** Starts a host with an empty cache file of its own. */
export async function startHost(name: string, options: HostOptions): Promise<Host> {
  return await launchHost(name, await configure(name, options), options);
}

/** Starts hosts, all at once. */
export async function startHosts(
  names: readonly string[] | number,
  options: HostOptions,
): Promise<Host[]> {
  const all = typeof names === "number"
    ? Array.from({ length: names }, (_, index) => `host${index}`)
    : names;
  const configs: string[] = [];
  // One after the other, since all begin with the same file of the outside.
  for (const name of all) configs.push(await configure(name, options));
  return await Promise.all(
    all.map((name, index) => launchHost(name, configs[index]!, options)),
  );
}

async function launchHost(name: string, config: string, options: HostOptions): Promise<Host> {
  const launch = (
    { command = options.command, env = options.env ?? {} }: Parameters<Host["start"]>[0] = {},
  ) => startDaemon({ config, ...(command === undefined ? {} : { command }), env });
  const host: Host = {
    name,
    config,
    daemon: await launch(),
    async start(how) {
      host.daemon = await launch(how);
    },
  };
  return host;
}

/** Ends them at once. */
export async function endHosts(hosts: readonly Host[]): Promise<void> {
  await Promise.all(hosts.map(({ daemon }) => daemon[Symbol.asyncDispose]()));
}

async function configure(
  name: string,
  { outside, url, secret, more = "" }: FleetOptions,
): Promise<string> {
  const directory = `${outside.directory}/${name}`;
  await Deno.mkdir(directory, { mode: 0o700 });
  const shared: string[] = [];
  if (url !== undefined) shared.push(`url: "${url}"`);
  if (url !== undefined && secret !== undefined) {
    await Deno.writeTextFile(`${directory}/secret`, `${secret}\n`, { mode: 0o600 });
    shared.push(`secret_file: "${directory}/secret"`);
  }
  const cache = `file: "${directory}/cache.db"` +
    (shared.length === 0 ? "" : `, shared: { ${shared.join(", ")} }`);
  const text = await Deno.readTextFile(await outside.configure(more));
  const config = `${directory}/config.yml`;
  await Deno.writeTextFile(
    config,
    `control: "unix:${directory}/control.sock"\nhttp: "unix:${directory}/http.sock"\n` +
      text.replace(/^cache: .*$/m, `cache: { ${cache} }`)
        // All policy hosts have one address here.
        .replace(/^https: \{ /m, "https: { per_address: 200, "),
  );
  return config;
}

/** Publishes domains whose policy hosts take so long, ms, to answer. */
export function publishSlowly(
  outside: Outside,
  domains: readonly string[],
  { delay, id = "1", mode = "enforce" }: {
    readonly delay: () => number;
    readonly id?: string;
    readonly mode?: PolicyMode;
  },
): void {
  for (const domain of domains) {
    const host = `mx.${domain}`;
    outside.dns.table[`TXT _mta-sts.${domain}`] = txt(`v=STSv1; id=${id};`);
    outside.dns.table[`A mta-sts.${domain}`] = { answers: [{ type: "A", data: "127.0.0.1" }] };
    outside.dns.table[`MX ${domain}`] = {
      answers: [{ type: "MX", data: { preference: 10, exchange: host } }],
    };
    const answer = respond(formatPolicy({ mode, mx: [host], maxAge: 604_800 }));
    outside.hosts.add(domain, {
      async answer(conn, head) {
        await new Promise((resolve) => setTimeout(resolve, delay()));
        await answer(conn, head);
      },
    });
  }
}

/** What came of asking. */
export interface Replies {
  /** By domain. A query without a reply has the error. */
  readonly replies: ReadonlyMap<string, string>;
  /** How long each took, ms, sorted. */
  readonly times: readonly number[];
}

/** Asks a host for domains over so many connections at once, each one query at a time, like Postfix. */
export function askAll(
  { daemon }: Host,
  domains: readonly string[],
  options: { readonly connections: number },
): Promise<Replies> {
  return askServer(daemon.port, domains, options);
}

/** Asks a server on a port of 127.0.0.1, like {@link askAll}. */
export async function askServer(
  port: number,
  domains: readonly string[],
  { connections }: { readonly connections: number },
): Promise<Replies> {
  const replies = new Map<string, string>();
  const times: number[] = [];
  const left = [...domains];
  async function client(): Promise<void> {
    let conn: Deno.Conn | undefined;
    for (let domain = left.shift(); domain !== undefined; domain = left.shift()) {
      const started = performance.now();
      try {
        conn ??= await Deno.connect({ hostname: "127.0.0.1", port });
        replies.set(domain, await within(ask(conn, domain)));
        times.push(performance.now() - started);
      } catch (error) {
        replies.set(domain, String(error));
        conn?.close();
        conn = undefined;
      }
    }
    conn?.close();
  }
  await Promise.all(Array.from({ length: connections }, client));
  return { replies, times: times.sort((a, b) => a - b) };
}

async function within(reply: Promise<string>): Promise<string> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("no reply")), REPLY_MS);
  });
  try {
    return await Promise.race([reply, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** How many replies enforce the policy of their domain. */
export function countRight({ replies }: Replies): number {
  return [...replies].filter(([domain, reply]) => isRight(domain, reply)).length;
}

/** Whether a reply enforces the policy that {@link publishSlowly} has published. */
export function isRight(domain: string, reply: string): boolean {
  return reply.startsWith(`OK secure match=mx.${domain} `);
}

/** The value at a share of a sorted list, such as 0.99. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

/** A list in random order. */
export function shuffle<T>(items: readonly T[], random: Random): T[] {
  const shuffled = [...items];
  for (let at = shuffled.length - 1; at > 0; at--) {
    const other = random.int(at + 1);
    [shuffled[at], shuffled[other]] = [shuffled[other]!, shuffled[at]!];
  }
  return shuffled;
}

/** Runs the program with a command line on the configuration of a host. @returns What it printed. */
export async function runCommand(
  { config }: Host,
  args: readonly string[],
): Promise<{ readonly code: number; readonly out: string }> {
  const main = new URL("../../../main.ts", import.meta.url).pathname;
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--unstable-net", main, ...args, "--config", config],
    env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
  }).output();
  return { code, out: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
}

/** Waits until something holds, ms at most. @returns How long it took, ms; `undefined` if it never did. */
export async function waitUntil(
  holds: () => Promise<boolean> | boolean,
  { most, pause = 5 }: { readonly most: number; readonly pause?: number },
): Promise<number | undefined> {
  const started = performance.now();
  for (;;) {
    if (await holds()) return performance.now() - started;
    if (performance.now() - started > most) return undefined;
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}
