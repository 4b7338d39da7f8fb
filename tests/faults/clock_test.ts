/**
 * A daemon whose wall clock is wrong for a while: no policy is lost by it, then or after a restart.
 *
 * @module
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { runCli } from "../../src/cli/cli.ts";
import type { Daemon, Outside } from "../fakes/daemon.ts";
import { startDaemon, startOutside } from "../fakes/daemon.ts";

const DOMAIN = "good.example";
const ENFORCED = `OK secure match=mx.${DOMAIN} servername=hostname`;
const DAY_MS = 86_400_000;
const YEAR_MS = 365 * DAY_MS;

/** More than what a daemon needs to see where the hands of its clock are, ms. */
const SEEN_MS = 300;

/** A machine with a clock that can be wrong. */
function machine(outside: Outside) {
  const file = `${outside.directory}/odd_clock`;
  const main = new URL("odd_clock.ts", import.meta.url).pathname;
  const command = [Deno.execPath(), "run", "-A", "--quiet", "--no-check", main];
  return {
    async set(error: number): Promise<void> {
      Deno.writeTextFileSync(file, String(Math.round(error)));
      await new Promise((resolve) => setTimeout(resolve, SEEN_MS));
    },
    start: (config: string, args?: readonly string[]) =>
      startDaemon({ config, args, command, env: { ODD_CLOCK: file } }),
  };
}

async function stop(daemon: Daemon): Promise<void> {
  daemon.signal("SIGTERM");
  await daemon.ended;
}

function hide(outside: Outside): void {
  outside.dns.table[`TXT _mta-sts.${DOMAIN}`] = { rcode: "NXDOMAIN" };
}

async function health(config: string): Promise<string> {
  let output = "";
  const io = {
    out: (text: string) => output += text,
    err: (line: string) => output += `${line}\n`,
    env: () => undefined,
    isTerminal: false,
  };
  await runCli(["health", "--config", config], io);
  return output;
}

Deno.test("a clock some seconds in the wrong year loses no policy, then or after a restart", async () => {
  await using outside = await startOutside();
  const { set, start } = machine(outside);
  outside.publish(DOMAIN);
  const socket = `${outside.directory}/map.sock`;
  const config = await outside.configure(
    `listen: ["unix:${socket}", "inet:127.0.0.1:0"]\nhttp: "unix:${outside.directory}/http.sock"`,
  );
  await set(0);
  {
    await using daemon = await start(config, []);
    assertEquals(await daemon.query(DOMAIN), [ENFORCED]);
    hide(outside);
    await set(YEAR_MS);
    const line = await daemon.logged("clock jumped ahead, not believed before it has lasted");
    assertMatch(line, /seconds=315360\d\d/);
    assertEquals(await daemon.query(DOMAIN), [ENFORCED]);
    assertMatch(await health(config), /the clock jumped ahead by 315360\d\d s/);
    await set(0);
    await daemon.logged("clock jump taken back, nothing has expired by it");
    assertEquals(await daemon.query(DOMAIN), [ENFORCED]);
    await stop(daemon);
  }
  await using daemon = await start(config);
  assertEquals(await daemon.query(DOMAIN), [ENFORCED]);
});

Deno.test("a daemon started in the wrong year loses no policy, then or after a restart", async () => {
  await using outside = await startOutside();
  const { set, start } = machine(outside);
  outside.publish(DOMAIN);
  const config = await outside.configure();
  await set(0);
  {
    await using daemon = await start(config);
    assertEquals(await daemon.query(DOMAIN), [ENFORCED]);
    await stop(daemon);
  }
  hide(outside);
  await set(YEAR_MS);
  {
    await using daemon = await start(config);
    assertEquals(await daemon.query(DOMAIN), [ENFORCED]);
    await set(0);
    assertEquals(await daemon.query(DOMAIN), [ENFORCED]);
    await stop(daemon);
  }
  await using daemon = await start(config);
  assertEquals(await daemon.query(DOMAIN), [ENFORCED]);
  assert(!daemon.lines.some((line) => line.includes("clock")), daemon.lines.join("\n"));
});

Deno.test("a machine booted with an unset clock loses no policy when the clock is put right", async () => {
  for (const boot of [Date.UTC(2025, 5, 1), Date.UTC(1970, 0, 1)]) {
    await using outside = await startOutside();
    const { set, start } = machine(outside);
    outside.publish(DOMAIN, { maxAge: 30 * 86_400 });
    const config = await outside.configure();
    await set(0);
    {
      await using daemon = await start(config);
      assertEquals(await daemon.query(DOMAIN), [ENFORCED]);
      await stop(daemon);
    }
    hide(outside);
    await set(boot - Date.now());
    {
      await using daemon = await start(config);
      await daemon.logged("clock set back, ages are kept");
      assertEquals(await daemon.query(DOMAIN), [ENFORCED]);
      await set(0);
      assertEquals(await daemon.query(DOMAIN), [ENFORCED]);
      await stop(daemon);
    }
    await using daemon = await start(config);
    assertEquals(await daemon.query(DOMAIN), [ENFORCED]);
  }
});
