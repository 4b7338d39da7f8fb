import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { querySocketmap } from "../../src/postfix/client.ts";
import { activate, hasSocketActivate, poke } from "../fakes/activation.ts";
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

const ignore = !hasSocketActivate();

/**
 * A daemon with a TCP and a unix socket from systemd.
 *
 * @param listen What `listen` names beside; without it, it is not set.
 */
async function startActivated(
  { args = [], listen = () => [] }: {
    args?: readonly string[];
    listen?: (held: { port: number; path: string }) => readonly string[];
  } = {},
) {
  const outside = await startOutside();
  outside.publish("good.example");
  const port = freePort();
  const path = `${outside.directory}/postfix.sock`;
  const command = activate({ [`127.0.0.1:${port}`]: "tcp", [path]: path }, PROGRAM);
  const named = listen({ port, path });
  const config = await outside.configure(
    named.length === 0 ? "" : `listen: ${JSON.stringify(named)}`,
  );
  const [daemon] = await Promise.all([startDaemon({ config, command, args }), poke(port)]);
  return {
    daemon,
    outside,
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
  name:
    "serve answers on sockets from systemd, TCP and unix, which stand for the default of 'listen'",
  ignore,
  async fn() {
    await using activated = await startActivated();
    const { daemon, inet, unix } = activated;
    for (const address of [inet, unix]) {
      const keys = ["good.example", ".example", "none.example"];
      const replies = await querySocketmap(address, "postfix", keys, { timeout: TIMEOUT_MS });
      assertEquals(replies, [REPLY, "NOTFOUND ", "NOTFOUND "]);
    }
    const listening = () => daemon.lines.filter((line) => / listening /.test(line));
    const addresses = [`address=inet:127.0.0.1:${inet.port}`, `address=unix:${unix.path}`];
    assertEquals(listening().map((line) => /address=\S+/.exec(line)?.[0]), addresses);

    daemon.signal("SIGHUP");
    await daemon.logged(" reloaded ");
    assertEquals(listening().length, addresses.length);
    assertEquals(await daemon.query("good.example"), [REPLY]);

    daemon.signal("SIGTERM");
    assertEquals((await daemon.ended).code, 0);
    assert((await Deno.lstat(unix.path)).isSocket, "the socket of systemd is gone");
  },
});

Deno.test({
  name:
    "serve opens what 'listen' names beside the sockets from systemd, and says that nobody holds it",
  ignore,
  async fn() {
    const port = freePort();
    await using activated = await startActivated({
      listen: (held) => [
        `inet:127.0.0.1:${held.port}`,
        `unix:${held.path}`,
        `inet:127.0.0.1:${port}`,
        `unix:${held.path}.own`,
      ],
    });
    const { daemon, inet, unix } = activated;
    const named = { kind: "inet", hostname: "127.0.0.1", port } as const;
    const own = { kind: "unix", path: `${unix.path}.own` } as const;
    for (const address of [inet, unix, named, own]) {
      const replies = await querySocketmap(address, "postfix", [".example"], {
        timeout: TIMEOUT_MS,
      });
      assertEquals(replies, ["NOTFOUND "]);
    }
    const warnings = daemon.lines.filter((line) => / (WARN|ERROR) /.test(line));
    assertEquals(warnings.length, 1, warnings.join("\n"));
    assertStringIncludes(
      warnings[0]!,
      `address not held by systemd address=inet:127.0.0.1:${port} `,
    );
    daemon.signal("SIGHUP");
    await daemon.logged(" reloaded ");
    assertEquals(await isOpen(port), true);
  },
});

Deno.test({
  name: "serve starts though 'listen' names a socket from systemd in other words, and says so",
  ignore,
  async fn() {
    await using activated = await startActivated({
      listen: (held) => [`inet:0.0.0.0:${held.port}`],
    });
    const { daemon, inet } = activated;
    assertEquals(await daemon.query("good.example"), [REPLY]);
    const [line = ""] = daemon.lines.filter((each) => / ERROR /.test(each));
    assertStringIncludes(
      line,
      `address left out address=inet:0.0.0.0:${inet.port} reason="Cannot listen`,
    );
  },
});

Deno.test({
  name:
    "serve opens what '--listen' names beside the sockets from systemd, and not what 'listen' does",
  ignore,
  async fn() {
    const [port, other] = [freePort(), freePort()];
    await using activated = await startActivated({
      args: ["--listen", `inet:127.0.0.1:${port}`],
      listen: () => [`inet:127.0.0.1:${other}`],
    });
    const named = { kind: "inet", hostname: "127.0.0.1", port } as const;
    for (const address of [activated.inet, named]) {
      const replies = await querySocketmap(address, "postfix", [".example"], {
        timeout: TIMEOUT_MS,
      });
      assertEquals(replies, ["NOTFOUND "]);
    }
    assertEquals(await isOpen(other), false);
  },
});

Deno.test("serve says in one line that a passed descriptor is not a socket", async () => {
  await using outside = await startOutside();
  const config = await outside.configure();
  const { code, stderr } = await new Deno.Command("sh", {
    args: [
      "-c",
      'export LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=mta-sts.socket; exec "$@" 3</dev/null',
      "sh",
      ...PROGRAM,
      ...["serve", "--config", config],
    ],
    env: { NO_COLOR: "1" },
    stdout: "null",
    stderr: "piped",
  }).output();
  const last = new TextDecoder().decode(stderr).split("\n").at(-2);
  assertEquals(
    last,
    "mta-sts-resolver: Cannot take over socket 3 ('mta-sts.socket'): it is not a listening stream socket: " +
      "check the socket unit",
  );
  assertEquals(code, 3);
});
