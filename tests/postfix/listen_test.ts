import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import type { ListenAddress } from "../../src/config/types.ts";
import { formatEndpoint } from "../../src/base/address.ts";
import { NO_RESOLVER } from "../../src/https/route.ts";
import { openSocket } from "../../src/postfix/listen.ts";

/** A private directory, removed at the end. */
function makeDirectory(): Disposable & {
  path(name: string): string;
  unix(name: string): ListenAddress;
} {
  const directory = Deno.makeTempDirSync({ prefix: "mta-sts-" });
  const path = (name: string) => `${directory}/${name}`;
  return {
    path,
    unix: (name) => ({ kind: "unix", path: path(name), mode: 0o660 }),
    [Symbol.dispose]: () => Deno.removeSync(directory, { recursive: true }),
  };
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

async function canConnect(path: string): Promise<boolean> {
  try {
    (await Deno.connect({ transport: "unix", path })).close();
    return true;
  } catch {
    return false;
  }
}

/** Leaves a socket file without a listener, as a killed process does. */
async function leaveStaleSocket(path: string): Promise<void> {
  const code = `Deno.listen({ transport: "unix", path: ${JSON.stringify(path)} }); Deno.exit(0);`;
  const { success } = await new Deno.Command(Deno.execPath(), { args: ["eval", code] }).output();
  assert(success && exists(path));
}

Deno.test("openSocket() listens on IPv4 and IPv6 and tells the port it got", async () => {
  for (const hostname of ["127.0.0.1", "::1"]) {
    const socket = await openSocket({ kind: "inet", hostname, port: 0 });
    assert(socket.address.kind === "inet" && socket.address.port > 0);
    const [client, accepted] = await Promise.all([
      Deno.connect({ hostname, port: socket.address.port }),
      socket.accept(),
    ]);
    client.close();
    accepted.close();
    socket.close();
    await assertRejects(() => socket.accept(), Deno.errors.BadResource);
  }
});

Deno.test("openSocket() says what to do when an address cannot be had", async () => {
  using directory = makeDirectory();
  const taken = await openSocket({ kind: "inet", hostname: "127.0.0.1", port: 0 });
  const where = formatEndpoint(taken.address);
  const table: [address: ListenAddress, message: string][] = [
    [
      taken.address,
      `Cannot listen on ${where}: in use by another process: stop it or choose another address`,
    ],
    [
      { kind: "inet", hostname: "192.0.2.1", port: 0 },
      "Cannot listen on inet:192.0.2.1:0: no such address on this machine: choose another one",
    ],
    [
      directory.unix("no/socket"),
      `Cannot listen on unix:${directory.path("no/socket")}: ` +
      "no such directory: create it or choose another path",
    ],
  ];
  for (const [address, message] of table) {
    const error = await assertRejects(() => openSocket(address), Error);
    assertEquals(error.message, message);
  }
  taken.close();
});

Deno.test("openSocket() finds a name that only DNS knows, and says so if DNS does not know it either", async () => {
  // As in the daemon. It also keeps the C library from asking the network here.
  for (const [name, value] of Object.entries(NO_RESOLVER)) Deno.env.set(name, value);
  const { resolveDns } = Deno;
  const asked: unknown[] = [];
  let addresses: string[] = ["127.0.0.1"];
  const resolveA = (...question: unknown[]) => {
    asked.push(question);
    return addresses.length > 0
      ? Promise.resolve(addresses)
      : Promise.reject(new Deno.errors.NotFound("no record found"));
  };
  Deno.resolveDns = resolveA as typeof Deno.resolveDns;
  try {
    const address = { kind: "inet", hostname: "mail.only-dns.test", port: 0 } as const;
    const socket = await openSocket(address);
    assert(socket.address.kind === "inet" && socket.address.port > 0);
    const client = await Deno.connect({ hostname: "127.0.0.1", port: socket.address.port });
    (await socket.accept()).close();
    client.close();
    socket.close();
    assertEquals(asked, [["mail.only-dns.test", "A"]]);

    addresses = [];
    await assertRejects(
      () => openSocket(address),
      Error,
      "Cannot listen on inet:mail.only-dns.test:0: failed to lookup address",
    );
  } finally {
    Deno.resolveDns = resolveDns;
  }
});

Deno.test("openSocket() gives a unix socket its mode and removes the file at the end", async () => {
  using directory = makeDirectory();
  const path = directory.path("socket");
  for (const mode of [0o600, 0o660, 0o666]) {
    const socket = await openSocket({ kind: "unix", path, mode });
    assertEquals(Deno.lstatSync(path).mode! & 0o777, mode);
    const accepting = socket.accept();
    assert(await canConnect(path));
    (await accepting).close();
    const waiting = socket.accept();
    socket.close();
    assert(!exists(path), "the file must be gone at once, as the process may end now");
    await assertRejects(() => waiting, Deno.errors.BadResource);
  }
});

Deno.test("openSocket() takes the place of a socket whose process is gone", async () => {
  using directory = makeDirectory();
  const path = directory.path("socket");
  await leaveStaleSocket(path);
  const socket = await openSocket(directory.unix("socket"));
  assert(await canConnect(path));
  socket.close();
});

Deno.test("openSocket() leaves a socket alone on which somebody listens", async () => {
  using directory = makeDirectory();
  const path = directory.path("socket");
  const first = await openSocket(directory.unix("socket"));
  const error = await assertRejects(() => openSocket(directory.unix("socket")), Error);
  assertEquals(
    error.message,
    `Cannot listen on unix:${path}: in use by another process: stop it or choose another address`,
  );
  assert(await canConnect(path));
  first.close();
});

Deno.test("openSocket() leaves alone what is no socket", async () => {
  using directory = makeDirectory();
  const path = directory.path("socket");
  Deno.writeTextFileSync(path, "precious");
  const error = await assertRejects(() => openSocket(directory.unix("socket")), Error);
  assertEquals(
    error.message,
    `Cannot listen on unix:${path}: the file there is not a socket: remove it or choose another path`,
  );
  assertEquals(Deno.readTextFileSync(path), "precious");
  assertEquals([...Deno.readDirSync(directory.path("."))].length, 1);

  // A link, even to a stale socket, is no socket either.
  await leaveStaleSocket(directory.path("stale"));
  Deno.symlinkSync(directory.path("stale"), directory.path("link"));
  await assertRejects(
    () => openSocket(directory.unix("link")),
    Error,
    "the file there is not a socket",
  );
  assert(Deno.lstatSync(directory.path("link")).isSymlink);
});

Deno.test("openSocket() leaves a daemon alone that is about to listen at the path", async () => {
  using directory = makeDirectory();
  const other = Deno.listen({ transport: "unix", path: directory.path("socket.new") });
  await assertRejects(() => openSocket(directory.unix("socket")), Error, "in use");
  assert(await canConnect(directory.path("socket.new")));
  other.close();
  await leaveStaleSocket(directory.path("socket.new"));
  const socket = await openSocket(directory.unix("socket"));
  assertEquals([...Deno.readDirSync(directory.path("."))].map(({ name }) => name), ["socket"]);
  socket.close();
});

Deno.test("close() does not remove the socket that another process put in the place of ours", async () => {
  using directory = makeDirectory();
  const path = directory.path("socket");
  const ours = await openSocket(directory.unix("socket"));
  Deno.removeSync(path);
  const theirs = await openSocket(directory.unix("socket"));
  // The runtime closes when no accept is under way any more.
  const accepting = ours.accept();
  ours.close();
  await assertRejects(() => accepting, Deno.errors.BadResource);
  assert(await canConnect(path));
  assertEquals([...Deno.readDirSync(directory.path("."))].map(({ name }) => name), ["socket"]);
  theirs.close();
  assert(!exists(path));
});

Deno.test("close() goes well when the file is gone already", async () => {
  using directory = makeDirectory();
  const socket = await openSocket(directory.unix("socket"));
  Deno.removeSync(directory.path("socket"));
  socket.close();
  assertThrows(() => socket.close(), Deno.errors.BadResource);
});

Deno.test("openSocket() closes a socket whose file it may not remove any more", async () => {
  using directory = makeDirectory();
  const socket = await openSocket(directory.unix("a.sock"));
  const { removeSync } = Deno;
  Deno.removeSync = () => {
    throw new Deno.errors.PermissionDenied();
  };
  try {
    socket.close();
  } finally {
    Deno.removeSync = removeSync;
  }
  await assertRejects(() => socket.accept(), Deno.errors.BadResource);
  assert(exists(directory.path("a.sock")));
  (await openSocket(directory.unix("a.sock"))).close();
  assert(!exists(directory.path("a.sock")));
});
