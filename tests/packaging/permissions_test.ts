import { assertEquals } from "@std/assert";
import { permissionFlags } from "../fakes/permissions.ts";

const ROOT = new URL("../../", import.meta.url);

/** What a program that runs with the flags may do, by the runtime's own word. */
async function states(descriptors: Deno.PermissionDescriptor[]): Promise<string[]> {
  const directory = Deno.makeTempDirSync();
  try {
    const file = `${directory}/states.js`;
    Deno.writeTextFileSync(
      file,
      `console.log(JSON.stringify(${
        JSON.stringify(descriptors)
      }.map((each) => Deno.permissions.querySync(each).state)))`,
    );
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-config", ...permissionFlags(), file],
    }).output();
    return JSON.parse(new TextDecoder().decode(stdout));
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

Deno.test("permissions.txt allows the network, but no range without policy hosts", async () => {
  const reachable = [
    "192.0.43.8:443",
    "127.0.0.1:53",
    "169.254.169.254:53",
    "[2001:500:88::8]:443",
  ];
  const refused = [
    "224.0.0.251:443",
    "240.0.0.1:443",
    "255.255.255.255:443",
    "192.0.2.1:443",
    "198.51.100.1:443",
    "203.0.113.1:443",
    "169.254.169.254:80",
    "[fd00:ec2::254]:80",
  ];
  assertEquals(
    await states([...reachable, ...refused].map((host) => ({ name: "net", host }))),
    [...reachable.map(() => "granted"), ...refused.map(() => "denied")],
  );
});

Deno.test("permissions.txt allows no programs, no foreign code and no other system facts", async () => {
  assertEquals(
    await states([
      { name: "run" },
      { name: "ffi" },
      { name: "sys", kind: "osRelease" },
      { name: "sys", kind: "networkInterfaces" },
      { name: "env" },
      { name: "env", variable: "PATH" },
    ]),
    // A variable that is not listed reads as absent.
    ["prompt", "prompt", "prompt", "prompt", "denied", "denied"],
  );
  // For the head of the status page.
  assertEquals(await states([{ name: "sys", kind: "hostname" }]), ["granted"]);
});

Deno.test("permissions.txt allows each environment variable that is read", async () => {
  const names = new Set<string>();
  for (const folder of ["config", "cli"]) {
    const directory = new URL(`src/${folder}/`, ROOT);
    for (const { name } of Deno.readDirSync(directory)) {
      const source = Deno.readTextFileSync(new URL(name, directory));
      for (const [, variable] of source.matchAll(/\benv(?:\.get)?\("(\w+)"\)/g)) {
        names.add(variable!);
      }
    }
  }
  const descriptors = [...names].map((variable) => ({ name: "env", variable }) as const);
  assertEquals(names.has("STATE_DIRECTORY"), true);
  assertEquals(await states(descriptors), descriptors.map(() => "granted"));
});
