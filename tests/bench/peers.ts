/**
 * What a resolver of MTA-STS policies meets outside, on loopback and fast: one name server (knot) that
 * knows everything, and one web server (nginx) that is the policy host of all domains.
 *
 * They take the addresses and ports that are meant for them, 53 and 443, since postfix-mta-sts-resolver
 * knows no others. So the bench enters a network namespace of its own ({@link enterNamespace}), which needs
 * root, leaves nothing behind, and cannot reach the network outside.
 *
 * @module
 */

import { type Certificate, createCertificate } from "../fakes/certificates.ts";
import { createAuthority, createKey } from "../fakes/certificates.ts";
import { isInstalled, run, waitForListener } from "./process.ts";

/** Domains with a policy, `d0.bench.test` and so on; a run asks for no more. */
export const DOMAINS = 2500;

/** Names in one certificate: few enough for a handshake of the usual size. */
const NAMES_PER_CERTIFICATE = 25;

/** The far end of the wire, see `wire.c`. */
const FAR = "10.84.0.2";

/** Set inside of the namespace. */
const INSIDE = "MTA_STS_BENCH_INSIDE";

/** What {@link enterNamespace} needs and Debian's packages for it. */
const PACKAGES: Readonly<Record<string, string>> = {
  unshare: "util-linux",
  ip: "iproute2",
  knotd: "knot",
  nginx: "nginx-light",
};

/** The running peers. */
export interface Peers extends AsyncDisposable {
  /** The certificate authority of the policy hosts, PEM. */
  readonly authority: string;
  /** Where they are. */
  readonly address: string;
}

/** What is missing for the peers, in words; empty when nothing is. */
export function missingForPeers(): string {
  const packages = Object.entries(PACKAGES).filter(([program]) => !isInstalled(program));
  if (packages.length > 0) return `apt-get install ${packages.map(([, name]) => name).join(" ")}`;
  return Deno.uid() === 0 ? "" : "root";
}

/** Whether this process is inside of the namespace. */
export function isInside(): boolean {
  return Deno.env.has(INSIDE);
}

/**
 * Runs this program again in a network, mount and process namespace of its own.
 *
 * @returns Its exit status.
 */
export async function enterNamespace(program: string, args: readonly string[]): Promise<number> {
  const namespaces = ["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
  // Nothing can be downloaded inside.
  await run(
    Deno.execPath(),
    "cache",
    "--quiet",
    new URL("../../main.ts", import.meta.url).pathname,
  );
  const command = [Deno.execPath(), "run", "--quiet", "--allow-all", program, ...args];
  const child = new Deno.Command("unshare", {
    args: [...namespaces, ...command],
    env: { [INSIDE]: "1" },
  }).spawn();
  return (await child.status).code;
}

/** How {@link startPeers} starts them. */
export interface PeerOptions {
  /** For their files. */
  readonly directory: string;
  /** How to tie them to a processor, as in `Place`. */
  readonly pin: readonly string[];
  /** The program of `wire.c`, with the time that each packet takes, ms; without it they are on loopback. */
  readonly wire?: { readonly program: string; readonly delay: number };
  /** A file that gets a line for each fetch of a policy; by default there is none. */
  readonly log?: string;
}

/** Starts name server and policy host. */
export async function startPeers({ directory, pin, wire, log }: PeerOptions): Promise<Peers> {
  await run("ip", "link", "set", "lo", "up");
  await using stack = new AsyncDisposableStack();
  const address = wire === undefined ? "127.0.0.1" : FAR;
  const enter = wire === undefined ? [] : await stretch(stack, wire);
  Deno.writeTextFileSync(`${directory}/resolv.conf`, `nameserver ${address}\n`);
  await run("mount", "--bind", `${directory}/resolv.conf`, "/etc/resolv.conf");
  const authority = createAuthority();
  Deno.writeTextFileSync(`${directory}/ca.pem`, authority.certPem);
  stack.defer(async () => void await run("umount", "/etc/resolv.conf"));
  writeNameServer(directory, address);
  writePolicyHost(directory, { authority, address, log });
  const commands = [
    ["knotd", "--config", `${directory}/knot.conf`],
    ["nginx", "-c", `${directory}/nginx.conf`, "-e", `${directory}/nginx.log`],
  ];
  for (const command of commands) {
    const peer = start(...pin, ...enter, ...command);
    stack.defer(async () => {
      peer.kill("SIGTERM");
      await peer.status;
    });
  }
  await waitForListener("53", address);
  await waitForListener("443", address);
  const all = stack.move();
  return {
    authority: `${directory}/ca.pem`,
    address,
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** Lays the wire. @returns The command that runs another at its far end. */
async function stretch(
  stack: AsyncDisposableStack,
  { program, delay }: { program: string; delay: number },
): Promise<string[]> {
  const child = new Deno.Command(program, { args: [String(delay)], stdout: "piped" }).spawn();
  stack.defer(async () => {
    child.kill("SIGKILL");
    await child.status;
  });
  const reader = child.stdout.getReader();
  const { done } = await reader.read();
  await reader.cancel();
  if (done) throw new Error("the wire cannot be laid: /dev/net/tun");
  return ["nsenter", `--net=/proc/${child.pid}/ns/net`];
}

function start(...command: string[]): Deno.ChildProcess {
  const [program, ...args] = command;
  return new Deno.Command(program!, { args, stdin: "null", stdout: "null", stderr: "null" })
    .spawn();
}

/** All names under `bench.test` have all records, those under `none.test` none. */
function writeNameServer(directory: string, address: string): void {
  Deno.writeTextFileSync(
    `${directory}/root.zone`,
    `$TTL 3600
. SOA ns.test. hostmaster.test. 1 3600 3600 3600 3600
. NS ns.test.
ns.test. A ${address}
none.test. A ${address}
*.bench.test. TXT "v=STSv1; id=20250101T000000;"
*.bench.test. A ${address}
*.bench.test. MX 10 mx1.bench.test.
`,
  );
  Deno.writeTextFileSync(
    `${directory}/knot.conf`,
    `server:
    rundir: "${directory}"
    listen: ${address}@53
    tcp-idle-timeout: 600
database:
    storage: "${directory}"
zone:
  - domain: .
    file: "${directory}/root.zone"
    zonefile-sync: -1
`,
  );
}

function writePolicyHost(
  directory: string,
  { authority, address, log = "off" }: {
    authority: Certificate;
    address: string;
    log: string | undefined;
  },
): void {
  const servers: string[] = [];
  for (let first = 0; first < DOMAINS; first += NAMES_PER_CERTIFICATE) {
    const count = Math.min(NAMES_PER_CERTIFICATE, DOMAINS - first);
    const names = Array.from({ length: count }, (_, i) => `mta-sts.d${first + i}.bench.test`);
    const key = createKey();
    const leaf = createCertificate({ subject: "bench", issuer: authority, dns: names, key });
    const path = `${directory}/leaf${first}`;
    Deno.writeTextFileSync(`${path}.crt`, leaf.certPem);
    Deno.writeTextFileSync(`${path}.key`, leaf.keyPem);
    servers.push(`  server {
    listen ${address}:443 ssl;
    server_name ${names.join(" ")};
    ssl_certificate ${path}.crt;
    ssl_certificate_key ${path}.key;
    location = /.well-known/mta-sts.txt {
      default_type text/plain;
      return 200 "version: STSv1\\r\\nmode: enforce\\r\\nmx: mx1.bench.test\\r\\nmax_age: 604800\\r\\n";
    }
  }`);
  }
  Deno.writeTextFileSync(
    `${directory}/nginx.conf`,
    `pid ${directory}/nginx.pid;
daemon off;
user root;
worker_processes 1;
events { worker_connections 1024; }
http {
  access_log ${log};
  ssl_protocols TLSv1.2 TLSv1.3;
  server_names_hash_max_size 16384;
  server_names_hash_bucket_size 128;
${servers.join("\n")}
}
`,
  );
}
