import { assertEquals, assertRejects } from "@std/assert";
import { createLog } from "../../src/base/log.ts";
import type { ListenAddress } from "../../src/base/address.ts";
import { changeAll, OpenAddresses } from "../../src/daemon/address_change.ts";

const A = inet(1), B = inet(2), C = inet(3);

const LOG = createLog({ level: "error", format: "text", write: () => {} });

function inet(port: number): ListenAddress {
  return { kind: "inet", hostname: "127.0.0.1", port };
}

/** Addresses of which `busy` cannot be opened, and the ports that are open. */
function addresses({ busy = [] as readonly ListenAddress[] } = {}) {
  const open = new Set<number>();
  const set = new OpenAddresses((address) => {
    if (busy.includes(address)) return Promise.reject(new Error("in use"));
    const { port } = address as { port: number };
    open.add(port);
    return Promise.resolve({ close: () => void open.delete(port) });
  }, LOG);
  return { set, open: () => [...open] };
}

Deno.test("OpenAddresses opens before it closes, and leaves what stays alone", async () => {
  const { set, open } = addresses();
  (await set.change([A, B])).apply();
  const change = await set.change([B, C]);
  assertEquals(open(), [1, 2, 3]);
  change.apply();
  assertEquals(open(), [2, 3]);
  set.close();
  assertEquals(open(), []);
});

Deno.test("OpenAddresses is as it was after an address in use, and after a change withdrawn", async () => {
  const { set, open } = addresses({ busy: [C] });
  (await set.change([A])).apply();
  await assertRejects(() => set.change([B, C]), Error, "in use");
  assertEquals(open(), [1]);
  (await set.change([B])).withdraw();
  assertEquals(open(), [1]);
  (await set.change([B])).apply();
  assertEquals(open(), [2]);
});

Deno.test("changeAll() withdraws the changes before one that fails", async () => {
  const [one, other] = [addresses(), addresses({ busy: [C] })];
  await assertRejects(() => changeAll([() => one.set.change([A]), () => other.set.change([C])]));
  assertEquals(one.open(), []);
});

Deno.test("OpenAddresses gives a UNIX socket that stays its new mode", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const path = `${directory}/a.sock`;
    const set = new OpenAddresses((address) => {
      Deno.writeTextFileSync(path, "");
      if (address.kind === "unix") Deno.chmodSync(path, address.mode);
      return Promise.resolve({ close() {} });
    }, LOG);
    (await set.change([{ kind: "unix", path, mode: 0o660 }])).apply();
    const change = await set.change([{ kind: "unix", path, mode: 0o666 }]);
    assertEquals(Deno.statSync(path).mode! & 0o777, 0o660);
    change.apply();
    assertEquals(Deno.statSync(path).mode! & 0o777, 0o666);
    await Deno.remove(path);
    (await set.change([{ kind: "unix", path, mode: 0o600 }])).apply();
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("OpenAddresses does not change the mode of what a symbolic link leads to", async () => {
  const directory = await Deno.makeTempDir();
  const lines: string[] = [];
  const log = createLog({ level: "error", format: "text", write: (line) => lines.push(line) });
  try {
    const [path, secret] = [`${directory}/a.sock`, `${directory}/secret`];
    const set = new OpenAddresses(() => Promise.resolve({ close() {} }), log);
    (await set.change([{ kind: "unix", path, mode: 0o660 }])).apply();
    await Deno.writeTextFile(secret, "", { mode: 0o600 });
    await Deno.symlink(secret, path);
    (await set.change([{ kind: "unix", path, mode: 0o666 }])).apply();
    assertEquals(Deno.statSync(secret).mode! & 0o777, 0o600);
    assertEquals(lines.length, 1);
    // It is tried again.
    (await set.change([{ kind: "unix", path, mode: 0o666 }])).apply();
    assertEquals(lines.length, 2);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
