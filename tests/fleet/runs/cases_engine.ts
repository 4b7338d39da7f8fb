/**
 * Cases with faults of the engine: stopped, killed, emptied, back again.
 *
 * @module
 */

import { createRandom } from "../../fakes/random.ts";
import { atMost, type Case, exactly, type Figure, type Ground } from "./case.ts";
import {
  countFetches,
  fleetAt,
  names,
  type Place,
  startPlace,
  watchHosts,
} from "./cases_sharing.ts";
import {
  askAll,
  countRight,
  endHosts,
  type Host,
  publishSlowly,
  quantile,
  startHosts,
  waitUntil,
} from "./hosts.ts";
import { readRss } from "../../faults/probe.ts";
import type { EngineServer, ServerOptions } from "./servers.ts";

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** A fault of the engine. */
interface EngineFault {
  readonly name: string;
  bring(engine: EngineServer): Promise<void> | void;
  end(engine: EngineServer): Promise<void> | void;
}

const FAULTS: readonly EngineFault[] = [
  { name: "stopped", bring: (engine) => engine.stop(), end: (engine) => engine.go() },
  { name: "killed", bring: (engine) => engine.kill(), end: (engine) => engine.restart() },
  { name: "emptied", bring: (engine) => engine.empty(), end: () => {} },
];

/** Case 6: all is lost and nothing refused. */
const UNPLUGGED: EngineFault = {
  name: "unplugged",
  bring: (engine) => engine.plug(false),
  end: (engine) => engine.plug(true),
};

/** How long a fault lasts while known domains are asked for, ms. */
const HOLD_MS = 3000;

/** Cases 4 and 5. */
const engineFaults: Case = {
  name: "engine",
  async run(ground) {
    const figures: Figure[] = [];
    for (const fault of FAULTS) figures.push(...await underFault(ground, fault));
    return figures;
  },
};

/** Case 6, with the engine at the end of a cable. */
const unplugged: Case = {
  name: "unplugged",
  async run(ground) {
    if (Deno.uid() !== 0) {
      console.log("not run: that needs root");
      return [];
    }
    return await underFault(ground, UNPLUGGED, { hasCable: true, hold: 15_000 });
  },
};

async function underFault(
  ground: Ground,
  fault: EngineFault,
  { hold = HOLD_MS, ...options }: ServerOptions & { readonly hold?: number } = {},
): Promise<Figure[]> {
  await using place = await startPlace(ground, options);
  const { outside, engine } = place;
  const domains = names("known", 40);
  publishSlowly(outside, domains, { delay: () => 20 });
  const hosts = await startHosts(4, fleetAt(place, ground));
  for (const host of hosts) await askAll(host, domains, { connections: 10 });
  const before = await watchFor(hosts, domains, HOLD_MS);
  await fault.bring(engine);
  const during = await watchFor(hosts, domains, hold);
  const cold = names(`cold-${fault.name}`, 50);
  publishSlowly(outside, cold, { delay: () => 20 });
  const learned = await askAll(hosts[0]!, cold, { connections: 10 });
  await fault.end(engine);
  const back = await untilOneFetch(place, hosts);
  await endHosts(hosts);
  return [
    exactly(`weaker among ${during.answers} answers, engine ${fault.name}`, {
      goal: 0,
      found: during.weaker,
    }),
    atMost(`p99 for known domains (before: ${quantile(before.times, 0.99).toFixed(1)} ms)`, {
      // The machine may be busy: twice as long, and what a scheduler takes.
      goal: Math.round(2 * quantile(before.times, 0.99) + 20),
      found: quantile(during.times, 0.99),
    }),
    exactly("right answers for new domains", { goal: 50, found: countRight(learned) }),
    atMost("p99 of those", { goal: 500, found: quantile(learned.times, 0.99) }),
    atMost("until the fleet makes one fetch for a new domain again", { goal: 6000, found: back }),
  ];
}

async function watchFor(hosts: readonly Host[], domains: readonly string[], ms: number) {
  const watch = watchHosts(hosts, domains);
  await sleep(ms);
  return await watch.stop();
}

/** Asks all hosts for one new domain after the other, until four hosts make one fetch for it, several times in a row. */
async function untilOneFetch(
  { outside }: Place,
  hosts: readonly Host[],
): Promise<number | undefined> {
  let next = 0;
  let inRow = 0;
  return await waitUntil(async () => {
    const domain = `back${next++}.example`;
    publishSlowly(outside, [domain], { delay: () => 50 });
    const before = countFetches(outside);
    await Promise.all(hosts.map((host) => askAll(host, [domain], { connections: 1 })));
    inRow = countFetches(outside) - before === 1 ? inRow + 1 : 0;
    return inRow >= 3;
  }, { most: 15_000, pause: 50 });
}

/** Case 19. @param seconds How long it lasts. */
export function soak(seconds: number): Case {
  return {
    name: "soak",
    async run(ground) {
      const random = createRandom(seconds);
      await using place = await startPlace(ground);
      const { outside, engine } = place;
      const domains = names("known", 40);
      publishSlowly(outside, domains, { delay: () => 20 });
      const hosts = await startHosts(ground.hosts, fleetAt(place, ground));
      for (const host of hosts) await askAll(host, domains, { connections: 10 });
      const rss = hosts.map(({ daemon }) => readRss(daemon.pid));
      const watch = watchHosts(hosts, domains);
      const end = performance.now() + seconds * 1000;
      let spells = 0;
      for (let next = 0; performance.now() < end; spells++) {
        const fault = random.pick(FAULTS);
        await fault.bring(engine);
        const cold = names(`cold${next++}-`, 20);
        publishSlowly(outside, cold, { delay: () => random.int(200) });
        await Promise.all(hosts.map((host) => askAll(host, cold, { connections: 5 })));
        await sleep(random.int(4000));
        await fault.end(engine);
        await sleep(random.int(4000));
      }
      const { answers, weaker, firstWeaker } = await watch.stop();
      const outbox = await waitUntil(
        async () => (await Promise.all(hosts.map(outboxOf))).every((count) => count === 0),
        { most: 15_000, pause: 200 },
      );
      const grown = hosts.map(({ daemon }, index) => readRss(daemon.pid) - rss[index]!);
      const files = hosts.map(({ daemon }) =>
        [...Deno.readDirSync(`/proc/${daemon.pid}/fd`)].length
      );
      await endHosts(hosts);
      const note = firstWeaker === undefined ? "" : `, first: ${firstWeaker}`;
      return [
        exactly(`weaker among ${answers} answers, ${spells} faults in ${seconds} s${note}`, {
          goal: 0,
          found: weaker,
        }),
        atMost("until nothing waits to be published", { goal: 10_000, found: outbox }),
        atMost("memory of a host grown by", { goal: 40, found: Math.max(...grown), unit: "MB" }),
        atMost("open files of a host", { goal: 60, found: Math.max(...files), unit: "files" }),
      ];
    },
  };
}

/** `mta_sts_shared_outbox_entries` of a host. */
async function outboxOf({ config }: Host): Promise<number> {
  const path = `${config.slice(0, config.lastIndexOf("/"))}/http.sock`;
  using conn = await Deno.connect({ transport: "unix", path });
  await conn.write(new TextEncoder().encode("GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n"));
  const text = await new Response(conn.readable).text();
  const [, value] = /^mta_sts_shared_outbox_entries (\d+)$/m.exec(text) ?? [];
  if (value === undefined) throw new Error("no metric mta_sts_shared_outbox_entries");
  return parseInt(value, 10);
}

/** The cases of this file, without the soak. */
export const ENGINE_CASES: readonly Case[] = [engineFaults, unplugged];
