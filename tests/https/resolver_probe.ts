/**
 * A program for a network of its own, in which the system's resolver is the test's: it fetches a policy
 * as the daemon does, and prints what `lookup` says and what the resolver was asked.
 *
 * @module
 */

import dgram from "node:dgram";
import { HOST, startAddresses } from "./addresses_world.ts";

/** What the system's resolver does with a question. */
export type ResolverKind =
  /** Nothing. */
  | "silent"
  /** Says that every name has a private address. */
  | "rebinding";

/** What came of it. */
export interface ProbeResult {
  readonly text: string;
  readonly ms: number;
  readonly dialled: readonly string[];
  /** Names asked for. */
  readonly questions: readonly string[];
  /** The same once more by `fetch` alone, to show that the resolver is in the way; names asked for. */
  readonly questionsByName: readonly string[];
}

const RESOLVER = "127.0.0.53";

/** For how long `fetch` by name may try, ms. */
const BY_NAME_MS = 500;

/** Whether a network of one's own can be had here. */
export function hasNamespaces(): boolean {
  try {
    return new Deno.Command("unshare", {
      args: ["--net", "--mount", "ip", "link", "set", "lo", "up"],
      stderr: "null",
    }).outputSync().success;
  } catch {
    return false;
  }
}

/** Runs the program. @param resolvConf Lines beside the one that names the resolver. */
export async function probeResolver(
  kind: ResolverKind,
  resolvConf: string = "",
): Promise<ProbeResult> {
  const directory = Deno.makeTempDirSync();
  try {
    const file = `${directory}/resolv.conf`;
    Deno.writeTextFileSync(file, `nameserver ${RESOLVER}\n${resolvConf}`);
    const script = 'ip link set lo up && mount --bind "$1" /etc/resolv.conf && shift && exec "$@"';
    const { success, stdout, stderr } = await new Deno.Command("unshare", {
      args: [
        ...["--net", "--mount", "sh", "-c", script, "sh", file],
        ...[Deno.execPath(), "run", "--quiet", "--cached-only", "-A", import.meta.url, kind],
      ],
      env: { DENO_NO_UPDATE_CHECK: "1" },
    }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    return JSON.parse(new TextDecoder().decode(stdout));
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

/** Answers as the kind has it, for ever. */
async function startResolver(kind: ResolverKind): Promise<string[]> {
  const questions: string[] = [];
  const socket = dgram.createSocket("udp4");
  socket.on("message", (query: Uint8Array, peer: { port: number; address: string }) => {
    questions.push(nameIn(query));
    if (kind === "rebinding") socket.send(privateAnswer(query), peer.port, peer.address);
  });
  await new Promise<void>((resolve) => socket.bind(53, RESOLVER, resolve));
  socket.unref();
  return questions;
}

/** The name in the question, from behind the header of 12 octets. */
function nameIn(query: Uint8Array): string {
  const labels: string[] = [];
  for (let at = 12; query[at]! > 0; at += query[at]! + 1) {
    labels.push(new TextDecoder().decode(query.subarray(at + 1, at + 1 + query[at]!)));
  }
  return labels.join(".");
}

/** An answer of one record A 10.0.0.1; to AAAA of none. */
function privateAnswer(query: Uint8Array): Uint8Array {
  const end = 12 + nameIn(query).length + 2 + 4;
  const isA = query[end - 3] === 1;
  const record = isA ? [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 0, 0, 1] : [];
  const header = [query[0]!, query[1]!, 0x81, 0x80, 0, 1, 0, isA ? 1 : 0, 0, 0, 0, 0];
  return Uint8Array.from([...header, ...query.subarray(12, end), ...record]);
}

if (import.meta.main) {
  const questions = await startResolver(Deno.args[0] as ResolverKind);
  const world = startAddresses();
  world.live("127.0.0.6");
  const { text, ms } = await world.lookUp({ [`A ${HOST}`]: ["127.0.0.6"] });
  const asked = questions.splice(0);
  const byName = new Deno.Command(Deno.execPath(), {
    args: [
      "eval",
      `await fetch("https://${HOST}/", { signal: AbortSignal.timeout(${BY_NAME_MS}) }).catch(() => {})`,
    ],
    env: { RES_OPTIONS: "", DENO_NO_UPDATE_CHECK: "1" },
  });
  await byName.output();
  const result: ProbeResult = {
    ...{ text, ms, dialled: world.dialled },
    ...{ questions: asked, questionsByName: questions },
  };
  console.log(JSON.stringify(result));
  Deno.exit(0);
}
