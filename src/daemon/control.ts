/**
 * The control channel: the socketmap protocol on a separate socket, which only the daemon's user
 * and root may use. The map name is the command, the key its argument; the reply is `OK` with JSON,
 * `NOTFOUND`, or `TEMP` with the reason.
 *
 * | Command | Argument | Result |
 * | --- | --- | --- |
 * | `show` | domain | its entry |
 * | `list` | number of entries to skip | the next entries, at most 100 |
 * | `refresh` | domain | its entry after a fetch, which ignores the TXT record and back-off |
 * | `purge` | domain | its last entry, which is now forgotten |
 *
 * @module
 */

import { createMetrics } from "../base/metrics.ts";
import type { DomainStore, PolicyLists } from "../cache/types.ts";
import type { Config } from "../config/types.ts";
import type { Handler } from "../postfix/connection.ts";
import { encodeNetstring } from "../postfix/netstring.ts";
import { createServer } from "../postfix/server.ts";
import type { SocketmapServer } from "../postfix/server.ts";
import { formatOk, formatTemp, NOTFOUND_REPLY, parseRequest } from "../postfix/socketmap.ts";
import type { Resolver } from "../resolver/resolver.ts";
import { toDomainName } from "../sts/domain.ts";
import { describeEntry } from "./cache_entry.ts";
import type { CacheEntry } from "./cache_entry.ts";
import type { DaemonContext } from "./context.ts";

/** Entries of one `list` reply: with names and patterns of usual length, they fill a tenth of the largest reply. */
export const LIST_PAGE = 100;

/** Connections to the control socket at once: one operator and a script or two. */
const CONTROL_CONNECTIONS = 8;

/** What the channel works on. */
export interface ControlOptions {
  readonly store: ControlStore;
  /** The running resolver, which a reload replaces. */
  readonly resolver: () => Pick<Resolver, "check" | "purge">;
}

type ControlStore =
  & Pick<DomainStore, "getPolicy" | "getFailure" | "getMx">
  & Pick<PolicyLists, "listPolicies">;

/**
 * Creates the server of the control channel, and opens its socket if the configuration names one.
 *
 * @throws {Error} If the socket cannot be opened; with one line for the operator.
 */
export async function openControl(
  config: Config,
  { context, resolver }: { context: DaemonContext; resolver: ControlOptions["resolver"] },
): Promise<SocketmapServer> {
  const server = createServer({
    ...context,
    // The operator asks here, not Postfix: these queries are not counted.
    metrics: createMetrics(),
    handler: createControl({ store: context.store, resolver }),
    limits: { ...config.limits, connections: CONTROL_CONNECTIONS },
  });
  if (config.control !== undefined) await server.listen(config.control);
  return server;
}

/** Creates the handler of the control socket. */
export function createControl(options: ControlOptions): Handler {
  return async (payload) => {
    const { mapName, key } = parseRequest(payload);
    return encodeNetstring(await run(options, mapName, key));
  };
}

function run(
  options: ControlOptions,
  command: string,
  argument: string,
): string | Promise<string> {
  if (command === "list") {
    return /^[0-9]{1,9}$/.test(argument)
      ? formatJson(list(options.store, parseInt(argument, 10)))
      : formatTemp("'list' takes a number");
  }
  const domain = toDomainName(argument);
  if (domain === undefined) return formatTemp("not a domain");
  switch (command) {
    case "show":
      return show(options.store, domain);
    case "refresh":
      return refresh(options, domain);
    case "purge":
      return purge(options, domain);
    default:
      return formatTemp("unknown command");
  }
}

function show(store: ControlStore, domain: string): string {
  const stored = store.getPolicy(domain);
  switch (stored.kind) {
    case "found":
      return formatJson(describeEntry(stored.policy, store));
    case "absent":
      return NOTFOUND_REPLY;
    case "unavailable":
      return formatTemp(stored.reason);
  }
}

function list(store: ControlStore, skip: number): CacheEntry[] {
  const entries: CacheEntry[] = [];
  let index = 0;
  for (const stored of store.listPolicies()) {
    if (index++ < skip) continue;
    entries.push(describeEntry(stored, store));
    if (index - skip >= LIST_PAGE) break;
  }
  return entries;
}

async function refresh({ store, resolver }: ControlOptions, domain: string): Promise<string> {
  const result = await resolver().check(domain, { force: true, urgent: true });
  if (result === undefined) return formatTemp("too many checks are waiting");
  if (result.outcome === "replaced" || result.outcome === "fetched") return show(store, domain);
  const failure = store.getFailure(domain);
  return formatTemp(
    failure === undefined ? "no policy is published" : `${failure.reason}: ${failure.detail}`,
  );
}

/** @returns The entry as it was. */
function purge({ store, resolver }: ControlOptions, domain: string): string {
  const entry = show(store, domain);
  resolver().purge(domain);
  return entry;
}

function formatJson(value: CacheEntry | readonly CacheEntry[]): string {
  return formatOk(JSON.stringify(value)) ?? formatTemp("the reply is too long");
}
