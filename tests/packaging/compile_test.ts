import { assertEquals, assertStringIncludes } from "@std/assert";

const ROOT = new URL("../../", import.meta.url);
const PROGRAM = new URL("dist/mta-sts-resolver", ROOT).pathname;

/** How long the program may take to listen, ms; 150 are the aim, a busy machine gets more. */
const START_TIMEOUT_MS = 10_000;

/** Runs `deno task compile`; returns why it failed, or `undefined`. */
async function compile(): Promise<string | undefined> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["task", "--quiet", "compile"],
    cwd: ROOT,
    stdout: "null",
  }).output();
  return success ? undefined : new TextDecoder().decode(stderr);
}

const failure = await compile();
// The base program is downloaded; with none to be had there is nothing to test, and only then.
const noBase = failure?.includes("Setting up base binary") ?? false;
if (noBase) console.log("Compiling is not tested: the base program of this version cannot be had");

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

type Address = Deno.ConnectOptions | (Deno.UnixConnectOptions & { transport: "unix" });

function connect(address: Address): Promise<Deno.Conn> {
  return "path" in address ? Deno.connect(address) : Deno.connect(address);
}

/** Asks one question; waits for the program to listen. */
async function ask(address: Address, question: string): Promise<string> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    try {
      using connection = await connect(address);
      await connection.write(new TextEncoder().encode(`${question.length}:${question},`));
      const buffer = new Uint8Array(1024);
      const length = await connection.read(buffer) ?? 0;
      return new TextDecoder().decode(buffer.subarray(0, length));
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

Deno.test({
  name: "the compiled program starts, answers by TCP and UNIX socket, and stops",
  ignore: noBase,
  async fn() {
    assertEquals(failure, undefined);
    const directory = Deno.makeTempDirSync();
    try {
      const port = freePort();
      const path = `${directory}/postfix.sock`;
      const config = {
        listen: [`inet:127.0.0.1:${port}`, `unix:${path}`],
        cache: { file: `${directory}/cache.db` },
        // No resolver: the keys asked for need none.
        dns: { servers: ["127.0.0.1:1"] },
      };
      Deno.writeTextFileSync(`${directory}/config.yml`, JSON.stringify(config));
      const child = new Deno.Command(PROGRAM, {
        args: ["serve", "--config", `${directory}/config.yml`],
        clearEnv: true,
        stdout: "piped",
        stderr: "piped",
      }).spawn();
      const output = child.output();
      try {
        const answer = "9:NOTFOUND ,";
        assertEquals(await ask({ port }, "postfix .example.com"), answer);
        assertEquals(await ask({ transport: "unix", path }, "postfix [192.0.2.1]"), answer);
      } finally {
        child.kill("SIGTERM");
      }
      const { code, stdout, stderr } = await output;
      const log = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
      assertEquals(code, 0, log);
      assertEquals(Deno.statSync(`${directory}/cache.db`).isFile, true);
      assertStringIncludes(log, String(port));
    } finally {
      Deno.removeSync(directory, { recursive: true });
    }
  },
});
