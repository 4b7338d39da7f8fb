/**
 * A real PostgreSQL on a free port of loopback, in a directory that is thrown away; also a standby server of another.
 *
 * @module
 */

import { freePort } from "./free_port.ts";
import { asUser, giveToUser, isInstalled, makeUserDir, until } from "./plain_user.ts";

/** Where Debian keeps the programs of each version, the newest first. */
function programs(): string | undefined {
  const root = "/usr/lib/postgresql";
  try {
    const versions = [...Deno.readDirSync(root)].map(({ name }) => parseInt(name, 10));
    const found = versions.sort((a, b) => b - a).map((version) => `${root}/${version}/bin`);
    return found.find((path) => isInstalled(`${path}/initdb`));
  } catch {
    return isInstalled("initdb") ? "" : undefined;
  }
}

const PROGRAMS = programs();

/** Whether there is a PostgreSQL to test with. */
export const hasPostgres = PROGRAMS !== undefined;

const path = (program: string): string => PROGRAMS === "" ? program : `${PROGRAMS}/${program}`;

/** The role that owns everything. */
export const OWNER = "fleet";

/** A server. `await using` ends it and removes its files. */
export class PostgresServer implements AsyncDisposable {
  /** Where it listens on 127.0.0.1. */
  readonly port = freePort();
  /** Its directory, with the socket `.s.PGSQL.<port>` in it. */
  readonly directory = makeUserDir();
  #process: Deno.ChildProcess | undefined;

  private constructor() {}

  /**
   * Creates a cluster and starts it.
   *
   * @param lines Lines of `postgresql.conf`. `{dir}` is its directory.
   */
  static async start(
    lines: readonly string[] = [],
    { files = {}, access }: {
      readonly files?: Readonly<Record<string, string>>;
      /** Lines of `pg_hba.conf`; by default everybody may do everything. */
      readonly access?: readonly string[];
    } = {},
  ): Promise<PostgresServer> {
    const server = new PostgresServer();
    const { data } = server;
    await run([
      "initdb",
      "--wal-segsize=1",
      "--no-sync",
      "-A",
      "trust",
      "-U",
      OWNER,
      "-D",
      data,
      "-E",
      "UTF8",
      "--locale=C",
    ]);
    for (const [name, text] of Object.entries(files)) {
      Deno.writeTextFileSync(`${server.directory}/${name}`, text, { mode: 0o600 });
      giveToUser(`${server.directory}/${name}`);
    }
    if (access !== undefined) {
      Deno.writeTextFileSync(`${data}/pg_hba.conf`, access.join("\n") + "\n");
    }
    await server.#configure(lines);
    await server.restart();
    return server;
  }

  /** Starts a standby server of this one. */
  async standby(): Promise<PostgresServer> {
    const server = new PostgresServer();
    const source = `host=127.0.0.1 port=${this.port} user=${OWNER}`;
    await run(["pg_basebackup", "-D", server.data, "-d", source, "-R", "-c", "fast", "--no-sync"]);
    await server.#configure([]);
    await server.restart();
    return server;
  }

  /** Where the cluster is. */
  get data(): string {
    return `${this.directory}/data`;
  }

  /** Starts it, after it has been stopped. */
  async restart(): Promise<void> {
    await this.stop();
    this.#process = asUser([path("postgres"), "-D", this.data], {
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    await until(`PostgreSQL on port ${this.port}`, async () => {
      const { success } = await asUser([
        path("pg_isready"),
        "-q",
        "-h",
        "127.0.0.1",
        "-p",
        `${this.port}`,
      ])
        .output();
      return success;
    });
  }

  /** Stops it as an operator does, with all its connections. */
  async stop(signal: Deno.Signal = "SIGINT"): Promise<void> {
    const process = this.#process;
    this.#process = undefined;
    if (process === undefined) return;
    process.kill(signal);
    await process.status;
  }

  /** Stops it at once, as a crash does. */
  async kill(): Promise<void> {
    // SIGKILL to the first process would leave the others.
    await this.stop("SIGQUIT");
  }

  /** Sends a signal to the process that listens. */
  signal(signal: Deno.Signal): void {
    this.#process!.kill(signal);
  }

  /** Makes a standby server the primary one. */
  async promote(): Promise<void> {
    await run(["pg_ctl", "promote", "-D", this.data, "-w"]);
  }

  /** Runs statements. @returns What they print, without alignment. */
  sql(text: string): Promise<string> {
    return this.in("postgres", text);
  }

  /** Runs statements in a database. */
  in(database: string, text: string): Promise<string> {
    return run([
      ...["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"],
      ...["-h", this.directory, "-p", `${this.port}`, "-U", OWNER, "-d", database, "-c", text],
    ]);
  }

  /** Ends it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await Deno.remove(this.directory, { recursive: true });
  }

  async #configure(lines: readonly string[]): Promise<void> {
    const config = [
      `port = ${this.port}`,
      "listen_addresses = '127.0.0.1'",
      `unix_socket_directories = '${this.directory}'`,
      "unix_socket_permissions = 0777",
      "fsync = off",
      "shared_buffers = 1MB",
      "min_wal_size = 2MB",
      "wal_level = replica",
      "logging_collector = off",
      "log_min_messages = fatal",
      ...lines,
    ].join("\n").replaceAll("{dir}", this.directory);
    Deno.chmodSync(this.directory, 0o755);
    await Deno.writeTextFile(`${this.data}/postgresql.auto.conf`, `${config}\n`, { append: true });
  }
}

async function run([program, ...args]: readonly string[]): Promise<string> {
  const options = { stdout: "piped", stderr: "piped", stdin: "null" } as const;
  const { success, stdout, stderr } = await asUser([path(program!), ...args], options).output();
  const text = new TextDecoder().decode(success ? stdout : stderr);
  if (!success) throw new Error(`${program}: ${text}`);
  return text.replace(/\n$/, "");
}
