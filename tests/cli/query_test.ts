import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { daemonAddress } from "../../src/cli/read_config.ts";
import { parseCommandArgs } from "../../src/cli/command.ts";
import { queryCommand } from "../../src/cli/one_word_commands.ts";
import { type Schema, violations } from "../check/json_schema.ts";
import { startDaemon, startOutside } from "../fakes/daemon.ts";
import { cli } from "./support.ts";

const SCHEMA: Schema = JSON.parse(
  Deno.readTextFileSync(new URL("../../docs/query.schema.json", import.meta.url)),
);

Deno.test("query prints key and reply, a line each, and needs no configuration with --socket", async () => {
  await using outside = await startOutside();
  outside.publish("good.example");
  const socket = `unix:${outside.directory}/map.sock`;
  const config = await outside.configure(`listen: "${socket}"`);
  await using _daemon = await startDaemon({ config, args: [] });
  const keys = ["good.example", "mail.none.example:587", ".x"];
  const text = await cli("query", "-c", config, ...keys);
  assertEquals([text.code, text.err], [1, ""]);
  assertEquals(text.out.split("\n"), [
    "good.example           OK secure match=mx.good.example servername=hostname",
    "mail.none.example:587  NOTFOUND",
    ".x                     NOTFOUND",
    "",
  ]);

  Deno.writeTextFileSync(config, "lisen: [");
  const json = await cli(
    "query",
    "-c",
    config,
    "--socket",
    socket,
    "--zone",
    "x",
    "--json",
    ...keys,
  );
  assertEquals([json.code, json.err], [1, ""]);
  const lines = json.out.trim().split("\n").map((line) => JSON.parse(line));
  assertEquals(lines.flatMap((line) => violations(line, SCHEMA)), []);
  assertEquals(lines[0], {
    key: "good.example",
    zone: "x",
    from: socket,
    status: "OK",
    text: "secure match=mx.good.example servername=hostname",
  });
  const healthy = await cli("health", "-c", config, "--socket", socket);
  assertEquals([healthy.code, healthy.out, healthy.err], [0, "ok\n", ""]);
});

Deno.test("query and health use the default address if the configuration cannot be used", () => {
  const lines: string[] = [];
  const args = parseCommandArgs(["-c", "/nowhere.yml", "key"], queryCommand);
  const io = { out() {}, err: (line: string) => lines.push(line), env: () => undefined };
  const found = daemonAddress(args, { ...io, isTerminal: false });
  assertEquals(found, {
    listen: { kind: "inet", hostname: "127.0.0.1", port: 8461 },
    http: undefined,
  });
  assertEquals(lines.length, 1);
  assertMatch(
    lines[0]!,
    /^asking inet:127\.0\.0\.1:8461, as the configuration cannot be used: \/nowhere\.yml: cannot be read: /,
  );
});

Deno.test("query refuses what is no address, and has no second word for a zone", async () => {
  const wrong = await cli("query", "--socket", "nonsense", "key");
  assertEquals(wrong.code, 2);
  assertStringIncludes(wrong.err, "'--socket' takes an address such as");
  assertStringIncludes((await cli("query", "--map", "x", "key")).err, "unknown option '--map'");
});
