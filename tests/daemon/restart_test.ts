import { assert, assertEquals } from "@std/assert";
import { activate, hasSocketActivate, poke } from "../fakes/activation.ts";
import { freePort } from "../fakes/free_port.ts";
import { startDaemon, startOutside } from "../fakes/daemon.ts";
import { openNotifySocket } from "../fakes/notify_socket.ts";
import { permissionFlags } from "../fakes/permissions.ts";
import { PostfixClient } from "../fakes/postfix_client.ts";

const RESTARTS = 10;

/** Of each client between two restarts. */
const QUERIES = 20;

/** Pause of each client between two queries, ms. */
const PAUSE_MS = 2;

const KEY = "good.example";
const VALUE = "secure match=mx.good.example servername=hostname";

const POSTMAP = "/usr/sbin/postmap";

/**
 * What holds the socket, in the place of systemd: runs the program again and again, each time as the
 * process that the socket is for, which it tells in the file `$1`; until that is removed.
 */
const SUPERVISOR = `
  file=$1
  shift
  touch "$file"
  while [ -e "$file" ]; do
    (
      export LISTEN_PID=$BASHPID
      echo $BASHPID >"$file"
      exec "$@"
    )
  done
`;

const ignore = !hasSocketActivate();

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
}

function hasPostmap(): boolean {
  try {
    return Deno.statSync(POSTMAP).isFile;
  } catch {
    console.log("Restarts are not tested with postmap: it is not installed");
    return false;
  }
}

/** What came of the queries of one client so far. */
interface Outcome {
  asked: number;
  right: number;
  /** What `postmap` complains about. */
  said?: string;
}

/** Asks until told to stop; with `leave`, on a connection of its own each time. */
async function keepAsking(
  port: number,
  { signal, outcome, leave }: { signal: AbortSignal; outcome: Outcome; leave: boolean },
): Promise<Outcome> {
  using client = new PostfixClient(port);
  while (!signal.aborted) {
    outcome.asked++;
    if (await client.ask(`postfix ${KEY}`) === `OK ${VALUE}`) outcome.right++;
    if (leave) client.leave();
    await pause();
  }
  return outcome;
}

/** Has one `postmap` ask until told to stop. */
async function keepPostmapAsking(
  port: number,
  { signal, directory }: { signal: AbortSignal; directory: string },
): Promise<Outcome> {
  const config = await Deno.makeTempDir({ dir: directory });
  await Deno.writeTextFile(`${config}/main.cf`, "compatibility_level = 3.6\n");
  const child = new Deno.Command(POSTMAP, {
    args: ["-c", config, "-q", "-", `socketmap:inet:127.0.0.1:${port}:postfix`],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output = child.output();
  const keys = child.stdin.getWriter();
  const outcome: Outcome = { asked: 0, right: 0 };
  const line = new TextEncoder().encode(`${KEY}\n`);
  try {
    for (; !signal.aborted; outcome.asked++) {
      await keys.write(line);
      await pause();
    }
    await keys.close();
  } catch {
    // It has given up; its output says why.
  }
  const { stdout, stderr } = await output;
  outcome.said = new TextDecoder().decode(stderr);
  const lines = new TextDecoder().decode(stdout).split("\n").slice(0, -1);
  outcome.right = lines.filter((each) => each === `${KEY}\t${VALUE}`).length;
  return outcome;
}

Deno.test({
  name: "serve with a socket from systemd is restarted ten times without a query being lost",
  ignore,
  async fn() {
    await using outside = await startOutside();
    outside.publish(KEY);
    const { directory } = outside;
    await using socket = await openNotifySocket(`${directory}/notify.sock`);
    const [port, file] = [freePort(), `${directory}/pid`];
    const main = new URL("../../main.ts", import.meta.url).pathname;
    const daemon = [Deno.execPath(), "run", "--quiet", ...permissionFlags(), main];
    const supervisor = ["bash", "-c", SUPERVISOR, "supervisor", file, ...daemon];
    const starting = startDaemon({
      config: await outside.configure(),
      command: activate({ [`127.0.0.1:${port}`]: "mta-sts.socket" }, supervisor),
      args: [],
      env: { NOTIFY_SOCKET: socket.path },
    });
    await poke(port);
    await using running = await starting;
    const process = () => parseInt(Deno.readTextFileSync(file), 10);
    try {
      await running.query(KEY);
      const end = new AbortController();
      const { signal } = end;
      const outcomes = [false, true].map((leave) => ({ leave, asked: 0, right: 0 }));
      const clients = outcomes.map((outcome) =>
        keepAsking(port, { signal, outcome, leave: outcome.leave })
      );
      if (hasPostmap()) {
        clients.push(...[1, 2].map(() => keepPostmapAsking(port, { signal, directory })));
      }
      for (let restart = 1; restart <= RESTARTS; restart++) {
        Deno.kill(process(), "SIGTERM");
        await socket.got("READY=1", restart + 1);
        // Every second restart comes at the worst moment, when all who waited are being served.
        if (restart % 2 === 0) continue;
        const goals = outcomes.map(({ asked }) => asked + QUERIES);
        while (outcomes.some(({ asked }, index) => asked < goals[index]!)) await pause();
      }
      end.abort();
      for (const { asked, right, said = "" } of await Promise.all(clients)) {
        assertEquals(said, "");
        assertEquals(right, asked);
        assert(asked > RESTARTS / 2 * QUERIES, `only ${asked} queries`);
      }
    } finally {
      const last = process();
      Deno.removeSync(file);
      Deno.kill(last, "SIGTERM");
    }
    assertEquals((await running.ended).code, 0);
    assertEquals(running.lines.filter((each) => / (WARN|ERROR) /.test(each)), []);
  },
});
