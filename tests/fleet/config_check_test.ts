/** What `config check` says of an engine, with the rights that docs/fleet.md recommends and with too few. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { cli } from "../cli/support.ts";
import { type Outside, startOutside } from "../fakes/daemon.ts";
import { hasPostgres, OWNER, PostgresServer } from "../fakes/postgres_server.ts";
import { hasRedis, RedisServer } from "../fakes/redis_server.ts";

const DOCUMENT = Deno.readTextFileSync(new URL("../../docs/fleet.md", import.meta.url));

/** The findings about the engine, a line each. */
async function check(outside: Outside, shared: string): Promise<string[]> {
  const text = Deno.readTextFileSync(await outside.configure())
    .replace(/^cache: .*$/m, `cache: { file: memory, shared: { ${shared} } }`);
  const config = `${outside.directory}/checked.yml`;
  Deno.writeTextFileSync(config, text);
  const { out } = await cli("config", "check", "-c", config);
  return out.split("\n").filter((line) => /^[a-z]+ +cache\.shared/.test(line));
}

/** A file with a secret, in the directory of the outside. */
function secretIn(outside: Outside, letter = "s"): string {
  const path = `${outside.directory}/secret-${letter}`;
  Deno.writeTextFileSync(path, `${letter.repeat(40)}\n`, { mode: 0o600 });
  return path;
}

function isWell(lines: readonly string[], label: string): void {
  assertEquals(lines.length, 4, lines.join("\n"));
  assertStringIncludes(lines[0]!, `ok      cache.shared: ${label} answers`);
  assertMatch(lines[0]!, /its clock is right$/);
  assertEquals(lines.slice(1), [
    "ok      cache.shared rights: may read, write, list and lease",
    "ok      cache.shared signing: one secret; entries looked at: 0",
    "ok      cache.shared news: what this host announces comes back to it",
  ]);
}

Deno.test("config check finds a password that every user can read, and a secret that the service cannot", async () => {
  await using outside = await startOutside();
  const secret = secretIn(outside);
  const config = `${outside.directory}/open.yml`;
  const base = Deno.readTextFileSync(await outside.configure());
  const write = (shared: string) =>
    Deno.writeTextFileSync(
      config,
      base.replace(/^cache: .*$/m, `cache: {file: memory, shared: ${shared}}`),
    );
  const permissions = async () => {
    const { out } = await cli("config", "check", "-c", config);
    return out.split("\n").filter((line) => line.includes(" permissions: "));
  };
  write(`{ url: "redis://:geheim@127.0.0.1:1", secret_file: "${secret}" }`);
  Deno.chmodSync(config, 0o644);
  const open = `${config} holds the password of the engine, and every user can read it`;
  const [first, second] = await permissions();
  assertStringIncludes(first!, `warning permissions: ${open}`);
  // Whether the service can read a file shows to root alone.
  assertEquals(
    second?.includes(`${secret} can be read by root alone`),
    Deno.uid() === 0 || undefined,
  );
  Deno.chmodSync(config, 0o640);
  assert(!(await permissions()).some((line) => line.includes(config)));
});

/** A block of the document that begins with a word. */
function blockOf(first: string): string {
  const blocks = [...DOCUMENT.matchAll(/^ *```[a-z]*\n([^]*?)^ *```$/gm)].map(([, text]) => text!);
  const block = blocks.find((text) => text.startsWith(first));
  assert(block !== undefined, `docs/fleet.md has no block that begins with ${first}`);
  return block;
}

Deno.test({
  name: "config check finds all in order with the least rights in Redis that docs/fleet.md has",
  ignore: !hasRedis,
  async fn() {
    const [line] = blockOf("ACL SETUSER").split("\n");
    const words = line!.split(" ").slice(1).map((word) => word === ">PASSWORD" ? ">geheim" : word);
    await using server = await RedisServer.start();
    assertEquals(await server.command("ACL", ...words), "OK\n");
    await using outside = await startOutside();
    const secret = `secret_file: "${secretIn(outside)}"`;
    const label = `redis://127.0.0.1:${server.port}/0`;
    const url = (user: string) => `url: "redis://${user}:geheim@127.0.0.1:${server.port}/0"`;
    isWell(await check(outside, `${url(words[1]!)}, ${secret}`), label);
    // The check leaves nothing behind that others would count.
    assertEquals(await server.command("KEYS", "mtasts:[plft]:*"), "\n");
    assertEquals(await server.command("EXISTS", "mtasts:mark"), "0\n");

    await server.command(
      "ACL",
      "SETUSER",
      "reader",
      "on",
      ">geheim",
      "~mtasts:*",
      "+@read",
      "+time",
    );
    const [first, rights, , news] = await check(outside, `${url("reader")}, ${secret}`);
    assertMatch(first!, /^ok /);
    assertMatch(
      rights!,
      /^warning cache\.shared rights: may not take a lease \(NOPERM /,
    );
    assertMatch(rights!, /may not write \(NOPERM/);
    assertMatch(news!, /^warning cache\.shared news: what this host announces does not come back/);
  },
});

Deno.test({
  name: "config check finds entries of hosts with another secret, and that this host has none",
  ignore: !hasRedis,
  async fn() {
    await using server = await RedisServer.start();
    await using outside = await startOutside();
    await server.command("SET", "mtasts:p:a.example", `${"A".repeat(43)}.p{"v":1}`);
    const url = `url: "redis://127.0.0.1:${server.port}"`;
    const lines = await check(outside, `${url}, secret_file: "${secretIn(outside)}"`);
    assertStringIncludes(
      lines[2]!,
      "warning cache.shared signing: one secret; of 1 entries, 1 are not",
    );
    const unsigned = await check(outside, url);
    assert(
      unsigned.some((line) => line.startsWith("note    cache.shared.secret_file: is not set")),
    );
    assert(
      unsigned.some((line) => line.startsWith("warning cache.shared signing: entries are not")),
    );
    await server.kill();
    const [down, ...more] = await check(outside, `${url}, secret_file: "${secretIn(outside)}"`);
    assertEquals(more, []);
    assertMatch(down!, /^warning cache\.shared: redis:.*each host works alone until it answers$/);
  },
});

Deno.test({
  name:
    "config check finds all in order with the tables and the least rights that docs/fleet.md has",
  ignore: !hasPostgres,
  async fn() {
    await using server = await PostgresServer.start();
    await using outside = await startOutside();
    const { out: tables } = await cli("config", "show", "--sql", "-c", await outside.configure());
    await server.sql(`${tables}\nCREATE ROLE mta LOGIN;\n${blockOf("GRANT")}`);
    await server.sql("REVOKE CREATE ON SCHEMA public FROM PUBLIC");
    const secret = `secret_file: "${secretIn(outside)}"`;
    const url = (user: string) => `url: "postgres://${user}@127.0.0.1:${server.port}/postgres"`;
    const label = (user: string) => `postgres://${user}@127.0.0.1:${server.port}/postgres`;
    isWell(await check(outside, `${url("mta")}, ${secret}`), label("mta"));
    // A role that may create makes the tables itself.
    isWell(await check(outside, `${url(OWNER)}, prefix: other, ${secret}`), label(OWNER));
    const [first, rights] = await check(outside, `${url("mta")}, prefix: third, ${secret}`);
    assertMatch(`${first}\n${rights}`, /permission denied for schema public/);
  },
});
