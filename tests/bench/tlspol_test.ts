import { assertEquals } from "@std/assert";
import { parse } from "@std/yaml";
import { isInstalled } from "./process.ts";
import { buildPrograms } from "./programs.ts";
import { prepareTlspol, startTlspol, tlspols } from "./servers.ts";

/** In the place of postfix-tlspol: knows its option, its keys and its map, and no other. */
const STAND_IN = `
import { parse } from "@std/yaml";
const [option, path] = Deno.args;
if (option !== "-config") Deno.exit(2);
const { server, dns } = parse(Deno.readTextFileSync(path));
if (server["log-level"] !== "warn" || dns.address !== "10.84.0.2:53") Deno.exit(2);
const [hostname, port] = server.address.split(":");
for await (const conn of Deno.listen({ hostname, port: Number(port) })) {
  const buffer = new Uint8Array(1024);
  (async () => {
    for (let size; (size = await conn.read(buffer)) !== null;) {
      const request = new TextDecoder().decode(buffer.subarray(0, size));
      const reply = /^[0-9]+:QUERY d[0-9]+.bench.test,$/.test(request) ? "OK secure" : "PERM ";
      await conn.write(new TextEncoder().encode(reply.length + ":" + reply + ","));
    }
    conn.close();
  })();
}
`;

async function withDirectory(use: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await use(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test({
  name: "startTlspol() starts postfix-tlspol with its own configuration, and loads ask its map",
  ignore: !isInstalled("cc"),
  fn: () =>
    withDirectory(async (directory) => {
      await Deno.writeTextFile(`${directory}/tlspol.js`, STAND_IN);
      const config = new URL("../../deno.json", import.meta.url).pathname;
      const program = `${directory}/postfix-tlspol`;
      const command = `${Deno.execPath()} run -A --quiet --no-lock --config ${config}`;
      await Deno.writeTextFile(
        program,
        `#!/bin/sh\nexec ${command} ${directory}/tlspol.js "$@"\n`,
        {
          mode: 0o755,
        },
      );
      const programs = await buildPrograms(directory, []);
      const place = { directory, pin: [], names: "10.84.0.2" };
      await using server = await startTlspol(place, { program });
      assertEquals(server.name, "Go");
      const load = { keys: ["1,d%.bench.test,10,each"], requests: 10 };
      assertEquals((await programs.load(server, load)).ok, 10);
      assertEquals((await programs.load({ address: server.address }, load)).ok, 0);
    }),
});

Deno.test("prepareTlspol() names a unix socket as postfix-tlspol does", () =>
  withDirectory(async (directory) => {
    const { command } = prepareTlspol({ directory, pin: [] }, {
      program: "/opt/postfix-tlspol",
      address: `${directory}/1.sock`,
    });
    assertEquals(command.slice(0, 2), ["/opt/postfix-tlspol", "-config"]);
    const document = parse(await Deno.readTextFile(command[2]!)) as Record<string, unknown>;
    assertEquals(document, {
      server: {
        address: `unix:${directory}/1.sock`,
        "log-level": "warn",
        "cache-file": `${command[2]}.db`,
      },
      dns: { address: "127.0.0.1:53" },
    });
  }));

Deno.test("tlspols() is what TLSPOL names", () => {
  const before = Deno.env.get("TLSPOL");
  try {
    Deno.env.set("TLSPOL", "/opt/postfix-tlspol");
    assertEquals(tlspols(), ["/opt/postfix-tlspol"]);
    Deno.env.delete("TLSPOL");
    assertEquals(tlspols(), []);
  } finally {
    if (before !== undefined) Deno.env.set("TLSPOL", before);
  }
});
