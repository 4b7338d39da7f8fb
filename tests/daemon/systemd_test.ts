import deno from "../../deno.json" with { type: "json" };
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type Outside, startDaemon, startOutside } from "../fakes/daemon.ts";
import { type NotifySocket, openNotifySocket } from "../fakes/notify_socket.ts";
import { permissionFlags } from "../fakes/permissions.ts";

/** The source with no more rights than the compiled program has. */
const COMMAND = [
  Deno.execPath(),
  "run",
  "--quiet",
  ...permissionFlags(),
  new URL("../../main.ts", import.meta.url).pathname,
];

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function startNotifying(
  outside: Outside,
  { socket, env = {} }: { socket: NotifySocket; env?: Record<string, string> },
) {
  const config = await outside.configure();
  const all = { NOTIFY_SOCKET: socket.path, ...env };
  return startDaemon({ config, command: COMMAND, env: all });
}

Deno.test("serve tells systemd when it is ready, reloads and stops", async () => {
  await using outside = await startOutside();
  outside.publish("good.example");
  await using socket = await openNotifySocket(`${outside.directory}/notify.sock`);
  await using daemon = await startNotifying(outside, { socket });
  await socket.got("READY=1");
  assertEquals(await daemon.query("good.example"), [
    "OK secure match=mx.good.example servername=hostname",
  ]);
  daemon.signal("SIGHUP");
  await socket.got("READY=1", 2);
  await outside.configure("listen: nowhere");
  daemon.signal("SIGHUP");
  await socket.got("READY=1", 3);
  daemon.signal("SIGTERM");
  assertEquals((await daemon.ended).code, 0);
  await socket.got("STOPPING=1");
  assertEquals(socket.received, [
    "READY=1\nSTATUS=0 queries answered, 0 policies cached",
    "RELOADING=1",
    "READY=1",
    "RELOADING=1",
    "READY=1",
    "STOPPING=1\nSTATUS=Answering the queries received\nWATCHDOG=1",
  ]);
  assertEquals(daemon.lines.filter((line) => line.includes("manager")), []);
});

Deno.test("serve feeds systemd's watchdog, and no more once the process stands still", async () => {
  await using outside = await startOutside();
  await using socket = await openNotifySocket(`${outside.directory}/notify.sock`);
  const env = { WATCHDOG_USEC: "400000" };
  await using daemon = await startNotifying(outside, { socket, env });
  await socket.got("WATCHDOG=1", 3);
  daemon.signal("SIGSTOP");
  // What was sent before has arrived by then.
  await pause(200);
  const before = socket.received.length;
  await pause(800);
  assertEquals(socket.received.length, before);
  daemon.signal("SIGCONT");
  await socket.got("WATCHDOG=1", before + 2);
});

Deno.test("serve starts all the same when systemd's socket cannot be reached, and says so", async () => {
  await using outside = await startOutside();
  const path = `${outside.directory}/none.sock`;
  const config = await outside.configure();
  // As it runs for who starts it by hand, without the flag and without our deno.json, which has it, too.
  const bare = `${outside.directory}/bare.json`;
  await Deno.writeTextFile(bare, JSON.stringify({ imports: deno.imports }));
  // Without a lock file, the registry would be asked for versions.
  const lock = `${outside.directory}/bare.lock`;
  await Deno.copyFile(new URL("../../deno.lock", import.meta.url), lock);
  const withoutFlag = COMMAND.flatMap((flag) =>
    flag === "--unstable-net" ? ["--config", bare, `--lock=${lock}`] : [flag]
  );
  for (const command of [COMMAND, withoutFlag]) {
    await using daemon = await startDaemon({ config, command, env: { NOTIFY_SOCKET: path } });
    const line = await daemon.logged("manager");
    assertStringIncludes(line, path);
    assertMatch(line, command === COMMAND ? /No such file/ : /--unstable-net/);
    assertEquals(await daemon.query(".example"), ["NOTFOUND "]);
  }
});
