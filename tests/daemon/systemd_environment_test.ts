import { assertEquals } from "@std/assert";
import {
  isStream,
  readSystemdEnvironment,
  type SystemdEnvironment,
} from "../../src/daemon/systemd_environment.ts";

const NOTHING: SystemdEnvironment = { notifySocket: undefined, watchdog: undefined, sockets: [] };

function read(env: Record<string, string>): SystemdEnvironment {
  return readSystemdEnvironment((name) => env[name], 42);
}

Deno.test("readSystemdEnvironment() finds nothing where there is no systemd", () => {
  assertEquals(read({}), NOTHING);
  assertEquals(read({ NOTIFY_SOCKET: "" }), NOTHING);
});

Deno.test("readSystemdEnvironment() takes the watchdog's time unless it is meant for another process", () => {
  const table: [env: Record<string, string>, ms: number | undefined][] = [
    [{ WATCHDOG_USEC: "30000000" }, 30_000],
    [{ WATCHDOG_USEC: "30000000", WATCHDOG_PID: "42" }, 30_000],
    [{ WATCHDOG_USEC: "30000000", WATCHDOG_PID: "421" }, undefined],
    [{ WATCHDOG_USEC: "30000000", WATCHDOG_PID: "" }, undefined],
    [{ WATCHDOG_USEC: "0" }, undefined],
    [{ WATCHDOG_USEC: "" }, undefined],
    [{ WATCHDOG_USEC: "1e6" }, undefined],
    [{ WATCHDOG_USEC: "-1" }, undefined],
    [{ WATCHDOG_USEC: "18446744073709551615" }, undefined],
    [{ WATCHDOG_PID: "42" }, undefined],
  ];
  for (const [env, watchdog] of table) {
    assertEquals(read(env), { ...NOTHING, watchdog }, JSON.stringify(env));
  }
});

Deno.test("readSystemdEnvironment() takes sockets that are meant for this process, with their names", () => {
  const sockets = (...names: string[]) => names.map((name, index) => ({ fd: 3 + index, name }));
  const table: [env: Record<string, string>, sockets: SystemdEnvironment["sockets"]][] = [
    [{ LISTEN_PID: "42", LISTEN_FDS: "1" }, sockets("unknown")],
    [{ LISTEN_PID: "42", LISTEN_FDS: "2", LISTEN_FDNAMES: "a.socket" }, [
      ...sockets("a.socket", "unknown"),
    ]],
    [
      { LISTEN_PID: "42", LISTEN_FDS: "2", LISTEN_FDNAMES: "a.socket:/run/b" },
      sockets("a.socket", "/run/b"),
    ],
    [{ LISTEN_PID: "1", LISTEN_FDS: "1" }, []],
    [{ LISTEN_FDS: "1" }, []],
    [{ LISTEN_PID: "42" }, []],
    [{ LISTEN_PID: "42", LISTEN_FDS: "0" }, []],
    [{ LISTEN_PID: "42", LISTEN_FDS: "-1" }, []],
    [{ LISTEN_PID: "42", LISTEN_FDS: "9999" }, []],
  ];
  for (const [env, expected] of table) {
    assertEquals(read(env), { ...NOTHING, sockets: expected }, JSON.stringify(env));
  }
});

Deno.test("isStream() takes only the very stream of the journal", () => {
  assertEquals(isStream("8:1234", { dev: 8n, ino: 1234n }), true);
  assertEquals(isStream("8:1234", { dev: 8n, ino: 1235n }), false);
  assertEquals(isStream("", { dev: 0n, ino: 0n }), false);
});
