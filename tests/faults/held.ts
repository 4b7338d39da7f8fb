/**
 * How long a good client waits for its answer while one address holds connections to the same listener:
 *
 *     deno run -A tests/faults/held.ts [MAIN [WAY]]
 *
 * MAIN is the `main.ts` of another version to compare with, WAY `idle`, `head` or `reader`. For each way to hold a connection, and each
 * listener, 400 connections are held (40 for the daemon's own HTTP surface); each is opened anew as soon as
 * the server ends it. Meanwhile five requests are made, one after the other.
 *
 * @module
 */

import { createAuthority, createCertificate } from "../fakes/certificates.ts";
import { startDaemon, startOutside } from "../fakes/daemon.ts";
import type { Daemon } from "../fakes/daemon.ts";
import { freePort } from "../fakes/free_port.ts";
import { memoryOf } from "../fakes/memory.ts";

/** What a held connection does. */
type Way = "idle" | "slow head" | "slow reader";

/** Where the good client asks. */
interface Target {
  readonly name: string;
  readonly port: number;
  readonly held: number;
  readonly pid: number;
  readonly request: string;
  /** Name and authority of its TLS. */
  readonly tls?: { readonly host: string; readonly authority: string };
}

const REQUESTS = 5;

/** A request that takes longer counts as this, ms. */
const PATIENCE_MS = 30_000;

/** First argument of the process that holds connections. */
const HOLD = "--hold";

const encoder = new TextEncoder();

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function connect({ port, tls }: Target, isPlain: boolean): Promise<Deno.Conn> {
  const tcp = await Deno.connect({ hostname: "127.0.0.1", port });
  tcp.setNoDelay(true);
  if (tls === undefined || isPlain) return tcp;
  return await Deno.startTls(tcp, { hostname: tls.host, caCerts: [tls.authority] });
}

/** One held connection after the other. */
async function hold(target: Target, way: Way): Promise<never> {
  for (;;) {
    let conn: Deno.Conn | undefined;
    try {
      conn = await connect(target, way === "idle");
      if (way === "slow head") {
        for (const char of target.request) {
          await conn.write(encoder.encode(char));
          await pause(1000);
        }
      } else {
        if (way === "slow reader") await conn.write(encoder.encode(target.request));
        // An octet a second of the answer.
        const octet = new Uint8Array(1);
        while (await conn.read(octet) !== null) await pause(1000);
      }
    } catch {
      // Ended by the server: the next one.
    }
    try {
      conn?.close();
    } catch {
      // Closed already.
    }
  }
}

/** One good request. @returns What it took, ms. */
async function ask(target: Target): Promise<number> {
  const start = performance.now();
  let conn: Deno.Conn | undefined;
  const timer = setTimeout(() => conn?.close(), PATIENCE_MS);
  try {
    while (performance.now() - start < PATIENCE_MS) {
      try {
        conn = await connect(target, false);
        await conn.write(encoder.encode(target.request));
        const buffer = new Uint8Array(65_536);
        let text = "";
        for (let count; (count = await conn.read(buffer)) !== null;) {
          text += new TextDecoder().decode(buffer.subarray(0, count));
        }
        conn.close();
        if (text.startsWith("HTTP/1.1 200 ")) break;
      } catch {
        // Once more, as a sender or a probe would.
      }
    }
  } finally {
    clearTimeout(timer);
  }
  return performance.now() - start;
}

async function measure(target: Target, way: Way): Promise<void> {
  const before = memoryOf(target.pid);
  // In a process of its own, which can keep a processor busy.
  const holder = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", import.meta.filename!, HOLD, way, JSON.stringify(target)],
  }).spawn();
  await pause(3000);
  const times: number[] = [];
  for (let left = REQUESTS; left > 0; left--) {
    times.push(await ask(target));
    if (times.at(-1)! >= PATIENCE_MS) break;
  }
  const memory = memoryOf(target.pid) - before;
  holder.kill("SIGKILL");
  await holder.status;
  const told = times.map((time) => time.toFixed(0)).join(" ");
  console.log(`${target.name}, ${target.held} ${way}: ${told} ms; memory +${memory.toFixed(1)} MB`);
}

async function startPublishing(
  main: string,
  directory: string,
  { https, http }: { https: number; http: number },
): Promise<Daemon> {
  return await startDaemon({
    config: `${directory}/config.yml`,
    args: ["-p", directory, "--certs", directory, "--https", `127.0.0.1:${https}`, "--http"]
      .concat(`127.0.0.1:${http}`),
    command: [Deno.execPath(), "run", "-A", "--quiet", main, "publish"],
  });
}

if (Deno.args[0] === HOLD) {
  const [, way, target] = Deno.args;
  const parsed: Target = JSON.parse(target!);
  await Promise.all(Array.from({ length: parsed.held }, () => hold(parsed, way as Way)));
}

const main = Deno.args[0] ?? new URL("../../main.ts", import.meta.url).pathname;
const only = Deno.args[1] ?? "";
await using outside = await startOutside();
const { directory } = outside;
const host = "mta-sts.a.example";
const authority = createAuthority();
const { certPem, keyPem } = createCertificate({ subject: host, dns: [host], issuer: authority });
Deno.writeTextFileSync(`${directory}/a.example.pem`, certPem);
Deno.writeTextFileSync(`${directory}/a.example.key`, keyPem);
const policy = "version: STSv1\r\nmode: enforce\r\nmx: mx.a.example\r\nmax_age: 604800\r\n";
Deno.writeTextFileSync(`${directory}/a.example.txt`, policy);
const request = `GET /.well-known/mta-sts.txt HTTP/1.1\r\nHost: ${host}\r\n\r\n`;

for (const way of ["idle", "slow head", "slow reader"] as const) {
  if (!way.includes(only)) continue;
  for (const name of ["publish https", "publish http", "readyz"]) {
    const [port, http] = [freePort(), freePort()];
    const isPublish = name !== "readyz";
    const config = await outside.configure(
      isPublish ? "" : `http: ["inet:127.0.0.1:${port}"]`,
    );
    await using daemon = isPublish
      ? await startPublishing(main, directory, { https: port, http })
      : await startDaemon({
        config,
        command: [Deno.execPath(), "run", "-A", "--quiet", main],
      });
    const tls = { host, authority: authority.certPem };
    await measure({
      name,
      port: name === "publish http" ? http : port,
      held: isPublish ? 400 : 40,
      pid: daemon.pid,
      request: isPublish ? request : "GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n",
      ...(name === "publish https" && { tls }),
    }, way);
  }
}
Deno.exit();
