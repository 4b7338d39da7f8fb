/**
 * The engine of a fleet as a real server on loopback, to be stopped, killed and emptied: Redis or PostgreSQL.
 *
 * PostgreSQL refuses to run as root, so it runs as `nobody` then.
 *
 * @module
 */

import { freePort } from "../../fakes/free_port.ts";

/** A server that does not answer by then is at fault, ms. */
const PATIENCE_MS = 20_000;

/** Debian keeps these out of PATH. */
const POSTGRES_BIN = "/usr/lib/postgresql";

/** The kinds of engines. */
export type Kind = "redis" | "postgres";

/** A network namespace at the far end of a cable, with room for an engine. */
interface Cable extends AsyncDisposable {
  /** The address over there. */
  readonly address: string;
  /** Runs a command over there. */
  readonly enter: readonly string[];
  /** Without it nothing gets through, and nothing is refused. */
  plug(isIn: boolean): Promise<void>;
}

/** A running engine. */
export interface EngineServer extends AsyncDisposable {
  readonly kind: Kind;
  /** For `cache.shared.url`. */
  readonly url: string;
  /** Stops it without an end to its connections, until `go`. */
  stop(): void;
  /** Lets it run again. */
  go(): void;
  /** Kills it at once. */
  kill(): Promise<void>;
  /** Starts it again on the same port, with what it has on disk. */
  restart(): Promise<void>;
  /** Removes all that hosts have put there. */
  empty(): Promise<void>;
  /** Cuts the cable between hosts and engine, or joins it; only for one that was started with a cable. */
  plug(isIn: boolean): Promise<void>;
}

/** How {@link startEngineServer} starts it. */
export interface ServerOptions {
  /** In a network namespace of its own, at the end of a cable. Needs root. */
  readonly hasCable?: boolean;
}

/** The kinds that can be had here. */
export function installedKinds(): Kind[] {
  const kinds: Kind[] = [];
  if (isFile("/usr/bin/redis-server")) kinds.push("redis");
  if (postgresBin() !== undefined) kinds.push("postgres");
  return kinds;
}

/** Starts one with nothing in it. @param directory For its files; it must exist. */
export async function startEngineServer(
  kind: Kind,
  directory: string,
  { hasCable = false }: ServerOptions = {},
): Promise<EngineServer> {
  const port = freePort();
  const own = `${directory}/${kind}-${port}`;
  await Deno.mkdir(own);
  const cable = hasCable ? await layCable() : undefined;
  const { address, enter } = cable ?? { address: "127.0.0.1", enter: [] };
  const site: Site = { port, own, directory, address, enter };
  const parts = kind === "redis" ? redis(site) : await postgres(site);
  let process = await start(parts);
  const signal = (name: Deno.Signal) => {
    // PostgreSQL is a process for each connection: all of them stop.
    for (const pid of [process.pid, ...childrenOf(process.pid)]) {
      try {
        Deno.kill(pid, name);
      } catch (error) {
        // A connection may have ended meanwhile.
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
    }
  };
  async function kill(): Promise<void> {
    signal("SIGCONT");
    signal("SIGKILL");
    await process.status;
  }
  return {
    kind,
    url: parts.url,
    stop: () => signal("SIGSTOP"),
    go: () => signal("SIGCONT"),
    kill,
    async restart() {
      process = await start(parts);
    },
    empty: parts.empty,
    async plug(isIn) {
      if (cable === undefined) throw new Error("this engine has no cable");
      await cable.plug(isIn);
    },
    async [Symbol.asyncDispose]() {
      await kill();
      await cable?.[Symbol.asyncDispose]();
    },
  };
}

/** Cables of this process so far, for their names. */
const cables = { count: 0 };

async function layCable(): Promise<Cable> {
  const number = ++cables.count;
  const name = `fleet${Deno.pid}-${number}`.slice(-14);
  const [near, far] = [`f${Deno.pid % 100_000}-${number}a`, `f${Deno.pid % 100_000}-${number}b`];
  const net = `10.85.${number}`;
  await run("ip", "netns", "add", name);
  await run("ip", "link", "add", near, "type", "veth", "peer", "name", far, "netns", name);
  await run("ip", "address", "add", `${net}.1/24`, "dev", near);
  await run("ip", "link", "set", near, "up");
  const enter = ["ip", "netns", "exec", name];
  await run(...enter, "ip", "address", "add", `${net}.2/24`, "dev", far);
  await run(...enter, "ip", "link", "set", far, "up");
  await run(...enter, "ip", "link", "set", "lo", "up");
  return {
    address: `${net}.2`,
    enter,
    // The far end goes down, so that this host still thinks it has a way there.
    plug: async (isIn) => void await run(...enter, "ip", "link", "set", far, isIn ? "up" : "down"),
    async [Symbol.asyncDispose]() {
      await run("ip", "netns", "delete", name);
    },
  };
}

/** Where an engine runs. */
interface Site {
  readonly port: number;
  /** Its own directory. */
  readonly own: string;
  readonly directory: string;
  readonly address: string;
  /** How a command gets to the namespace. */
  readonly enter: readonly string[];
}

interface Parts {
  readonly url: string;
  readonly command: readonly string[];
  /** Succeeds once it answers. */
  readonly ping: readonly string[];
  /** What `ping` prints then. */
  readonly pong: string;
  empty(): Promise<void>;
}

function redis({ port, own, address, enter }: Site): Parts {
  const options = ["--port", `${port}`, "--bind", address, "--dir", own, "--save", ""];
  const client = ["redis-cli", "-h", address, "-p", `${port}`];
  return {
    url: `redis://${address}:${port}/0`,
    command: [
      ...[...enter, "redis-server", ...options, "--appendonly", "yes", "--protected-mode", "no"],
    ],
    ping: [...client, "ping"],
    pong: "PONG",
    empty: async () => void await run(...client, "flushall"),
  };
}

async function postgres({ port, own, directory, address, enter }: Site): Promise<Parts> {
  const bin = postgresBin()!;
  // Everybody may pass through, for the user that the server runs as.
  await Deno.chmod(directory, 0o711);
  const user = Deno.uid() === 0
    ? ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
    : [];
  if (user.length > 0) await run("chown", "nobody:nogroup", own);
  const options = ["--auth=trust", "--username=fleet", "--no-sync", "--encoding=UTF8"];
  await run(...user, `${bin}/initdb`, "--pgdata", `${own}/data`, ...options);
  await Deno.writeTextFile(`${own}/data/pg_hba.conf`, "host all all 0.0.0.0/0 trust\n");
  const client = ["psql", "-h", address, "-p", `${port}`, "-U", "fleet", "-d", "postgres"];
  const statement = (sql: string) => run(...client, "-qAtc", sql);
  return {
    url: `postgres://fleet@${address}:${port}/postgres`,
    command: [
      ...[...enter, ...user],
      ...[`${bin}/postgres`, "-D", `${own}/data`, "-p", `${port}`, "-k", own, "-c", "fsync=off"],
      ...["-c", `listen_addresses=${address}`],
    ],
    ping: [...client, "-qAtc", "select 'PONG'"],
    pong: "PONG",
    async empty() {
      const tables = await statement(
        "select string_agg(format('%I', tablename), ',') from pg_tables where tablename like 'mta\\_sts\\_%'",
      );
      if (tables !== "") await statement(`truncate ${tables}`);
    },
  };
}

async function start({ command, ping, pong }: Parts): Promise<Deno.ChildProcess> {
  const [program, ...args] = command;
  const process = new Deno.Command(program!, {
    args,
    env: { LC_ALL: "C" },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const end = performance.now() + PATIENCE_MS;
  while (performance.now() < end) {
    if (await run(...ping).catch(() => "") === pong) return process;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${command.join(" ")} does not answer`);
}

/** Runs a command to its success. @returns What it printed, without the last line end. */
async function run(...command: string[]): Promise<string> {
  const [program, ...args] = command;
  const { success, stdout, stderr } = await new Deno.Command(program!, {
    args,
    env: { LC_ALL: "C" },
  })
    .output();
  if (!success) throw new Error(`${command.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout).trimEnd();
}

function childrenOf(pid: number): number[] {
  try {
    const list = Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`);
    return list.split(" ").filter((word) => word !== "").map(Number);
  } catch {
    return [];
  }
}

function postgresBin(): string | undefined {
  try {
    return [...Deno.readDirSync(POSTGRES_BIN)]
      .map(({ name }) => `${POSTGRES_BIN}/${name}/bin`)
      .findLast((path) => isFile(`${path}/postgres`));
  } catch {
    return undefined;
  }
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
