/**
 * What `/proc` says of a process, and waiting for one to be there.
 *
 * @module
 */

/** A clock tick of `/proc/PID/stat`, ms: `USER_HZ` is 100 on every Linux. */
const TICK_MS = 10;

/** A server that does not listen by then will not, ms. */
const PATIENCE_MS = 30_000;

/** CPU time of a process so far, all threads, user and system, ms. */
export function cpuTime(pid: number): number {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  // The name before may hold spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (parseInt(fields[11]!, 10) + parseInt(fields[12]!, 10)) * TICK_MS;
}

/** What a process has had written to disks so far, KB. */
export function writtenToDisk(pid: number): number {
  const io = Deno.readTextFileSync(`/proc/${pid}/io`);
  return parseInt(/^write_bytes: (\d+)/m.exec(io)?.[1] ?? "", 10) / 1024;
}

/**
 * How to tie programs to processors, the one that is measured to one and all others to another:
 * `taskset` and its arguments, or nothing where there are not two processors.
 */
export function processorPins(): { measured: string[]; others: string[] } {
  const status = Deno.readTextFileSync("/proc/self/status");
  const list = /^Cpus_allowed_list:\s+(\S+)/m.exec(status)?.[1] ?? "";
  const first = /^\d+/.exec(list)?.[0];
  const last = /\d+$/.exec(list)?.[0];
  if (first === undefined || first === last || !isInstalled("taskset")) {
    return { measured: [], others: [] };
  }
  return { measured: ["taskset", "-c", first], others: ["taskset", "-c", last!] };
}

/** Connects to a port of `hostname` or a unix socket, as soon as that succeeds. */
export async function waitForListener(address: string, hostname = "127.0.0.1"): Promise<void> {
  for (const start = Date.now(); Date.now() - start < PATIENCE_MS; await pause(10)) {
    try {
      const conn = address.startsWith("/")
        ? await Deno.connect({ transport: "unix", path: address })
        : await Deno.connect({ hostname, port: parseInt(address, 10) });
      conn.close();
      return;
    } catch {
      // Not yet.
    }
  }
  throw new Error(`Nobody listens on ${address}`);
}

/** Waits, ms. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Whether a program is installed. */
export function isInstalled(program: string): boolean {
  const directories = (Deno.env.get("PATH") ?? "").split(":");
  return [...directories, "/usr/sbin", "/sbin"].some((directory) => {
    try {
      return Deno.statSync(`${directory}/${program}`).isFile;
    } catch {
      return false;
    }
  });
}

/** Runs a program to its end. @returns What it wrote to standard output. @throws {Error} If it fails. */
export async function run(program: string, ...args: string[]): Promise<string> {
  const { success, code, stdout, stderr } = await new Deno.Command(program, { args }).output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`${program} failed (${code}): ${decoder.decode(stderr)}`);
  return decoder.decode(stdout);
}
