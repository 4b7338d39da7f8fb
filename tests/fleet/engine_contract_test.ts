/** The contract of drivers, with the fake and with real engines. */

import { createClock } from "../../src/base/clock.ts";
import { PostgresEngine } from "../../src/fleet/postgres_engine.ts";
import { RedisEngine } from "../../src/fleet/redis_engine.ts";
import { FakeEngine, FakeServer } from "../fakes/fake_engine.ts";
import { hasPostgres, OWNER, PostgresServer } from "../fakes/postgres_server.ts";
import { hasRedis, RedisServer } from "../fakes/redis_server.ts";
import { CONTRACT, type Join, withHosts } from "./engine_contract.ts";

/** Starts an engine that a file of tests shares. */
type Start = () => Promise<{ join: Join } & AsyncDisposable>;

const ENGINES: Record<string, { start: Start; isInstalled: boolean }> = {
  FakeEngine: {
    isInstalled: true,
    start: () => {
      const server = new FakeServer(createClock());
      return Promise.resolve({
        join: () => new FakeEngine(server),
        [Symbol.asyncDispose]: () => Promise.resolve(),
      });
    },
  },
  RedisEngine: {
    isInstalled: hasRedis,
    start: async () => {
      const server = await RedisServer.start();
      const join = () =>
        new RedisEngine({
          address: {
            kind: "redis",
            endpoints: [{ kind: "inet", hostname: "127.0.0.1", port: server.port }],
            db: 3,
          },
          tlsFiles: {},
          label: "redis",
          prefix: "test[*]",
          clock: createClock(),
        });
      return { join, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
    },
  },
};

const postgres = (isPreparing: boolean): { start: Start; isInstalled: boolean } => ({
  isInstalled: hasPostgres,
  start: async () => {
    const server = await PostgresServer.start();
    const join = () =>
      new PostgresEngine({
        address: {
          kind: "postgres",
          endpoints: [{ kind: "inet", hostname: "127.0.0.1", port: server.port }],
          user: OWNER,
          database: "postgres",
          target: "any",
          isPreparing,
          parameters: {},
        },
        tlsFiles: {},
        passwordOf: () => undefined,
        label: "postgres",
        prefix: "Test-1",
        clock: createClock(),
      });
    return { join, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
  },
});
ENGINES.PostgresEngine = postgres(true);
ENGINES["PostgresEngine without prepared statements"] = postgres(false);

for (const [name, { start, isInstalled }] of Object.entries(ENGINES)) {
  Deno.test({
    name: isInstalled ? `${name} keeps the contract` : `${name}: its server is not installed`,
    ignore: !isInstalled,
    fn: async (t) => {
      await using engine = await start();
      for (const [what, test] of Object.entries(CONTRACT)) {
        await t.step(what, () => withHosts(engine.join, test));
      }
    },
  });
}
