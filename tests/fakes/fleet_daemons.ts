/**
 * Daemons that share an engine: one outside, and for each host a directory, a control socket and an HTTP socket.
 *
 * @module
 */

import { type Daemon, type Outside, startDaemon, startOutside } from "./daemon.ts";

/** A host of the fleet. */
export interface FleetHostProcess {
  readonly name: string;
  /** The path of its configuration file. */
  readonly config: string;
  readonly daemon: Daemon;
  /** Asks its HTTP surface. */
  get(path: string): Promise<{ readonly status: number; readonly body: string }>;
  /** Writes its configuration anew. @param shared What stands below `cache.shared`, without name and secret. */
  rewrite(shared: string | undefined): void;
}

/** Some hosts, and what is around them. */
export interface FleetGround extends AsyncDisposable {
  readonly outside: Outside;
  /** The file with the secret. */
  readonly secretFile: string;
  /** Starts a host. @param shared What stands below `cache.shared`, without `host_name`. */
  start(name: string, shared: string): Promise<FleetHostProcess>;
  /** Requests for the policy of a domain, by all hosts. */
  fetches(domain: string): number;
}

/** Starts the outside; no host runs yet. */
export async function openFleetGround(): Promise<FleetGround> {
  const outside = await startOutside();
  const base = Deno.readTextFileSync(await outside.configure());
  const secretFile = `${outside.directory}/secret`;
  Deno.writeTextFileSync(secretFile, `${"s".repeat(40)}\n`, { mode: 0o600 });
  const daemons: Daemon[] = [];
  return {
    outside,
    secretFile,
    async start(name, shared) {
      const directory = `${outside.directory}/${name}`;
      Deno.mkdirSync(directory);
      const [config, http] = [`${directory}/config.yml`, `${directory}/http.sock`];
      const rewrite = (shared: string | undefined) => {
        const part = shared === undefined ? "" : `, shared: { host_name: ${name}, ${shared} }`;
        const cache = `cache: { file: "${directory}/cache.db"${part} }`;
        const sockets = `control: "unix:${directory}/control.sock"\nhttp: "unix:${http}"\n`;
        Deno.writeTextFileSync(config, base.replace(/^cache: .*$/m, cache) + sockets);
      };
      rewrite(shared);
      const daemon = await startDaemon({ config });
      daemons.push(daemon);
      return { name, config, daemon, rewrite, get: (path) => getFrom(http, path) };
    },
    fetches: (domain) =>
      outside.hosts.requests.filter((head) => head.toLowerCase().includes(`mta-sts.${domain}`))
        .length,
    async [Symbol.asyncDispose]() {
      for (const daemon of daemons) await daemon[Symbol.asyncDispose]();
      await outside[Symbol.asyncDispose]();
    },
  };
}

async function getFrom(socket: string, path: string): Promise<{ status: number; body: string }> {
  const client = Deno.createHttpClient({ proxy: { transport: "unix", path: socket } });
  try {
    const response = await fetch(`http://localhost${path}`, { client });
    return { status: response.status, body: await response.text() };
  } finally {
    client.close();
  }
}
