/**
 * What hostile publishers can make the daemon hold: thousands of domains, each with the largest policy and as many
 * MX hosts as are kept, asked for in several spellings with everything that a reply can have.
 *
 * Run as: publishers.ts [DOMAINS [PROGRAM]]; without the compiled program the source is run.
 *
 * @module
 */

import { encodeNetstring } from "../../src/postfix/netstring.ts";
import { createAuthority, createCertificate } from "../fakes/certificates.ts";
import type { Certificate } from "../fakes/certificates.ts";
import { startDaemon } from "../fakes/daemon.ts";
import { type FakeDnsReply, startFakeDnsServer, txt } from "../fakes/fake_dns_server.ts";
import { memoryOf } from "../fakes/memory.ts";
import { respond, SocketGroup } from "../fakes/policy_host.ts";

/**
 * What the daemon may take, whatever is published, MB: from source the tools of Deno are in it. Compiled, the peak of one and
 * the same program was between 141 and 181 in twenty runs: when the engine collects garbage depends on what else the machine
 * does.
 */
const MAX_RSS = { compiled: 190, source: 205 };

/** Domains in one certificate: one for each would take longer to make than to use. */
const GROUP = 100;

/** Octets of a policy file, a little below what is read of one (RFC 8461 §3.3). */
const POLICY_OCTETS = 64_000;

/** MX hosts of a domain, as many as are kept, with long names. */
const MX_HOSTS = 100;

/** Queries under way at once. */
const CONNECTIONS = 50;

/** Postfix does not fold the case of a next hop. */
const SPELLINGS: readonly ((domain: string) => string)[] = [
  (domain) => domain,
  (domain) => domain.toUpperCase(),
  (domain) => `D${domain.slice(1)}`,
  (domain) => domain.replace("huge", "HuGe"),
];

const nameOf = (number: number) => `d${number}.huge.test`;

/** The worst in text, and the worst in objects: few long lines, or many short ones. */
function policyOf(number: number): string {
  const lines = ["version: STSv1", "mode: enforce", "max_age: 604800"];
  const isLong = number % 2 === 0;
  const label = "x".repeat(60);
  let octets = 0;
  for (let index = 0; octets < POLICY_OCTETS; index++) {
    const host = isLong ? `${label}${index}.${label}.${label}` : `x${index}`;
    const line = `mx: ${host}.${nameOf(number)}`;
    lines.push(line);
    octets += line.length + 1;
  }
  return `${lines.join("\n").slice(0, POLICY_OCTETS)}\nmx: *.${nameOf(number)}\n`;
}

function answerOf(question: string): FakeDnsReply | undefined {
  if (question === "NS .") return { ad: true, answers: [{ type: "NS", data: "ns.example" }] };
  const [, type, number = "0"] = /^(\w+) .*?d(\d+)\.huge\.test$/.exec(question) ?? [];
  if (type === "TXT") return txt("v=STSv1; id=1;");
  if (type === "A") return { answers: [{ type: "A", data: "127.0.0.1" }] };
  if (type !== "MX") return undefined;
  const label = "m".repeat(60);
  const hosts = Array.from({ length: MX_HOSTS }, (_, index) => ({
    type: "MX",
    data: {
      preference: index,
      exchange: `${label}.${label}${index}.${nameOf(parseInt(number, 10))}`,
    },
  }));
  return { answers: hosts };
}

/** Starts all policy hosts behind a proxy. @returns Its URL. */
function startPublishers(sockets: SocketGroup, authority: Certificate): string {
  const groups = new Map<number, Deno.Addr>();

  function groupOf(number: number): Deno.Addr {
    const group = Math.floor(number / GROUP);
    const known = groups.get(group);
    if (known !== undefined) return known;
    const first = group * GROUP;
    const dns = Array.from({ length: GROUP }, (_, index) => `mta-sts.${nameOf(first + index)}`);
    const { certPem, keyPem } = createCertificate({ subject: "hosts", dns, issuer: authority });
    const listener = Deno.listenTls({ hostname: "127.0.0.1", port: 0, cert: certPem, key: keyPem });
    sockets.accept(listener, async (conn) => {
      const head = await readSome(conn);
      const number = /\r\nhost: \S*?d(\d+)\./i.exec(head)?.[1] ?? "0";
      await respond(policyOf(parseInt(number, 10)))(conn, head);
    });
    groups.set(group, listener.addr);
    return listener.addr;
  }

  const proxy = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  sockets.accept(proxy, async (conn) => {
    const number = /^CONNECT \S*?d(\d+)\./.exec(await readSome(conn))?.[1] ?? "0";
    await sockets.tunnel(conn, groupOf(parseInt(number, 10)), "HTTP/1.1 200 OK\r\n\r\n");
  });
  return `http://127.0.0.1:${proxy.addr.port}`;
}

async function readSome(conn: Deno.Conn): Promise<string> {
  const buffer = new Uint8Array(4096);
  return new TextDecoder().decode(buffer.subarray(0, await conn.read(buffer) ?? 0));
}

/** Asks for each domain over many connections. @returns How many replies enforce a policy. */
async function askAll(port: number, names: readonly string[]): Promise<number> {
  let next = 0;
  let enforced = 0;
  async function client(): Promise<void> {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port });
    const buffer = new Uint8Array(128 * 1024);
    while (next < names.length) {
      await conn.write(encodeNetstring(`QUERYwithTLSRPT ${names[next++]}`));
      let filled = await conn.read(buffer) ?? 0;
      const start = new TextDecoder().decode(buffer.subarray(0, 20));
      const length = /^(\d+):/.exec(start)?.[1] ?? "";
      if (start.includes(":OK secure")) enforced++;
      const end = parseInt(length, 10) + length.length + 2;
      while (filled < end) filled += await conn.read(buffer) ?? end;
    }
    conn.close();
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, client));
  return enforced;
}

async function run(count: number, program: string | undefined): Promise<boolean> {
  const authority = createAuthority();
  const sockets = new SocketGroup();
  const table = new Proxy<Record<string, FakeDnsReply>>({}, {
    get: (_, question: string) => answerOf(question),
  });
  await using dns = await startFakeDnsServer(table);
  const directory = await Deno.makeTempDir();
  await Deno.writeTextFile(`${directory}/ca.pem`, authority.certPem);
  const lines = [
    `cache: { file: "${directory}/cache.db" }`,
    `dns: { servers: ["${dns.address}"] }`,
    `tls: { ca: "${directory}/ca.pem" }`,
    `https: { proxy: "${startPublishers(sockets, authority)}" }`,
    "allow_private: [127.0.0.0/8]",
    // It is memory that is measured, on however busy a machine.
    "default_zone: { timeout: 60 }",
    // All that a daemon can hold, the record of recent events included.
    'http: "inet:127.0.0.1:0"',
  ];
  const config = `${directory}/config.yml`;
  await Deno.writeTextFile(config, lines.join("\n"));
  const names = Array.from({ length: count }, (_, number) => nameOf(number));
  const enforced: number[] = [];
  let peak: number;
  {
    await using daemon = await startDaemon({
      config,
      ...(program !== undefined && { command: [program] }),
    });
    const idle = memoryOf(daemon.pid);
    for (const spell of SPELLINGS) enforced.push(await askAll(daemon.port, names.map(spell)));
    peak = memoryOf(daemon.pid, "VmHWM");
    console.log(
      `${count} domains, ${POLICY_OCTETS} octets of policy and ${MX_HOSTS} MX hosts each, ` +
        `in ${SPELLINGS.length} spellings: ${enforced.join(", ")} enforced`,
    );
    console.log(`memory: ${idle.toFixed(0)} MB idle, ${peak.toFixed(0)} MB at most`);
  }
  await sockets.close();
  await Deno.remove(directory, { recursive: true });
  const bound = program === undefined ? MAX_RSS.source : MAX_RSS.compiled;
  const holds = peak <= bound && enforced.every((number) => number === count);
  console.log(holds ? "1 passed, 0 failed" : "0 passed, 1 failed");
  return holds;
}

Deno.exit(await run(parseInt(Deno.args[0] ?? "2000", 10), Deno.args[1]) ? 0 : 1);
