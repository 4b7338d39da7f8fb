/**
 * The servers that are compared: this daemon, the bare ones, and postfix-mta-sts-resolver.
 *
 * @module
 */

import { engineFlags } from "../fakes/engine_flags.ts";
import { freePort } from "../fakes/free_port.ts";
import { isInstalled, waitForListener } from "./process.ts";

/** A running server. */
export interface Server extends AsyncDisposable {
  readonly name: string;
  readonly pid: number;
  /** A port of 127.0.0.1, or the path of a unix socket. */
  readonly address: string;
  /** The name of its socketmap, if it minds. */
  readonly map?: string;
}

/** Where and how servers run. */
export interface Place {
  /** For their files and logs. */
  readonly directory: string;
  /** How to tie a server to a processor: `taskset` and its arguments, or nothing. */
  readonly pin: readonly string[];
  /** Name server of the daemon, `address:port`; without it the one of `/etc/resolv.conf`. */
  readonly nameServer?: string;
  /** Where `nameServer` is meant for all: postfix-tlspol knows no `/etc/resolv.conf`. Without it, 127.0.0.1. */
  readonly names?: string;
  /** The certificate authority of the policy hosts, PEM. */
  readonly authority?: string;
}

/** A way to run a program. */
export interface Runnable {
  readonly name: string;
  readonly command: readonly string[];
}

const ROOT = new URL("../../", import.meta.url).pathname;

/** More connections than any part of the bench opens. */
const CONNECTIONS = 4000;

/** What `deno task compile` makes. */
const COMPILED = `${ROOT}dist/mta-sts-resolver`;

/** The daemon in the forms it is here: from source, and compiled if that was done. */
export function daemonForms(): Runnable[] {
  const source = { name: "source", command: sourceCommand() };
  return isFile(COMPILED) ? [source, { name: "compiled", command: [COMPILED] }] : [source];
}

/** The daemon from source, with the permissions and the engine's flags of the compiled program. */
function sourceCommand(): string[] {
  const lines = Deno.readTextFileSync(`${ROOT}tools/permissions.txt`).split("\n");
  const permissions = lines.filter((line) => line.startsWith("--"));
  return [Deno.execPath(), "run", "--quiet", ...engineFlags(), ...permissions, `${ROOT}main.ts`];
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** The bare servers: what is possible on Deno, and at all. @param echo The one in C. */
export function bareServers(echo: string): Runnable[] {
  return [
    { name: "Deno echo", command: denoCommand("echo_server.ts") },
    { name: "C echo", command: [echo] },
  ];
}

/** The bare server for first contact. */
export function bareFetch({ authority = "" }: Place): Runnable {
  return { name: "Deno fetch", command: [...denoCommand("fetch_server.ts"), authority] };
}

function denoCommand(name: string): string[] {
  const program = new URL(name, import.meta.url).pathname;
  return [Deno.execPath(), "run", "--quiet", ...engineFlags(), "--allow-all", program];
}

/** Starts a bare server on `address`, by default a free port. */
export function startBare(
  place: Place,
  { name, command, address = String(freePort()) }: Runnable & { address?: string },
): Promise<Server> {
  return launch(place, { name, address, command: [...command, address] });
}

/** How {@link startDaemon} starts it. */
export interface DaemonOptions extends Runnable {
  /**
   * A port of 127.0.0.1, or the path of a unix socket.
   * @default a free port
   */
  readonly address?: string;
  /** Its cache file. */
  readonly cache: string;
}

/** Starts the daemon. TXT records are looked at once, as long as nothing here lasts an hour. */
export function startDaemon(place: Place, options: DaemonOptions): Promise<Server> {
  const { name, address = String(freePort()) } = options;
  const command = prepareDaemon(place, { ...options, address });
  return launch(place, { name, address, command });
}

/** Writes the configuration of the daemon. @returns The command that starts it. */
export function prepareDaemon(
  { directory, nameServer, authority }: Place,
  { name, command, address, cache }: DaemonOptions & { address: string },
): string[] {
  const path = `${directory}/${name.replaceAll(" ", "-")}.yml`;
  const lines = [
    `listen: "${address.startsWith("/") ? `unix:${address}` : `inet:127.0.0.1:${address}`}"`,
    `cache: { file: "${cache}", allow_unsafe_directory: true }`,
    "allow_private: [127.0.0.0/8, 10.84.0.0/24]",
    "recheck: 3600",
    "negative_ttl: 3600",
    `limits: { connections: ${CONNECTIONS} }`,
    // All policy hosts of the bench have one address.
    "https: { per_address: 20 }",
  ];
  if (nameServer !== undefined) lines.push(`dns: { servers: ["${nameServer}"] }`);
  if (authority !== undefined) lines.push(`tls: { ca: "${authority}" }`);
  Deno.writeTextFileSync(path, lines.join("\n"));
  return [...command, "serve", "--config", path];
}

/** Starts a server of either program on a free port, with a configuration of one's own. */
export function startServer(
  place: Place,
  { command, yaml }: { readonly command: readonly string[]; yaml(port: string): string },
): Promise<Server> {
  const address = String(freePort());
  const path = `${place.directory}/${address}.yml`;
  Deno.writeTextFileSync(path, `${yaml(address)}\n`);
  return launch(place, {
    ...{ name: `server ${address}`, address, command: [...command, path] },
    env: { SSL_CERT_FILE: place.authority ?? "" },
  });
}

/** Where postfix-mta-sts-resolver keeps policies: in memory, or, on Debian, in a file. */
export type PythonCache = "internal" | "sqlite";

/** The caches of postfix-mta-sts-resolver that are compared, if it is installed. */
export function pythonCaches(): PythonCache[] {
  return isInstalled("mta-sts-daemon") ? ["internal", "sqlite"] : [];
}

/** Starts postfix-mta-sts-resolver, which looks at TXT records as seldom as the daemon. */
export function startPython(
  place: Place,
  { cache, address = String(freePort()) }: { cache: PythonCache; address?: string },
): Promise<Server> {
  const python = preparePython(place, { cache, address });
  return launch(place, { ...python, address, env: { SSL_CERT_FILE: place.authority ?? "" } });
}

/** Writes the configuration of postfix-mta-sts-resolver, with a cache file of its own. @returns How to start it. */
export function preparePython(
  { directory }: Place,
  { cache, address }: { cache: PythonCache; address: string },
): Runnable {
  const path = `${directory}/python-${address.replaceAll("/", "-")}.yml`;
  const options = cache === "sqlite" ? `, options: { filename: "${path}.db" }` : "";
  const lines = [
    ...(address.startsWith("/") ? [`path: "${address}"`] : ["host: 127.0.0.1", `port: ${address}`]),
    "cache_grace: 3600",
    `cache: { type: ${cache}${options} }`,
  ];
  Deno.writeTextFileSync(path, lines.join("\n"));
  // Its log would cost it time, and there is nothing to be read in it.
  const command = ["mta-sts-daemon", "--config", path, "--verbosity", "error"];
  return { name: `Python ${cache}`, command };
}

/** The postfix-tlspol that `TLSPOL` names, if it does. */
export function tlspols(): string[] {
  const program = Deno.env.get("TLSPOL") ?? "";
  return program === "" ? [] : [program];
}

/** Starts postfix-tlspol with an empty cache. */
export function startTlspol(
  place: Place,
  { program, address = String(freePort()) }: { program: string; address?: string },
): Promise<Server> {
  const tlspol = prepareTlspol(place, { program, address });
  return launch(place, {
    ...tlspol,
    address,
    map: "QUERY",
    env: { SSL_CERT_FILE: place.authority ?? "" },
  });
}

/** Writes the configuration of postfix-tlspol. @returns How to start it. */
export function prepareTlspol(
  { directory, names = "127.0.0.1" }: Place,
  { program, address }: { program: string; address: string },
): Runnable {
  const path = `${directory}/tlspol-${address.replaceAll("/", "-")}.yml`;
  const lines = [
    "server:",
    `  address: "${address.startsWith("/") ? `unix:${address}` : `127.0.0.1:${address}`}"`,
    // A line for each answer would cost it time.
    "  log-level: warn",
    `  cache-file: "${path}.db"`,
    "dns:",
    `  address: "${names}:53"`,
  ];
  Deno.writeTextFileSync(path, lines.join("\n"));
  return { name: "Go", command: [program, "-config", path] };
}

/** How a program is started. */
interface Launch extends Runnable {
  readonly address: string;
  readonly map?: string;
  readonly env?: Record<string, string>;
}

async function launch(place: Place, { name, address, map, command, env }: Launch): Promise<Server> {
  const [program, ...args] = [...place.pin, ...command];
  const path = `${place.directory}/${name.replaceAll(" ", "-")}.log`;
  const log = await Deno.open(path, { create: true, append: true });
  const child = new Deno.Command(program!, {
    args,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
    env: { NO_COLOR: "1", ...env },
  }).spawn();
  const logging = child.stderr.pipeTo(log.writable);
  try {
    await waitForListener(address);
  } catch (error) {
    killIfAlive(child);
    throw new Error(`${name} does not start:\n${Deno.readTextFileSync(path)}`, { cause: error });
  }
  return {
    name,
    pid: child.pid,
    address,
    map,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.status;
      await logging;
    },
  };
}

/** A program that refuses its configuration has ended by itself. */
function killIfAlive(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
}
