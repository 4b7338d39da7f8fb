/**
 * The whole daemon as a process of its own, with DNS and policy hosts on loopback for it to meet.
 *
 * @module
 */

import { querySocketmap } from "../../src/postfix/client.ts";
import { formatPolicy } from "../../src/sts/policy.ts";
import type { PolicyMode } from "../../src/sts/policy.ts";
import { engineFlags } from "./engine_flags.ts";
import { startFakeDnsServer, txt } from "./fake_dns_server.ts";
import type { FakeDnsReply, FakeDnsServer } from "./fake_dns_server.ts";
import { startPolicyHosts } from "./policy_host.ts";
import type { PolicyHosts } from "./policy_host.ts";

/** A daemon that is not up, or not gone, by then is at fault, ms. */
const PATIENCE_MS = 20_000;

const ROOT = new URL("../../", import.meta.url);

/** DNS and policy hosts. */
export interface Outside extends AsyncDisposable {
  readonly dns: FakeDnsServer;
  /** What happens to each DNS reply on its way, for faults of the whole resolver. */
  disturb: ((reply: FakeDnsReply | undefined) => FakeDnsReply | undefined) | undefined;
  readonly hosts: PolicyHosts;
  /** A private directory for the files of one daemon. */
  readonly directory: string;
  /** Publishes the record, the policy and one MX host of a domain. */
  publish(domain: string, policy?: { id?: string; mode?: PolicyMode; maxAge?: number }): void;
  /**
   * Writes a configuration with which a daemon meets this outside.
   *
   * @param more YAML to add.
   * @returns The path of the file.
   */
  configure(more?: string): Promise<string>;
}

/** Starts DNS and policy hosts. */
export async function startOutside(): Promise<Outside> {
  const ns: FakeDnsReply = { ad: true, answers: [{ type: "NS", data: "ns.example" }] };
  const table = new Proxy<Record<string, FakeDnsReply>>({ "NS .": ns }, {
    get: (target, question: string) =>
      outside.disturb === undefined ? target[question] : outside.disturb(target[question]),
  });
  const dns = await startFakeDnsServer(table);
  const hosts = startPolicyHosts();
  const directory = await Deno.makeTempDir();
  const authority = `${directory}/ca.pem`;
  await Deno.writeTextFile(authority, hosts.authority.certPem);
  const outside: Outside = {
    dns,
    disturb: undefined,
    hosts,
    directory,
    publish(domain, { id = "1", mode = "enforce", maxAge = 604_800 } = {}) {
      const mx = `mx.${domain}`;
      dns.table[`TXT _mta-sts.${domain}`] = txt(`v=STSv1; id=${id};`);
      dns.table[`A mta-sts.${domain}`] = { answers: [{ type: "A", data: "127.0.0.1" }] };
      dns.table[`MX ${domain}`] = {
        answers: [{ type: "MX", data: { preference: 10, exchange: mx } }],
      };
      hosts.add(domain, { policy: formatPolicy({ mode, mx: [mx], maxAge }) });
    },
    async configure(more = "") {
      const path = `${directory}/config.yml`;
      const lines = [
        `cache: { file: "${directory}/cache.db" }`,
        "allow_private: [127.0.0.0/8]",
        // Longer than a test lets a lookup wait, and within a query's ten seconds even when a packet is lost.
        `dns: { timeout: 8, servers: ["${dns.address}"] }`,
        `tls: { ca: "${authority}" }`,
        `https: { proxy: "${hosts.proxyUrl}" }`,
      ];
      await Deno.writeTextFile(path, `${lines.join("\n")}\n${more}\n`);
      return path;
    },
    async [Symbol.asyncDispose]() {
      await dns[Symbol.asyncDispose]();
      await hosts[Symbol.asyncDispose]();
      await Deno.remove(directory, { recursive: true });
    },
  };
  return outside;
}

/** A running daemon. */
export interface Daemon extends AsyncDisposable {
  readonly pid: number;
  /** Port of the first TCP listener; 0 when there is none. */
  readonly port: number;
  /** The log so far, a line each. */
  readonly lines: readonly string[];
  /** Asks over TCP, like Postfix, on a connection of its own. */
  query(...keys: string[]): Promise<string[]>;
  /** Settles when a line of the log contains `text`. */
  logged(text: string): Promise<string>;
  signal(signal: Deno.Signal): void;
  /** Settles when the process has ended. */
  readonly ended: Promise<Deno.CommandStatus>;
}

/** How {@link startDaemon} starts it. */
export interface DaemonOptions {
  readonly config: string;
  /** Options of `serve`; by default it listens on a free port of 127.0.0.1. */
  readonly args?: readonly string[];
  readonly env?: Record<string, string>;
  /** The program and its first arguments; by default the source, run by this Deno. */
  readonly command?: readonly string[];
  /** What it is to do. @default {"serve"} */
  readonly verb?: string;
}

/** Starts a daemon and waits until it says that it has started. */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const { args = ["--listen", "inet:127.0.0.1:0"], env = {}, verb = "serve" } = options;
  const main = new URL("main.ts", ROOT).pathname;
  const source = [Deno.execPath(), "run", "-A", "--quiet", ...engineFlags(), main];
  const [program, ...first] = options.command ?? source;
  const process = new Deno.Command(program!, {
    args: [...first, verb, "--config", options.config, ...args],
    // Half a second after its start `deno run` looks for a newer Deno, with the trust roots of that moment for good.
    env: { ...env, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const lines: string[] = [];
  const waiting = new Set<{ text: string; resolve: (line: string) => void }>();
  const reading = readLines(process.stderr, (line) => {
    lines.push(line);
    for (const wait of waiting) if (line.includes(wait.text)) wait.resolve(line);
  });

  function logged(text: string): Promise<string> {
    const line = lines.find((candidate) => candidate.includes(text));
    if (line !== undefined) return Promise.resolve(line);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`Not logged: '${text}'\n${lines.join("\n")}`)),
        PATIENCE_MS,
      );
      const wait = {
        text,
        resolve(found: string): void {
          clearTimeout(timer);
          waiting.delete(wait);
          resolve(found);
        },
      };
      waiting.add(wait);
    });
  }

  const gone = process.status.then(() => {
    throw new Error(`The daemon ended:\n${lines.join("\n")}`);
  });
  gone.catch(() => {});
  await Promise.race([logged(" started "), gone]);
  const address = lines.find((line) => line.includes("listening address=inet:"));
  const port = parseInt(/inet:127\.0\.0\.1:(\d+)/.exec(address ?? "")?.[1] ?? "0", 10);
  const ended = process.status.then(async (status) => {
    await reading;
    return status;
  });
  return {
    pid: process.pid,
    port,
    lines,
    query: (...keys) =>
      querySocketmap({ kind: "inet", hostname: "127.0.0.1", port }, "postfix", keys, {
        timeout: PATIENCE_MS,
      }),
    logged,
    signal: (signal) => process.kill(signal),
    ended,
    async [Symbol.asyncDispose]() {
      try {
        process.kill("SIGKILL");
      } catch {
        // It has ended by itself.
      }
      await ended;
    },
  };
}

async function readLines(
  stream: ReadableStream<Uint8Array>,
  onLine: (line: string) => void,
): Promise<void> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const parts = (rest + text).split("\n");
    rest = parts.pop() ?? "";
    parts.forEach(onLine);
  }
}
