import { assertEquals, assertMatch } from "@std/assert";
import { runCli } from "../../src/cli/cli.ts";
import type { Io } from "../../src/cli/command.ts";
import { startDaemon, startOutside } from "../fakes/daemon.ts";

/** Runs `health` and returns exit status and output. */
async function health(...args: string[]): Promise<[number, string]> {
  let output = "";
  const io: Io = {
    out: (text) => output += text,
    err: (line) => output += `${line}\n`,
    env: () => undefined,
    isTerminal: false,
  };
  return [await runCli(["health", ...args], io), output];
}

Deno.test("health asks the daemon on its socket and for its own checks", async () => {
  await using outside = await startOutside();
  const socket = `${outside.directory}/map.sock`;
  const http = `${outside.directory}/http.sock`;
  const config = await outside.configure(`listen: "unix:${socket}"\nhttp: "unix:${http}"`);
  {
    await using daemon = await startDaemon({ config, args: [] });
    await daemon.logged("dns resolver validates dnssec");
    assertEquals(await health("--config", config), [0, "ok\n"]);
    assertEquals(await health("--socket", `unix:${socket}`), [0, "ok\n"]);

    // A daemon keeps what it saw for ten seconds; the next one asks anew.
    outside.disturb = (reply) => reply && { ...reply, ad: false };
  }
  {
    await using daemon = await startDaemon({ config, args: [] });
    await daemon.logged("dns resolver does not validate dnssec");
    const [status, output] = await health("--config", config);
    assertEquals(status, 0);
    assertMatch(output, /^ok; dnssec: "the resolver does not validate, so DANE is not checked: /);
  }
  outside.disturb = () => ({ rcode: "SERVFAIL" });
  {
    await using _daemon = await startDaemon({ config, args: [] });
    const [status, output] = await health("--config", config);
    assertEquals(status, 1);
    assertMatch(output, /^unhealthy: dns: "servfail: /);
    assertEquals((await health("--socket", `unix:${socket}`))[0], 0);
  }
  const [status, output] = await health("--config", config);
  assertEquals(status, 1);
  assertMatch(output, /^unhealthy: Cannot query unix:/);
});
