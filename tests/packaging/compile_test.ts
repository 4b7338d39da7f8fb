import { assertEquals, assertMatch } from "@std/assert";
import { COMMANDS } from "../../src/cli/cli.ts";
import { freePort } from "../fakes/free_port.ts";
import { initialEnvironment } from "../fakes/network_env.ts";

const ROOT = new URL("../../", import.meta.url);
const PROGRAM = new URL("dist/mta-sts-resolver", ROOT).pathname;

/** Between two attempts to connect to a program that is starting, ms. */
const RETRY_MS = 20;

/** Runs `deno task compile`; returns why it failed, or `undefined`. */
async function compile(): Promise<string | undefined> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["task", "--quiet", "compile"],
    cwd: ROOT,
    clearEnv: true,
    env: initialEnvironment(),
    stdout: "null",
  }).output();
  return success ? undefined : new TextDecoder().decode(stderr);
}

const failure = await compile();
// The base program is downloaded; where it cannot be had there is nothing to test, and only there.
const ignore = failure?.includes("Setting up base binary") ?? false;
if (ignore) {
  console.log("Compiling is not tested: the base program of this Deno cannot be had here");
}

/** For the names of the tests. */
const NOT_TESTED = ignore ? " (not tested: the base program of this Deno cannot be had here)" : "";

/** The answer to one question, asked as soon as the program listens; `undefined` if it ends before. */
async function ask(
  connect: () => Promise<Deno.Conn>,
  { question, running }: { question: string; running: () => boolean },
): Promise<string | undefined> {
  while (running()) {
    try {
      using connection = await connect();
      await connection.write(new TextEncoder().encode(`${question.length}:${question},`));
      const buffer = new Uint8Array(1024);
      const length = await connection.read(buffer) ?? 0;
      return new TextDecoder().decode(buffer.subarray(0, length));
    } catch {
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
  return undefined;
}

Deno.test({
  name: `the compiled program starts, answers by TCP and UNIX socket, and stops${NOT_TESTED}`,
  ignore,
  async fn() {
    assertEquals(failure, undefined);
    const directory = Deno.makeTempDirSync();
    try {
      const port = freePort();
      const path = `${directory}/postfix.sock`;
      const config = {
        listen: [`inet:127.0.0.1:${port}`, `unix:${path}`],
        cache: { file: `${directory}/cache.db` },
        // Nobody answers there; the keys asked for need no DNS.
        dns: { servers: ["127.0.0.1:1"] },
      };
      Deno.writeTextFileSync(`${directory}/config.yml`, JSON.stringify(config));
      const child = new Deno.Command(PROGRAM, {
        args: ["serve", "--config", `${directory}/config.yml`],
        clearEnv: true,
        stdout: "piped",
        stderr: "piped",
      }).spawn();
      let running = true;
      const output = child.output().finally(() => running = false);

      const byTcp = await ask(() => Deno.connect({ port }), {
        question: "postfix .example.com",
        running: () => running,
      });
      const byUnix = await ask(() => Deno.connect({ transport: "unix", path }), {
        question: "postfix [192.0.2.1]",
        running: () => running,
      });
      if (running) child.kill("SIGTERM");
      const { code, stderr } = await output;
      const log = new TextDecoder().decode(stderr);
      assertEquals([byTcp, byUnix, code], ["9:NOTFOUND ,", "9:NOTFOUND ,", 0], log);
      assertEquals(Deno.statSync(`${directory}/cache.db`).isFile, true);
    } finally {
      Deno.removeSync(directory, { recursive: true });
    }
  },
});

/** What a command fails at, after it has been loaded: each of its arguments leads nowhere. */
function argumentsOf({ name, arity, options }: (typeof COMMANDS)[number]): string[] {
  const takes = (wanted: string) => options.some((option) => option.name === wanted);
  const nowhere = takes("socket") ? ["--socket=inet:127.0.0.1:1"] : ["--config=/nonexistent.yml"];
  const operands = Array<string>(arity[0]).fill("/nonexistent");
  return [...name.split(" "), ...(takes("config") ? nowhere : []), ...operands];
}

Deno.test({
  name: `the compiled program has every command in it${NOT_TESTED}`,
  ignore,
  async fn() {
    for (const command of COMMANDS) {
      const args = argumentsOf(command);
      const { stderr } = await new Deno.Command(PROGRAM, { args, clearEnv: true }).output();
      const text = new TextDecoder().decode(stderr);
      // What the commands say themselves. A file that is missing would be a `TypeError` of the runtime.
      assertMatch(
        text,
        /nonexistent|refused|not a domain|cannot look up|takes a domain|is missing/,
        args.join(" "),
      );
    }
  },
});
