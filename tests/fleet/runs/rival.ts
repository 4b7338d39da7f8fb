/**
 * A fleet beside one of postfix-mta-sts-resolver, on the same Redis in turn: how many fetches each makes when all its
 * hosts are asked for the same new domains at once; and a fleet that moves from one to the other.
 *
 * Each packet between hosts and policy hosts takes {@link DELAY_MS}, so that a fetch takes as long as outside. Needs root,
 * nginx, knot, gcc, redis-server, and postfix-mta-sts-resolver with its Redis client: `RIVAL` names its `mta-sts-daemon` if it
 * is not in PATH.
 *
 * Run as: rival.ts [HOSTS [DOMAINS]]
 *
 * @module
 */

import { createRandom, type Random } from "../../fakes/random.ts";
import {
  enterNamespace,
  isInside,
  missingForPeers,
  type Peers,
  startPeers,
} from "../../bench/peers.ts";
import { isInstalled } from "../../bench/process.ts";
import { buildPrograms } from "../../bench/programs.ts";
import { daemonForms, type Server, startServer } from "../../bench/servers.ts";
import { SECRET } from "./cases_sharing.ts";
import { askServer, shuffle } from "./hosts.ts";
import { startEngineServer } from "./servers.ts";

/** Half a round trip, ms. */
const DELAY_MS = 10;

/** Queries that a busy Postfix has under way. */
const CONNECTIONS = 20;

const rival = Deno.env.get("RIVAL") ?? "mta-sts-daemon";

const [hostCount = 8, domainCount = 1000] = Deno.args.map((word) => parseInt(word, 10));

/** What the runs have in common. */
interface Ground {
  readonly directory: string;
  readonly peers: Peers;
  readonly random: Random;
  /** Lines of the policy host's log so far. */
  countFetches(): number;
}

if (isInside()) {
  await runAll();
} else {
  const missing = missingForPeers();
  const needed = ["redis-server", "gcc"].filter((name) => !isInstalled(name));
  if (missing !== "" || needed.length > 0) {
    console.error(`cannot run without: ${[missing, ...needed].join(" ")}`);
    Deno.exit(2);
  }
  Deno.exit(await enterNamespace(new URL(import.meta.url).pathname, Deno.args));
}

async function runAll(): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    const { wire } = await buildPrograms(directory, []);
    const log = `${directory}/fetches`;
    await using peers = await startPeers({
      ...{ directory, pin: [], log },
      wire: { program: wire, delay: DELAY_MS },
    });
    const countFetches = () => Deno.readTextFileSync(log).split("\n").length - 1;
    const ground: Ground = { directory, peers, random: createRandom(1), countFetches };
    console.log(`${hostCount} hosts, ${domainCount} new domains at all of them at once`);
    await herd(ground, "postfix-mta-sts-resolver, Redis", rivalConfig);
    await herd(ground, "this program, Redis, signed", ownConfig);
    await herd(ground, "this program, alone", (_, engine) => ownConfig("", engine));
    await migrate(ground);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** A kind of host: the program, and its YAML for a port. */
interface Kind {
  readonly command: readonly string[];
  yaml(port: string): string;
}

type Configure = (url: string, ground: Ground) => Kind;

async function herd(ground: Ground, name: string, configure: Configure): Promise<void> {
  await using engine = await startEngineServer("redis", ground.directory);
  await using hosts = await startAll(ground, hostCount, configure(engine.url, ground));
  const before = ground.countFetches();
  const started = performance.now();
  const right = await askAllHosts(ground, hosts.servers, 0);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const fetches = ground.countFetches() - before;
  console.log(
    `${name}: ${fetches} fetches, ${right} of ${hostCount * domainCount} right, ${seconds} s`,
  );
}

/** Half the fleet is old, half new, on one Redis; then all are new. */
async function migrate(ground: Ground): Promise<void> {
  await using engine = await startEngineServer("redis", ground.directory);
  const half = Math.floor(hostCount / 2);
  const old = rivalConfig(engine.url);
  // The very file of the other program, and what this world needs: its authority, and policy hosts that are inside.
  const unchanged: Kind = {
    ...ownConfig("", ground),
    yaml: (port) => `${old.yaml(port)}\n${worldOf(ground)}`,
  };
  {
    await using before = await startAll(ground, half, old);
    const learned = await askAllHosts(ground, before.servers, 0);
    await using added = await startAll(ground, half, unchanged);
    const fetches = ground.countFetches();
    const right = await askAllHosts(ground, [...before.servers, ...added.servers], 0);
    const more = ground.countFetches() - fetches;
    console.log(
      `moving, half old and half new: ${right + learned} of ${3 * half * domainCount} right, ` +
        `${more} more fetches while the new hosts answered`,
    );
  }
  await using all = await startAll(ground, hostCount, unchanged);
  const right = await askAllHosts(ground, all.servers, 0);
  console.log(`moving, all new: ${right} of ${hostCount * domainCount} right`);
}

function rivalConfig(url: string): Kind {
  const yaml = (port: string) =>
    `host: 127.0.0.1\nport: ${port}\ncache_grace: 3600\ncache: { type: redis, options: { url: "${url}" } }`;
  return { command: [rival, "--verbosity", "error", "--config"], yaml };
}

function ownConfig(url: string, ground: Ground): Kind {
  const secret = `${ground.directory}/secret`;
  Deno.writeTextFileSync(secret, `${SECRET}\n`, { mode: 0o600 });
  const shared = url === "" ? "" : `, shared: { url: "${url}", secret_file: "${secret}" }`;
  const yaml = (port: string) =>
    `listen: "inet:127.0.0.1:${port}"\ncache: { file: memory${shared} }\nrecheck: 3600\n${
      worldOf(ground)
    }`;
  return { command: [...daemonForms().at(-1)!.command, "serve", "--config"], yaml };
}

function worldOf({ peers }: Ground): string {
  return `tls: { ca: "${peers.authority}" }\nallow_private: [10.84.0.0/24]\nhttps: { per_address: 20 }`;
}

async function startAll(
  { directory, peers }: Ground,
  count: number,
  { command, yaml }: Kind,
): Promise<AsyncDisposable & { readonly servers: readonly Server[] }> {
  const place = { directory, pin: [], authority: peers.authority };
  const servers = await Promise.all(
    Array.from({ length: count }, () => startServer(place, { command, yaml })),
  );
  return {
    servers,
    [Symbol.asyncDispose]: async () =>
      void await Promise.all(servers.map((server) => server[Symbol.asyncDispose]())),
  };
}

/** Asks all hosts at once, each in an order of its own. @returns How many answers are right. */
async function askAllHosts(
  { random }: Ground,
  servers: readonly Server[],
  first: number,
): Promise<number> {
  const domains = Array.from({ length: domainCount }, (_, index) => `d${first + index}.bench.test`);
  const replies = await Promise.all(
    servers.map(({ address }) =>
      askServer(parseInt(address, 10), shuffle(domains, random), { connections: CONNECTIONS })
    ),
  );
  return replies.flatMap(({ replies }) => [...replies.values()])
    .filter((reply) => reply.startsWith("OK secure match=mx1.bench.test ")).length;
}
