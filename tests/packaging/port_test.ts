import { assertEquals, assertMatch } from "@std/assert";
import { querySocketmap } from "../../src/postfix/client.ts";
import { activate, hasSocketActivate, poke } from "../fakes/activation.ts";
import { startDaemon, startOutside } from "../fakes/daemon.ts";
import { freePort } from "../fakes/free_port.ts";
import { permissionFlags } from "../fakes/permissions.ts";

/** `nobody` of Debian. */
const NOBODY = 65_534;

const TIMEOUT_MS = 20_000;

/** In systemd's place: starts the program, with the socket that it holds, as often as a line says so. */
const SUPERVISOR = `
  while read -r _; do
    (
      export LISTEN_PID=$BASHPID
      echo $BASHPID >"$0"
      exec "$@"
    )
    echo ended >>"$0.ended"
  done
`;

/** Listens on the port if it can, and says what came of it. */
const TAKER = `
  use IO::Socket::INET;
  my $socket = IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1:$ARGV[0]", ReuseAddr => 1);
  print $socket ? "taken" : "$!";
`;

/** As another user where the test may change to one. */
function take(port: number): string {
  const { stdout } = new Deno.Command("perl", {
    args: ["-e", TAKER, String(port)],
    env: { LC_ALL: "C" },
    ...(Deno.uid() === 0 ? { uid: NOBODY, gid: NOBODY } : {}),
  }).outputSync();
  return new TextDecoder().decode(stdout);
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 10));
}

function lines(path: string): number {
  try {
    return Deno.readTextFileSync(path).split("\n").length - 1;
  } catch {
    return 0;
  }
}

const main = new URL("../../main.ts", import.meta.url).pathname;
const program = [Deno.execPath(), "run", "--quiet", ...permissionFlags(), main];
const KEY = "good.example";
const REPLY = ["OK secure match=mx.good.example servername=hostname"];

Deno.test("the port of a daemon that opens it itself is anyone's while it restarts", async () => {
  await using outside = await startOutside();
  const port = freePort();
  const config = await outside.configure(`listen: inet:127.0.0.1:${port}`);
  const command = program;
  {
    await using daemon = await startDaemon({ config, command, args: [] });
    await daemon.logged(" started ");
    assertEquals(take(port), "Address already in use");
    daemon.signal("SIGTERM");
    await daemon.ended;
  }
  assertEquals(take(port), "taken");
});

Deno.test({
  name:
    "a socket that systemd holds cannot be taken while the daemon is stopped, killed or restarts",
  ignore: !hasSocketActivate(),
  async fn() {
    await using outside = await startOutside();
    outside.publish(KEY);
    const port = freePort();
    const address = { kind: "inet", hostname: "127.0.0.1", port } as const;
    const file = `${outside.directory}/pid`;
    const [pipe, ended] = [`${outside.directory}/pipe`, `${file}.ended`];
    new Deno.Command("mkfifo", { args: [pipe] }).outputSync();
    const config = await outside.configure();
    const supervisor = ["bash", "-c", `${SUPERVISOR.replace("done\n", `done <${pipe}\n`)}`, file];
    const command = activate({ [`127.0.0.1:${port}`]: "mta-sts.socket" }, [
      ...supervisor,
      ...program,
      "serve",
      "--config",
      config,
    ]);
    const holder = new Deno.Command(command[0]!, {
      args: command.slice(1),
      stderr: "null",
      stdout: "null",
    }).spawn();
    const starts = (async () => {
      await poke(port);
      return await Deno.open(pipe, { write: true });
    })();
    const orders = await starts;
    const start = () => orders.write(new TextEncoder().encode("start\n"));
    const ask = () => querySocketmap(address, "postfix", [KEY], { timeout: TIMEOUT_MS });
    assertEquals(take(port), "Address already in use", "before the first start");
    for (const signal of ["SIGTERM", "SIGKILL"] as const) {
      const before = lines(ended);
      await start();
      assertEquals(await ask(), REPLY);
      Deno.kill(parseInt(Deno.readTextFileSync(file), 10), signal);
      await until(() => lines(ended) > before);
      assertEquals(take(port), "Address already in use", `after ${signal}`);
      // Who asks now, waits for the next start.
      const answer = ask();
      await start();
      while (lines(ended) === before + 1) {
        assertMatch(take(port), /in use/);
        const last = await Promise.race([answer, Promise.resolve(undefined)]);
        if (last !== undefined) break;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      assertEquals(await answer, REPLY);
      Deno.kill(parseInt(Deno.readTextFileSync(file), 10), "SIGTERM");
      await until(() => lines(ended) > before + 1);
    }
    orders.close();
    await holder.status;
  },
});
