import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { querySocketmap } from "../../src/postfix/client.ts";
import { activate, CAN_ADOPT, hasSocketActivate, poke } from "../fakes/activation.ts";
import { freePort } from "../fakes/free_port.ts";
import { startDaemon, startOutside } from "../fakes/daemon.ts";
import { permissionFlags } from "../fakes/permissions.ts";

const PROGRAM = [
  Deno.execPath(),
  "run",
  "--quiet",
  ...permissionFlags(),
  new URL("../../main.ts", import.meta.url).pathname,
];
const REPLY = "OK secure match=mx.good.example servername=hostname";
const TIMEOUT_MS = 10_000;

const here = hasSocketActivate();
const ignore = !here || !CAN_ADOPT;

/** A daemon with a TCP and a unix socket from systemd. */
async function startActivated(args: readonly string[] = []) {
  const outside = await startOutside();
  outside.publish("good.example");
  const [port, other] = [freePort(), freePort()];
  const path = `${outside.directory}/postfix.sock`;
  const command = activate({ [`127.0.0.1:${port}`]: "tcp", [path]: path }, PROGRAM);
  const config = await outside.configure(`listen: inet:127.0.0.1:${other}`);
  const [daemon] = await Promise.all([startDaemon({ config, command, args }), poke(port)]);
  return {
    daemon,
    outside,
    other,
    inet: { kind: "inet", hostname: "127.0.0.1", port } as const,
    unix: { kind: "unix", path } as const,
    async [Symbol.asyncDispose]() {
      await daemon[Symbol.asyncDispose]();
      await outside[Symbol.asyncDispose]();
    },
  };
}

function isOpen(port: number): Promise<boolean> {
  return Deno.connect({ hostname: "127.0.0.1", port }).then((conn) => {
    conn.close();
    return true;
  }, () => false);
}

Deno.test({
  name: "serve answers on sockets from systemd, TCP and unix, and opens none of the configuration",
  ignore,
  async fn() {
    await using activated = await startActivated();
    const { daemon, inet, unix, other } = activated;
    for (const address of [inet, unix]) {
      const keys = ["good.example", ".example", "none.example"];
      const replies = await querySocketmap(address, "postfix", keys, { timeout: TIMEOUT_MS });
      assertEquals(replies, [REPLY, "NOTFOUND ", "NOTFOUND "]);
    }
    assertEquals(await isOpen(other), false);
    assertStringIncludes(daemon.lines.join("\n"), `listening address=unix:${unix.path}`);

    daemon.signal("SIGHUP");
    await daemon.logged(" reloaded ");
    assertEquals(await isOpen(other), false);
    assertEquals(await daemon.query("good.example"), [REPLY]);

    daemon.signal("SIGTERM");
    assertEquals((await daemon.ended).code, 0);
    assert((await Deno.lstat(unix.path)).isSocket, "the socket of systemd is gone");
  },
});

Deno.test({
  name: "serve opens what '--listen' names beside the sockets from systemd",
  ignore,
  async fn() {
    const port = freePort();
    await using activated = await startActivated(["--listen", `inet:127.0.0.1:${port}`]);
    const named = { kind: "inet", hostname: "127.0.0.1", port } as const;
    for (const address of [activated.inet, named]) {
      const replies = await querySocketmap(address, "postfix", [".example"], {
        timeout: TIMEOUT_MS,
      });
      assertEquals(replies, ["NOTFOUND "]);
    }
    assertEquals(await isOpen(activated.other), false);
  },
});

Deno.test({
  name: "serve says in one line that this runtime cannot take over a socket",
  ignore: !here || CAN_ADOPT,
  async fn() {
    await using outside = await startOutside();
    const port = freePort();
    const config = await outside.configure();
    const [program, ...args] = activate({ [`127.0.0.1:${port}`]: "mta-sts.socket" }, PROGRAM);
    const child = new Deno.Command(program!, {
      args: [...args, "serve", "--config", config],
      env: { NO_COLOR: "1" },
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const [{ code, stderr }] = await Promise.all([child.output(), poke(port)]);
    const last = new TextDecoder().decode(stderr).split("\n").at(-2);
    assertEquals(
      last,
      "mta-sts-resolver: Cannot take over socket 3 ('mta-sts.socket'): it does not listen, or this build " +
        `on Deno ${Deno.version.deno} is too old: stop the socket unit, or use a build on Deno 2.9`,
    );
    assertEquals(code, 3);
  },
});
