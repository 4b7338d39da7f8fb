/**
 * The faults: how each is brought about with the real thing, and how it ends.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { encodeNetstring } from "../../src/postfix/netstring.ts";
import type { Daemon, Outside } from "../fakes/daemon.ts";
import { awaitEnd, respond } from "../fakes/policy_host.ts";
import { writeAll } from "./probe.ts";

/** What a fault works on. */
export interface Ground {
  readonly outside: Outside;
  readonly daemon: Daemon;
  readonly cacheFile: string;
  /** The domains whose answers are watched. */
  readonly domains: readonly string[];
}

/** Undoes a fault. */
export type Mend = () => Promise<void> | void;

/** A fault. */
export interface Fault {
  readonly name: string;
  /** The cache file lies on a small file system of its own, which only root can make. */
  readonly needsMount?: boolean;
  readonly needsRoot?: boolean;
  /** What the report says of it beside the figures, after it is over. */
  readonly bring: (ground: Ground) => Promise<Mend> | Mend;
}

/** Delays beyond any patience of the daemon's, ms. */
const SLOW_DNS_MS = 3000;

/** Connections that say nothing. */
const IDLE_CONNECTIONS = 2000;

/** Requests sent by the client that never reads. */
const UNREAD_REQUESTS = 200_000;

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

const program = (name: string) => new URL(name, import.meta.url).pathname;

const connect = (daemon: Daemon) => Deno.connect({ hostname: "127.0.0.1", port: daemon.port });

function dns(
  name: string,
  disturb: NonNullable<Outside["disturb"]>,
): Fault {
  return {
    name,
    bring({ outside }) {
      outside.disturb = disturb;
      return () => {
        outside.disturb = undefined;
      };
    },
  };
}

let lastId = 1000;
const freshId = () => String(++lastId);

/** Every policy host does this; each domain has a new id, so that the daemon comes and asks. */
function hosts(name: string, options: Parameters<Outside["hosts"]["add"]>[1]): Fault {
  return {
    name,
    bring({ outside, domains }) {
      for (const domain of domains) {
        outside.publish(domain, { id: freshId() });
        outside.hosts.add(domain, options);
      }
      return () => domains.forEach((domain) => outside.publish(domain, { id: freshId() }));
    },
  };
}

function checkpoint(cacheFile: string): void {
  const database = new DatabaseSync(cacheFile);
  database.prepare("PRAGMA wal_checkpoint(PASSIVE)").all();
  database.close();
}

async function command(program: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args }).output();
  if (!success) throw new Error(`${program}: ${new TextDecoder().decode(stderr)}`);
}

const FILES: Fault[] = [
  {
    name: "cache file removed",
    bring: ({ cacheFile }) => {
      Deno.removeSync(cacheFile);
      return () => {};
    },
  },
  {
    name: "cache file replaced by garbage",
    bring: ({ cacheFile }) => {
      Deno.writeFileSync(`${cacheFile}.new`, crypto.getRandomValues(new Uint8Array(60_000)), {
        mode: 0o600,
      });
      Deno.renameSync(`${cacheFile}.new`, cacheFile);
      return () => {};
    },
  },
  {
    name: "cache file overwritten in place",
    bring: ({ cacheFile }) => {
      const file = Deno.openSync(cacheFile, { write: true });
      file.writeSync(crypto.getRandomValues(new Uint8Array(4096)));
      file.close();
      return () => {};
    },
  },
  {
    name: "cache file locked by another process",
    bring: ({ cacheFile }) => {
      const database = new DatabaseSync(cacheFile);
      database.exec("BEGIN EXCLUSIVE");
      return () => {
        database.exec("ROLLBACK");
        database.close();
      };
    },
  },
  {
    name: "disk full",
    needsMount: true,
    bring: async ({ cacheFile }) => {
      const filler = `${cacheFile}.filler`;
      const file = await Deno.open(filler, { create: true, write: true });
      try {
        for (;;) await file.write(new Uint8Array(4096));
      } catch {
        // Full: that is what was wanted.
      }
      file.close();
      return () => Deno.remove(filler);
    },
  },
  {
    name: "cache file made read-only",
    needsRoot: true,
    bring: async ({ cacheFile, outside, daemon }) => {
      // The permission bits mean nothing to root, and a file already open for writing heeds only this.
      const files = ["", "-wal", "-shm"].map((suffix) => `${cacheFile}${suffix}`);
      const present = files.filter((file) => existsSync(file));
      // With the WAL copied and all on the disk, the next write begins by changing what SQLite has mapped into
      // memory from a file: on a file system that takes no writes that ends a process.
      checkpoint(cacheFile);
      await command("sync", ...present);
      await command("chattr", "+i", ...present);
      outside.publish("meanwhile.example");
      await daemon.query("meanwhile.example");
      return () => command("chattr", "-i", ...present);
    },
  },
  {
    name: "another daemon's process writing the same file",
    bring: ({ cacheFile }) => {
      const writer = new Deno.Command(Deno.execPath(), {
        args: [
          "run",
          "-A",
          "--quiet",
          program("second_writer.ts"),
          cacheFile,
        ],
      }).spawn();
      return async () => {
        writer.kill("SIGKILL");
        await writer.status;
      };
    },
  },
];

const CLIENTS: Fault[] = [
  {
    name: "out of file descriptors",
    bring: async ({ daemon }) => {
      const limit = (files: string) =>
        command("prlimit", "--pid", String(daemon.pid), `--nofile=${files}`);
      await limit("64:4096");
      const conns = await Promise.all(Array.from({ length: 100 }, () => connect(daemon)));
      return async () => {
        for (const conn of conns) conn.close();
        await limit("4096:4096");
      };
    },
  },
  {
    name: "clients that send half a frame and wait",
    bring: async ({ daemon }) => {
      const conns = await Promise.all(Array.from({ length: 100 }, () => connect(daemon)));
      for (const conn of conns) {
        await writeAll(conn, encodeNetstring("postfix half.example").slice(0, 9));
      }
      return () => conns.forEach((conn) => conn.close());
    },
  },
  {
    name: "a client that never reads its replies",
    bring: async ({ daemon, domains }) => {
      const conn = await connect(daemon);
      const request = encodeNetstring(`postfix ${domains[0]}`);
      const many = new Uint8Array(request.length * UNREAD_REQUESTS);
      for (let index = 0; index < UNREAD_REQUESTS; index++) {
        many.set(request, index * request.length);
      }
      const writing = writeAll(conn, many).catch(() => {});
      return async () => {
        conn.close();
        await writing;
      };
    },
  },
  {
    name: "2,000 idle connections",
    bring: async ({ daemon }) => {
      const conns: Deno.Conn[] = [];
      while (conns.length < IDLE_CONNECTIONS) conns.push(await connect(daemon));
      return () => conns.forEach((conn) => conn.close());
    },
  },
  {
    name: "a flood of 100,000 unknown names",
    bring: ({ daemon }) => {
      // A process of its own, lest the flood delay those who measure it.
      const flood = new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--quiet", program("flood.ts"), String(daemon.port)],
      }).spawn();
      return async () => {
        flood.kill("SIGKILL");
        await flood.status;
      };
    },
  },
];

/** All faults, in the order of the report. */
export const FAULTS: readonly Fault[] = [
  dns("DNS dead", () => ({ fault: "silence" })),
  dns(
    "DNS slow: each answer after 3 s",
    (reply) => ({ ...(reply ?? ABSENT), after: sleep(SLOW_DNS_MS) }),
  ),
  dns("DNS answers SERVFAIL", () => ({ rcode: "SERVFAIL" })),
  dns("DNS answers garbage", () => ({ fault: "garbage" })),
  hosts("policy hosts dead", { raw: (conn) => conn.close() }),
  hosts("policy hosts hang after TLS", { answer: awaitEnd }),
  hosts("policy hosts reset in the middle", {
    answer: async (conn) => {
      await respond("version: STSv1\n", { headers: ["content-type: text/plain"] })(conn, "");
      conn.close();
    },
  }),
  ...FILES,
  ...CLIENTS,
];

const ABSENT = { rcode: "NXDOMAIN" };
