/**
 * The control channel: the socketmap protocol on a separate socket, which only the daemon's user
 * and root may use. The map name is the command, the key its argument; the reply is `OK` with JSON,
 * `NOTFOUND`, or `TEMP` with the reason.
 *
 * | Command | Argument | Result |
 * | --- | --- | --- |
 * | `show` | domain | its entry, with the text of the policy |
 * | `list` | a `ListRequest` in JSON | a `ListPage` |
 * | `refresh` | domain | its entry after a fetch, which ignores the TXT record and back-off |
 * | `purge` | domain | its last entry, which is now forgotten; with a fleet, a `PurgedEntry` |
 * | `forget` | domain | the same on this host alone |
 * | `import` | an entry in JSON | an `ImportReply` |
 * | `problems` | nothing | a `ProblemsReport` |
 *
 * `control_fleet.ts` has those about the fleet.
 *
 * The `cache` commands run the same code on a file when no daemon is asked.
 *
 * @module
 */

import { createMetrics } from "../base/metrics.ts";
import { escapeInvisible } from "../base/quote_text.ts";
import type { DomainStore } from "../cache/types.ts";
import type { Config } from "../config/types.ts";
import type { Handler } from "../postfix/connection.ts";
import { encodeNetstring } from "../postfix/netstring.ts";
import { createServer } from "../postfix/server.ts";
import type { ServerOptions, SocketmapServer } from "../postfix/server.ts";
import { formatOk, formatTemp, NOTFOUND_REPLY, parseRequest } from "../postfix/socketmap.ts";
import type { Resolver } from "../resolver/resolver.ts";
import { toDomainName } from "../sts/domain.ts";
import { describeProblems } from "../status/problems.ts";
import type { Problems } from "../status/problems.ts";
import { type AddressChange, OpenAddresses } from "./address_change.ts";
import { describeEntry } from "./cache_entry.ts";
import {
  answerFleet,
  createFleetControl,
  describePurge,
  type FleetControl,
  type FleetRequestOptions,
  isFleetCommand,
} from "./control_fleet.ts";
import type { DaemonContext } from "./context.ts";
import { listEntries, type ListStore, readListRequest } from "./control_list.ts";
import { importPolicy, type ImportResult, readEntry } from "./import_entry.ts";

/**
 * Octets of the longest request and of the longest reply: an entry with a policy of 64 KiB, each character of
 * which JSON writes as six, and lists of hosts.
 */
export const CONTROL_MAX_OCTETS: number = 1024 * 1024;

/** Connections to the control socket at once: one operator and a script or two. */
const CONTROL_CONNECTIONS = 8;

/** Requests read ahead: they may be large, and the commands wait for each reply. */
const CONTROL_PIPELINE = 1;

/** What the channel works on. */
export interface ControlOptions {
  readonly store: ListStore;
  /** The fleet; absent where nothing can be shared. */
  readonly fleet?: FleetControl;
  /** What does not work; absent where no daemon runs. */
  readonly problems?: Pick<Problems, "list">;
  /** What changes something; absent where the store is only looked at. */
  readonly changes?: {
    readonly store: Pick<DomainStore, "putPolicy">;
    /** The running resolver, which a reload replaces. */
    readonly resolver: () => Pick<Resolver, "check" | "purge" | "forget">;
  };
}

/** What became of an entry that was imported. */
export type ImportReply =
  | { readonly result: ImportResult }
  /** `why` is constant text. */
  | { readonly result: "invalid"; readonly why: string };

/** One request of an operator. */
export interface ControlRequest {
  readonly command: string;
  readonly argument: string;
  /** The time, ms. */
  readonly now: number;
}

type Changes = NonNullable<ControlOptions["changes"]>;

/** The control channel of a daemon. */
export interface ControlChannel extends Pick<SocketmapServer, "drain"> {
  /** Replaces the limits of connections. */
  limit(limits: Config["limits"]): void;
  /** Opens the socket that a configuration names. @throws {Error} With one line for the operator. */
  open(config: Config): Promise<AddressChange>;
}

/** Creates the control channel; its socket is not open yet. */
export function createControlChannel(
  { limits }: Config,
  { context, resolver, fleet }: {
    readonly context: DaemonContext;
    readonly resolver: Changes["resolver"];
    /** The fleet of the running engine. */
    readonly fleet: FleetControl["fleet"];
  },
): ControlChannel {
  const { store, problems } = context;
  const server = createServer({
    ...context,
    // The operator asks here, not Postfix: these queries are not counted.
    metrics: createMetrics(),
    handler: createControl({
      store,
      problems,
      changes: { store, resolver },
      fleet: createFleetControl(fleet, context.clock),
    }),
    limits: limitsFrom(limits),
  });
  const addresses = new OpenAddresses(async (address) => {
    const actual = await server.listen(address);
    return { close: () => server.unlisten(actual) };
  }, context.log);
  return {
    drain: (graceMs) => server.drain(graceMs),
    limit: (limits) => server.limit(limitsFrom(limits)),
    open: ({ control }) => addresses.change(control === undefined ? [] : [control]),
  };
}

function limitsFrom(limits: Config["limits"]): ServerOptions["limits"] {
  return {
    ...limits,
    connections: CONTROL_CONNECTIONS,
    pipeline: CONTROL_PIPELINE,
    requestOctets: CONTROL_MAX_OCTETS,
  };
}

/** Creates the handler of the control socket. */
export function createControl(options: ControlOptions): Handler {
  return async (payload, now) => {
    const { mapName: command, key: argument } = parseRequest(payload);
    return encodeNetstring(await answerControl(options, { command, argument, now }));
  };
}

/** Answers one request. @returns The payload of the reply. */
export function answerControl(
  options: ControlOptions,
  request: ControlRequest,
): string | Promise<string> {
  const { command, argument } = request;
  if (isFleetCommand(command)) {
    return answerFleet(command, argument, fleetOptions(options));
  }
  switch (command) {
    case "list": {
      const wanted = readListRequest(argument);
      return wanted === undefined
        ? formatTemp("the argument of 'list' is malformed")
        : formatJson(listEntries(options.store, wanted));
    }
    case "problems":
      return options.problems === undefined
        ? formatTemp("only a running daemon knows what is deferred")
        : formatJson(describeProblems(options.problems.list()));
    case "import":
      return importEntry(options, request);
    case "show":
    case "refresh":
    case "purge":
    case "forget": {
      const domain = toDomainName(argument);
      return domain === undefined
        ? formatTemp("not a domain")
        : answerOnDomain(options, { ...request, argument: domain });
    }
    default:
      return formatTemp("unknown command");
  }
}

function fleetOptions(
  { store, changes, fleet }: ControlOptions,
): FleetRequestOptions {
  const { getPolicy } = store;
  const target = changes && {
    getPolicy: getPolicy.bind(store),
    putPolicy: changes.store.putPolicy.bind(changes.store),
  };
  return { control: fleet, store, target, format: formatJson };
}

function answerOnDomain(
  { store, changes, fleet }: ControlOptions,
  { command, argument: domain }: ControlRequest,
): string | Promise<string> {
  if (command === "show") return show(store, domain);
  if (changes === undefined) return READ_ONLY;
  if (command === "refresh") return refresh(domain, { store, changes });
  const entry = show(store, domain);
  if (command === "forget") {
    changes.resolver().forget(domain);
    return entry;
  }
  const heard = changes.resolver().purge(domain);
  const shared = fleet?.fleet();
  if (heard === undefined || shared === undefined) return entry;
  return heard.then((hosts) =>
    formatJson({ ...heldIn(entry, domain), fleet: describePurge(shared, hosts) })
  );
}

/** The entry of a reply, if it has one. */
function heldIn(reply: string, domain: string): { readonly domain: string } {
  const [, json] = /^OK (.*)$/s.exec(reply) ?? [];
  return json === undefined ? { domain } : JSON.parse(json);
}

const READ_ONLY = formatTemp("this process only reads the cache");

function show(store: ListStore, domain: string): string {
  const stored = store.getPolicy(domain);
  switch (stored.kind) {
    case "found":
      return formatJson({ ...describeEntry(stored.policy, store), text: stored.policy.text });
    case "absent":
      return NOTFOUND_REPLY;
    case "unavailable":
      return formatTemp(stored.reason);
  }
}

async function refresh(
  domain: string,
  { store, changes }: { store: ListStore; changes: Changes },
): Promise<string> {
  const result = await changes.resolver().check(domain, { force: true, urgent: true });
  if (result === undefined) return formatTemp("too many checks are waiting");
  if (result.outcome === "replaced" || result.outcome === "fetched") return show(store, domain);
  const failure = store.getFailure(domain);
  return formatTemp(
    failure === undefined ? "no policy is published" : `${failure.reason}: ${failure.detail}`,
  );
}

function importEntry(
  { store, changes }: ControlOptions,
  { argument, now }: ControlRequest,
): string {
  if (changes === undefined) return READ_ONLY;
  const reading = readEntry(parseJson(argument), now);
  if (reading.kind === "invalid") return formatJson({ result: "invalid", why: reading.why });
  const { getPolicy } = store;
  const target = {
    getPolicy: getPolicy.bind(store),
    putPolicy: changes.store.putPolicy.bind(changes.store),
  };
  const result = importPolicy(reading.policy, { store: target, now });
  return typeof result === "string" ? formatJson({ result }) : formatTemp(result.unavailable);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Remote text in it can neither break the protocol nor move the cursor of a terminal. */
function formatJson(value: object): string {
  return formatOk(escapeInvisible(JSON.stringify(value)), CONTROL_MAX_OCTETS) ??
    formatTemp("the reply is too long");
}
