/**
 * The programs of the bench that are written in C, so that what measures is never what is measured.
 *
 * @module
 */

import { isInstalled, run } from "./process.ts";

const NAMES = ["load", "start", "echo", "wire"] as const;

/** A load, as `load.c` has it at its head. */
export interface Load {
  /** `weight,pattern,count,uniform|zipf|each` */
  readonly keys: readonly string[];
  readonly connections?: number;
  readonly depth?: number;
  /** At most, all of these. */
  readonly requests?: number;
  readonly seconds?: number;
  /** Requests a second. */
  readonly rate?: number;
  /** Connections more that ask nothing. */
  readonly idle?: number;
  /** The first number of `each`. */
  readonly first?: number;
  readonly seed?: number;
}

/** Whom a load is for. */
export interface Target {
  /** A port of 127.0.0.1, or the path of a unix socket. */
  readonly address: string;
  /**
   * The name of the socketmap.
   * @default "postfix"
   */
  readonly map?: string;
}

/** What came of a load. Latencies in µs. */
export interface LoadResult {
  readonly requests: number;
  readonly seconds: number;
  /** Requests a second. */
  readonly rate: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
  /** Replies by their first word. */
  readonly ok: number;
  readonly notfound: number;
  readonly temp: number;
}

/** How a program started. */
export interface StartResult {
  /** From fork to the first reply, ms. */
  readonly ms: number;
  /** CPU time of the program until then, ms. */
  readonly cpu: number;
  /** Its memory at most, MB. */
  readonly rss: number;
  /** First letter of the reply. */
  readonly reply: string;
}

/** The programs, built. */
export interface Programs {
  /** The minimal server. */
  readonly echo: string;
  /** Delays what is sent; see `wire.c`. */
  readonly wire: string;
  /** Puts a load on a server. */
  load(target: Target, load: Load): Promise<LoadResult>;
  /** Starts a server that listens on `port`, asks it for `key`, and kills it. */
  start(port: number, key: string, command: readonly string[]): Promise<StartResult>;
}

/**
 * Builds the programs.
 *
 * @param directory Where to put them.
 * @param pin How to tie the load to a processor: `taskset` and its arguments, or nothing.
 * @throws {Error} If there is no C compiler.
 */
export async function buildPrograms(
  directory: string,
  pin: readonly string[],
): Promise<Programs> {
  if (!isInstalled("cc")) throw new Error("needs a C compiler: apt-get install gcc libc6-dev");
  for (const name of NAMES) {
    const source = new URL(`${name}.c`, import.meta.url).pathname;
    await run("cc", "-O2", "-o", `${directory}/${name}`, source);
  }
  return {
    echo: `${directory}/echo`,
    wire: `${directory}/wire`,
    async load({ address, map = "postfix" }, load) {
      const args = [...pin, `${directory}/load`, "-m", map, ...loadArguments(load), address];
      return JSON.parse(await run(args[0]!, ...args.slice(1)));
    },
    async start(port, key, command) {
      return JSON.parse(await run(`${directory}/start`, String(port), key, ...command));
    },
  };
}

function loadArguments(load: Load): string[] {
  const { keys, connections = 1, depth = 1, seconds = 5, requests, rate, idle, first, seed } = load;
  const args = ["-c", connections, "-d", depth, "-t", seconds];
  if (requests !== undefined) args.push("-n", requests);
  if (rate !== undefined) args.push("-r", rate);
  if (idle !== undefined) args.push("-i", idle);
  if (first !== undefined) args.push("-f", first);
  if (seed !== undefined) args.push("-s", seed);
  return [...args.map(String), ...keys.flatMap((spec) => ["-k", spec])];
}
