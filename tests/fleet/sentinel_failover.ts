/**
 * Redis behind three sentinels: the master dies, the master hangs, and each returns as a replica.
 *
 * `deno task failover` runs it: sentinels take ten seconds to make a replica of a master that returns.
 */

import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { createClock } from "../../src/base/clock.ts";
import { RedisEngine } from "../../src/fleet/redis_engine.ts";
import { type Engine, EngineError } from "../../src/fleet/types.ts";
import { until } from "../fakes/plain_user.ts";
import { hasSentinel, RedisServer } from "../fakes/redis_server.ts";
import { entryOf, Listening } from "./engine_contract.ts";

/** Writing again after so many ms. */
const GOAL_MS = 6_000;

const LOGIN = ["requirepass secret", "masterauth secret"];

/** Two servers and three sentinels. */
class Group implements AsyncDisposable {
  readonly #stack = new AsyncDisposableStack();
  readonly servers: RedisServer[] = [];
  readonly sentinels: RedisServer[] = [];

  static async start(): Promise<Group> {
    const group = new Group();
    const first = group.#stack.use(await RedisServer.start(LOGIN));
    const replica = [...LOGIN, `replicaof 127.0.0.1 ${first.port}`];
    group.servers.push(first, group.#stack.use(await RedisServer.start(replica)));
    await until("replication", async () => /link_status:up/.test(await group.info(1)));
    const lines = [
      `sentinel monitor mymaster 127.0.0.1 ${first.port} 2`,
      "sentinel down-after-milliseconds mymaster 1000",
      "sentinel failover-timeout mymaster 3000",
      "sentinel auth-pass mymaster secret",
      "requirepass guard",
      "sentinel sentinel-pass guard",
    ];
    for (let at = 0; at < 3; at++) {
      const sentinel = await RedisServer.start(lines, { program: "redis-sentinel" });
      group.sentinels.push(group.#stack.use(sentinel));
    }
    await until("the sentinels know each other", async () => {
      const known = await Promise.all(
        group.sentinels.map((each) =>
          each.output([["AUTH", "guard"], ["SENTINEL", "ckquorum", "mymaster"], [
            ...["SENTINEL", "master", "mymaster"],
          ]])
        ),
      );
      return known.every((text) =>
        /num-other-sentinels\n2\n/.test(text) && /num-slaves\n1\n/.test(text)
      );
    });
    return group;
  }

  /** What a server says of its role. */
  info(at: number): Promise<string> {
    return this.servers[at]!.output([["AUTH", "secret"], ["INFO", "replication"]]);
  }

  /** A host of the fleet. */
  join(change: { password?: string } = {}): Engine {
    return new RedisEngine({
      address: {
        kind: "redis",
        // The first one is not there.
        endpoints: [1, ...this.sentinels.map(({ port }) => port)].map((port) => ({
          kind: "inet",
          hostname: "127.0.0.1",
          port,
        })),
        sentinel: { masterName: "mymaster", password: change.password ?? "guard" },
        password: "secret",
        db: 0,
      },
      tlsFiles: {},
      label: "sentinel",
      prefix: "mtasts",
      clock: createClock(),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

/** Has a failover happen. @returns Until writing again, ms. */
async function failOver(
  engine: Engine,
  { listening, cause }: { listening: Listening; cause: () => void | Promise<void> },
): Promise<number> {
  const start = performance.now();
  const { opened } = listening;
  await cause();
  await until(
    "writes are taken",
    () => engine.publish([entryOf("p", "a.example")]).then(() => true, () => false),
    { ms: GOAL_MS },
  );
  const ms = performance.now() - start;
  await listening.open(opened + 1);
  const beat = `beat ${opened}`;
  await until("news", async () => {
    await engine.announce(beat).catch(() => {});
    return listening.messages.includes(beat);
  });
  return ms;
}

Deno.test({
  name: "RedisEngine follows the sentinels",
  ignore: !hasSentinel,
  fn: async (t) => {
    await using group = await Group.start();
    const engine = group.join();
    const wrong = group.join({ password: "other" });
    const listening = new Listening(engine);
    await listening.open();
    const entry = entryOf("p", "kept.example");
    await engine.publish([entry]);
    const isReplica = (at: number) => async () =>
      /role:slave[^]*link_status:up/.test(await group.info(at));
    const check = async () => {
      assertEquals(await engine.read([entry]), [entry.sealed]);
      await engine.publish([entryOf("f", "after.example")]);
    };

    await t.step("a wrong password is said", async () => {
      const error = await assertRejects(() => wrong.time(), EngineError);
      assertMatch(`${error.kind}: ${error.message}`, /^unreachable: .*sentinel.*WRONGPASS/);
      await wrong.close();
    });
    await t.step("after the death of the master", async () => {
      const ms = await failOver(engine, { listening, cause: () => group.servers[0]!.kill() });
      console.log(`killed: writing again after ${Math.round(ms)} ms`);
      await group.servers[0]!.restart();
      await until("the old master is a replica", isReplica(0));
      await check();
    });
    await t.step("while the master hangs", async () => {
      const ms = await failOver(engine, { listening, cause: () => group.servers[1]!.pause() });
      console.log(`stopped: writing again after ${Math.round(ms)} ms`);
      group.servers[1]!.resume();
      await until("the old master is a replica", isReplica(1));
      await check();
    });
    await engine.close();
  },
});
