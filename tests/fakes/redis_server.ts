/**
 * A real `redis-server` or `redis-sentinel` on a free port of loopback, in a directory that is thrown away.
 *
 * @module
 */

import { freePort } from "./free_port.ts";
import { asUser, giveToUser, isInstalled, makeUserDir, until } from "./plain_user.ts";

/** Whether there is a Redis to test with. */
export const hasRedis = isInstalled("redis-server");

/** Whether there is one with sentinels. */
export const hasSentinel = hasRedis && isInstalled("redis-sentinel");

/** A server. `await using` ends it and removes its files. */
export class RedisServer implements AsyncDisposable {
  /** Where it listens on 127.0.0.1. */
  readonly port = freePort();
  /** Its directory; `redis.sock` is in it. */
  readonly directory = makeUserDir();
  readonly #program: string;
  #process: Deno.ChildProcess | undefined;

  private constructor(program: string) {
    this.#program = program;
  }

  /**
   * Starts a server.
   *
   * @param lines Lines of its configuration file. `{dir}` is its directory.
   */
  static async start(
    lines: readonly string[] = [],
    { program = "redis-server", files = {}, isTls = false }: {
      readonly program?: string;
      /** The port is for TLS alone. */
      readonly isTls?: boolean;
      /** More files in its directory. */
      readonly files?: Readonly<Record<string, string>>;
    } = {},
  ): Promise<RedisServer> {
    const server = new RedisServer(program);
    for (const [name, text] of Object.entries(files)) {
      Deno.writeTextFileSync(`${server.directory}/${name}`, text);
      giveToUser(`${server.directory}/${name}`);
    }
    const port = isTls ? ["port 0", `tls-port ${server.port}`] : [`port ${server.port}`];
    const base = ["bind 127.0.0.1 -127.0.0.2", ...port, `dir ${server.directory}`];
    const socket = [`unixsocket ${server.directory}/redis.sock`, "unixsocketperm 777"];
    const data = program === "redis-server" ? ['save ""', "repl-diskless-sync-delay 0"] : [];
    const config = [...base, ...socket, ...data, ...lines].join("\n").replaceAll(
      "{dir}",
      server.directory,
    );
    Deno.writeTextFileSync(`${server.directory}/redis.conf`, `${config}\n`);
    giveToUser(`${server.directory}/redis.conf`);
    Deno.chmodSync(server.directory, 0o755);
    await server.restart();
    return server;
  }

  /** The process, for signals. */
  get pid(): number {
    return this.#process!.pid;
  }

  /** Starts it, after it has been stopped. */
  async restart(): Promise<void> {
    this.#process = asUser([this.#program, `${this.directory}/redis.conf`], {
      stdout: "null",
      stderr: "null",
      stdin: "null",
    }).spawn();
    await until(`${this.#program} on port ${this.port}`, () => this.#isAnswering());
  }

  /** Stops it at once, as a crash does. */
  async kill(): Promise<void> {
    const process = this.#process;
    this.#process = undefined;
    if (process === undefined) return;
    process.kill("SIGKILL");
    await process.status;
  }

  /** Has it answer nothing, with its connections open. */
  pause(): void {
    this.#process!.kill("SIGSTOP");
  }

  /** Ends {@link pause}. */
  resume(): void {
    this.#process!.kill("SIGCONT");
  }

  /** Runs a command as a client of its own. @returns The reply as text. */
  command(...args: readonly string[]): Promise<string> {
    return this.output([args]);
  }

  /** Runs commands over one connection, such as AUTH and another. @returns The replies as text. */
  output(list: readonly (readonly string[])[]): Promise<string> {
    const lines = list.map((args) => args.map((each) => JSON.stringify(each)).join(" ") + "\n");
    return this.script(lines.join(""));
  }

  /** Runs what one would type into `redis-cli`. @returns The replies as text. */
  async script(input: string): Promise<string> {
    const command = new Deno.Command("redis-cli", {
      args: ["-p", `${this.port}`],
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    });
    await using child = command.spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(input));
    await writer.close();
    const { stdout } = await child.output();
    return new TextDecoder().decode(stdout).replaceAll("\r", "");
  }

  /** Whether it greets, with or without the right to. Behind TLS it is asked over its socket. */
  async #isAnswering(): Promise<boolean> {
    const path = `${this.directory}/redis.sock`;
    try {
      using connection = await Deno.connect({ transport: "unix", path });
      await connection.write(new TextEncoder().encode("PING\r\n"));
      const buffer = new Uint8Array(64);
      const length = await connection.read(buffer) ?? 0;
      return /^(?:\+PONG|-NOAUTH)/.test(new TextDecoder().decode(buffer.subarray(0, length)));
    } catch {
      return false;
    }
  }

  /** Ends it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await Deno.remove(this.directory, { recursive: true });
  }
}
