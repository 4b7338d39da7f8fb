import { assertEquals } from "@std/assert";
import { chooseRoute } from "../../src/https/route.ts";
import { permissionFlags } from "../fakes/permissions.ts";

Deno.test("chooseRoute() takes the relay unless there is a proxy of the operator's", () => {
  const off = { RES_OPTIONS: "attempts:0", SYSTEMD_NSS_RESOLVE_NETWORK: "0" };
  const table: [string | undefined, ReturnType<typeof chooseRoute>][] = [
    [undefined, { kind: "relay", environment: off }],
    ["http://192.0.2.1:3128", { kind: "proxy", url: "http://192.0.2.1:3128", environment: off }],
    ["http://u:p@[2001:db8::1]:3128/", {
      ...{ kind: "proxy", url: "http://u:p@[2001:db8::1]:3128/" },
      environment: off,
    }],
    ["socks5://[2001:db8::1]:1080", {
      ...{ kind: "proxy", url: "socks5://[2001:db8::1]:1080" },
      environment: off,
    }],
    // Its name must be looked up, and the system may know one that DNS does not.
    ["http://proxy:3128", { kind: "proxy", url: "http://proxy:3128", environment: {} }],
    ["http://1.2.3.4.test", { kind: "proxy", url: "http://1.2.3.4.test", environment: {} }],
  ];
  for (const [proxy, expected] of table) assertEquals(chooseRoute({ proxy }), expected);
});

Deno.test("permissions.txt allows each variable that a route sets", () => {
  const allowed = permissionFlags().find((flag) => flag.startsWith("--allow-env="))!.split(/[=,]/);
  for (const name of Object.keys(chooseRoute({ proxy: undefined }).environment)) {
    assertEquals([name, allowed.includes(name)], [name, true]);
  }
});
