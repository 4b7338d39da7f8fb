/**
 * Cases without a fault of the engine: one fetch for all, changes, new hosts, hosts that die, clocks.
 *
 * @module
 */

import { startOutside } from "../../fakes/daemon.ts";
import type { Outside } from "../../fakes/daemon.ts";
import { createRandom } from "../../fakes/random.ts";
import { atMost, type Case, exactly, type Figure, type Ground } from "./case.ts";
import {
  askAll,
  countRight,
  endHosts,
  type FleetOptions,
  type Host,
  isRight,
  publishSlowly,
  quantile,
  runCommand,
  shuffle,
  startHost,
  startHosts,
  waitUntil,
} from "./hosts.ts";
import { type EngineServer, type ServerOptions, startEngineServer } from "./servers.ts";

/** The secret of the runs. */
export const SECRET = "the secret of a fleet, with enough characters";

/** TXT records are not looked at again while a case lasts: news come from the fleet alone. */
export const LONG = "recheck: 3600\nnegative_ttl: 3600";

/** Queries that a busy Postfix has under way. */
const CONNECTIONS = 20;

/** An outside and an engine. */
export interface Place extends AsyncDisposable {
  readonly outside: Outside;
  readonly engine: EngineServer;
}

/** Starts an outside and an engine. */
export async function startPlace({ kind }: Ground, options?: ServerOptions): Promise<Place> {
  const outside = await startOutside();
  const engine = await startEngineServer(kind, outside.directory, options);
  return {
    outside,
    engine,
    async [Symbol.asyncDispose]() {
      await engine[Symbol.asyncDispose]();
      await outside[Symbol.asyncDispose]();
    },
  };
}

/** The names of so many domains. */
export function names(word: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${word}${index}.example`);
}

/** How hosts are started at a place. */
export function fleetAt({ outside, engine }: Place, { command }: Ground): FleetOptions {
  return { outside, url: engine.url, secret: SECRET, more: LONG, command };
}

/** How often the policies of domains were fetched. */
export function countFetches(outside: Outside): number {
  return outside.hosts.requests.filter((head) => head.startsWith("GET ")).length;
}

/** Case 1: all hosts are asked for the same domains at once, each in an order of its own. */
const herd: Case = {
  name: "herd",
  async run(ground) {
    const { hosts: count, domains: size } = ground;
    const random = createRandom(1);
    await using place = await startPlace(ground);
    const domains = names("herd", size);
    publishSlowly(place.outside, domains, { delay: () => 30 + random.int(120) });
    const hosts = await startHosts(count, fleetAt(place, ground));
    const started = performance.now();
    const replies = await Promise.all(
      hosts.map((host) => askAll(host, shuffle(domains, random), { connections: CONNECTIONS })),
    );
    const seconds = (performance.now() - started) / 1000;
    await endHosts(hosts);
    const right = replies.reduce((sum, each) => sum + countRight(each), 0);
    return [
      exactly(`fetches by ${count} hosts for ${size} domains (${seconds.toFixed(1)} s)`, {
        goal: size,
        found: countFetches(place.outside),
      }),
      exactly("right answers", { goal: size * count, found: right }),
    ];
  },
};

/** Case 2: what one host learns, all others answer, which look at no TXT record themselves. */
const change: Case = {
  name: "change",
  async run(ground) {
    await using place = await startPlace(ground);
    const domains = names("change", 50);
    publishSlowly(place.outside, domains, { delay: () => 20, mode: "testing" });
    const options = fleetAt(place, ground);
    const watchful = await startHost("watchful", { ...options, more: "recheck: 1" });
    const others = await startHosts(3, options);
    for (const host of [watchful, ...others]) {
      await askAll(host, domains, { connections: CONNECTIONS });
    }
    publishSlowly(place.outside, domains, { delay: () => 20, id: "2" });
    const first = await waitUntil(() => allAreRight([watchful], domains), { most: 15_000 });
    const took = await waitUntil(() => allAreRight(others, domains), { most: 5000 });
    await endHosts([watchful, ...others]);
    return [
      atMost("until the host that looks at TXT records answers a change", {
        ...{ goal: 10_000, found: first },
      }),
      atMost("until all others answer it, after that", { goal: 1000, found: took }),
      exactly("fetches for the change", {
        ...{ goal: domains.length, found: countFetches(place.outside) - domains.length },
      }),
    ];
  },
};

async function allAreRight(hosts: readonly Host[], domains: readonly string[]): Promise<boolean> {
  for (const host of hosts) {
    const replies = await askAll(host, domains, { connections: 4 });
    if (countRight(replies) < domains.length) return false;
  }
  return true;
}

/** Cases 12 and 13: a new host in a fleet, while somebody hides the TXT records, and while DNS is mute. */
const newHost: Case = {
  name: "new-host",
  async run(ground) {
    await using place = await startPlace(ground);
    const { outside } = place;
    const domains = names("known", 50);
    publishSlowly(outside, domains, { delay: () => 20 });
    const [first] = await startHosts(1, fleetAt(place, ground));
    await askAll(first!, domains, { connections: CONNECTIONS });
    for (const domain of domains) delete outside.dns.table[`TXT _mta-sts.${domain}`];
    const second = await startHost("hidden", fleetAt(place, ground));
    const hidden = await askAll(second, domains, { connections: 4 });
    const alone = await startHost("alone", { ...fleetAt(place, ground), url: undefined });
    const withoutFleet = await askAll(alone, domains, { connections: 4 });
    outside.disturb = () => ({ fault: "silence" });
    const third = await startHost("mute", fleetAt(place, ground));
    const mute = await askAll(third, domains, { connections: CONNECTIONS });
    outside.disturb = undefined;
    await endHosts([first!, second, alone, third]);
    return [
      exactly(
        `right at a new host, TXT hidden (p50 ${quantile(hidden.times, 0.5).toFixed(1)} ms)`,
        {
          goal: domains.length,
          found: countRight(hidden),
        },
      ),
      exactly("… by a host that is alone", { goal: 0, found: countRight(withoutFleet) }),
      exactly("right at a new host, DNS mute", { goal: domains.length, found: countRight(mute) }),
      atMost("longest wait for that", { goal: 1000, found: mute.times.at(-1) }),
    ];
  },
};

/** Case 7: the host that fetches dies, or is stopped and goes on later. */
const holder: Case = {
  name: "holder",
  async run(ground) {
    return [
      ...await holderEnds(ground, { what: "killed", signal: "SIGKILL" }),
      ...await holderEnds(ground, { what: "stopped", signal: "SIGSTOP" }),
      ...await slowFetch(ground),
    ];
  },
};

async function holderEnds(
  ground: Ground,
  { what, signal }: { what: string; signal: Deno.Signal },
): Promise<Figure[]> {
  await using place = await startPlace(ground);
  const domains = names("held", 20);
  publishSlowly(place.outside, domains, { delay: () => 1000 });
  const hosts = await startHosts(4, fleetAt(place, ground));
  const [first, ...others] = hosts;
  const lost = askAll(first!, domains, { connections: domains.length });
  await waitUntil(() => countFetches(place.outside) === domains.length, { most: 5000 });
  const waiting = others.map((host) => askAll(host, domains, { connections: domains.length }));
  await new Promise((resolve) => setTimeout(resolve, 300));
  first!.daemon.signal(signal);
  const replies = await Promise.all(waiting);
  if (signal === "SIGSTOP") first!.daemon.signal("SIGCONT");
  await Promise.all([lost, endHosts(hosts)]);
  const right = replies.reduce((sum, each) => sum + countRight(each), 0);
  return [
    exactly(`right at the others, the fetching host ${what}`, { goal: 60, found: right }),
    atMost("longest wait for that", {
      goal: 4500,
      found: Math.max(...replies.map(({ times }) => times.at(-1) ?? NaN)),
    }),
  ];
}

async function slowFetch(ground: Ground): Promise<Figure[]> {
  await using place = await startPlace(ground);
  // So few that no fetch has to give its place to another.
  const domains = names("slow", 5);
  publishSlowly(place.outside, domains, { delay: () => 4000 });
  const hosts = await startHosts(4, fleetAt(place, ground));
  const replies = await Promise.all(
    hosts.map((host) => askAll(host, domains, { connections: domains.length })),
  );
  await endHosts(hosts);
  const right = replies.reduce((sum, each) => sum + countRight(each), 0);
  return [
    exactly("right answers where a fetch takes 4 s", { goal: 20, found: right }),
    exactly("fetches for that", { goal: 5, found: countFetches(place.outside) }),
  ];
}

/** Case 14: the clocks of two hosts are wrong, by an hour each way. */
const clocks: Case = {
  name: "clocks",
  async run(ground) {
    await using place = await startPlace(ground);
    const { outside } = place;
    const domains = names("clock", 50);
    publishSlowly(outside, domains, { delay: () => 20 });
    const options = fleetAt(place, ground);
    const main = new URL("../../faults/odd_clock.ts", import.meta.url).pathname;
    const command = [Deno.execPath(), "run", "-A", "--quiet", "--unstable-net", main];
    const odd = async (name: string, seconds: number): Promise<Host> => {
      const file = `${outside.directory}/${name}.clock`;
      await Deno.writeTextFile(file, String(seconds * 1000));
      return await startHost(name, { ...options, command, env: { ODD_CLOCK: file } });
    };
    const hosts = [
      await odd("slow", -3600),
      await startHost("right", options),
      await odd("fast", 3600),
    ];
    let right = 0;
    for (const host of hosts) {
      right += countRight(await askAll(host, domains, { connections: CONNECTIONS }));
    }
    const lists = await Promise.all(
      hosts.map((host) => runCommand(host, ["cache", "list", "--json"])),
    );
    await endHosts(hosts);
    return [
      exactly("right at hosts whose clocks are an hour apart", { goal: 150, found: right }),
      exactly("fetches for that", { goal: 50, found: countFetches(outside) }),
      exactly("hosts that list every policy", {
        goal: 3,
        found: lists.filter(({ out }) => domains.every((domain) => out.includes(`"${domain}"`)))
          .length,
      }),
    ];
  },
};

/** The whole fleet is upgraded, stopped and given a wrong clock, one host after the other. */
const rolling: Case = {
  name: "rolling",
  async run(ground) {
    await using place = await startPlace(ground);
    const { outside } = place;
    const domains = names("rolling", 40);
    publishSlowly(outside, domains, { delay: () => 20 });
    const file = `${outside.directory}/rolling.clock`;
    await Deno.writeTextFile(file, "0");
    const main = new URL("../../faults/odd_clock.ts", import.meta.url).pathname;
    const command = [Deno.execPath(), "run", "-A", "--quiet", "--unstable-net", main];
    const env = { ODD_CLOCK: file };
    const hosts = await startHosts(4, { ...fleetAt(place, ground), command, env });
    await askAll(hosts[0]!, domains, { connections: CONNECTIONS });
    const watch = watchHosts(hosts, domains);
    for (const host of hosts) {
      // Upgraded: another process with the same file, or, as in a pod without a volume, with none.
      host.daemon.signal("SIGTERM");
      await host.daemon.ended;
      if (host === hosts[1]) await Deno.remove(`${outside.directory}/${host.name}/cache.db`);
      await host.start({ command, env });
      host.daemon.signal("SIGSTOP");
      await new Promise((resolve) => setTimeout(resolve, 1500));
      host.daemon.signal("SIGCONT");
    }
    // The clock of all: an hour ahead, a day behind, and right again.
    for (const error of [3_600_000, -86_400_000, 0]) {
      await Deno.writeTextFile(file, String(error));
      await new Promise((resolve) => setTimeout(resolve, 2000));
    }
    const { answers, weaker, firstWeaker } = await watch.stop();
    await endHosts(hosts);
    const note = firstWeaker === undefined ? "" : `, first: ${firstWeaker}`;
    return [
      exactly(`weaker among ${answers} answers of 4 hosts${note}`, { goal: 0, found: weaker }),
      // A clock that is put right makes some fetches due.
      atMost("fetches for that", {
        ...{ goal: 2 * domains.length, found: countFetches(outside), unit: "fetches" },
      }),
    ];
  },
};

/** What hosts answered while they were watched. */
export interface Watched {
  readonly answers: number;
  /** Replies that do not enforce the policy. No reply at all is not weaker: the mail waits. */
  readonly weaker: number;
  readonly firstWeaker: string | undefined;
  /** How long they took, ms, sorted. */
  readonly times: readonly number[];
}

/** Asks hosts all the time for domains whose policies the fleet knows. */
export function watchHosts(
  hosts: readonly Host[],
  domains: readonly string[],
): { stop(): Promise<Watched> } {
  let stopped = false;
  let answers = 0;
  let weaker = 0;
  let firstWeaker: string | undefined;
  const times: number[] = [];
  const running = hosts.map(async (host) => {
    while (!stopped) {
      const { replies, times: took } = await askAll(host, domains, { connections: 2 });
      times.push(...took);
      for (const [domain, reply] of replies) {
        if (!/^(?:OK|NOTFOUND|TEMP|PERM) /.test(reply)) continue;
        answers++;
        if (isRight(domain, reply) || reply.startsWith("TEMP ")) continue;
        weaker++;
        firstWeaker ??= `${host.name} ${domain}: ${reply}\n${logOf(host, domain)}`;
      }
      // Some hundreds of queries a second for all hosts together.
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  });
  return {
    async stop() {
      stopped = true;
      await Promise.all(running);
      return { answers, weaker, firstWeaker, times: times.sort((a, b) => a - b) };
    },
  };
}

/** What a host says of a domain. */
function logOf({ daemon }: Host, domain: string): string {
  return daemon.lines.filter((line) => line.includes(`${domain} `)).join("\n");
}

/** The cases of this file. */
export const SHARING_CASES: readonly Case[] = [herd, change, newHost, holder, clocks, rolling];
