/**
 * The control channel: the socketmap protocol on a socket of its own, which only the daemon's user
 * and root may use. The map name is the command, the key its argument; the reply is `OK` with JSON,
 * `NOTFOUND`, or `TEMP` with the reason.
 *
 * | Command | Argument | Result |
 * | --- | --- | --- |
 * | `show` | domain | its entry |
 * | `list` | number of entries to skip | the next entries, at most 100 |
 * | `refresh` | domain | its entry after a fetch, whatever TXT and back-off say |
 * | `purge` | domain | its last entry, now forgotten |
 *
 * @module
 */

import type { DomainStore, PolicyLists } from "../cache/types.ts";
import type { Handler } from "../postfix/connection.ts";
import { encodeNetstring } from "../postfix/netstring.ts";
import { formatOk, formatTemp, NOTFOUND_REPLY, parseRequest } from "../postfix/socketmap.ts";
import type { Resolver } from "../resolver/resolver.ts";
import { toDomainName } from "../sts/domain.ts";
import { describeEntry } from "./cache_entry.ts";
import type { CacheEntry } from "./cache_entry.ts";

/** Entries of one `list` reply: with names and patterns of usual length a tenth of the largest reply. */
export const LIST_PAGE = 100;

/** What the channel works on; the resolver changes with a reload. */
export interface ControlOptions {
  readonly store:
    & Pick<DomainStore, "getPolicy" | "getFailure" | "getMx">
    & Pick<PolicyLists, "listPolicies">;
  readonly resolver: () => Pick<Resolver, "check" | "purge">;
}

/** Creates the handler of the control socket. */
export function createControl({ store, resolver }: ControlOptions): Handler {
  function show(domain: string): string {
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

  function list(skip: number): CacheEntry[] {
    const entries: CacheEntry[] = [];
    let index = 0;
    for (const stored of store.listPolicies()) {
      if (index++ < skip) continue;
      entries.push(describeEntry(stored, store));
      if (index - skip >= LIST_PAGE) break;
    }
    return entries;
  }

  async function refresh(domain: string): Promise<string> {
    const result = await resolver().check(domain, { force: true, urgent: true });
    if (result === undefined) return formatTemp("too many checks are waiting");
    if (result.row === 4 || result.row === 7) return show(domain);
    const failure = store.getFailure(domain);
    return formatTemp(
      failure === undefined ? "no policy is published" : `${failure.reason}: ${failure.detail}`,
    );
  }

  function purge(domain: string): string {
    const entry = show(domain);
    resolver().purge(domain);
    return entry;
  }

  function run(command: string, argument: string): string | Promise<string> {
    if (command === "list") {
      return /^[0-9]{1,9}$/.test(argument)
        ? formatJson(list(parseInt(argument, 10)))
        : formatTemp("'list' takes a number");
    }
    const domain = toDomainName(argument);
    if (domain === undefined) return formatTemp("not a domain");
    switch (command) {
      case "show":
        return show(domain);
      case "refresh":
        return refresh(domain);
      case "purge":
        return purge(domain);
      default:
        return formatTemp("unknown command");
    }
  }

  return async (payload) => {
    const { mapName, key } = parseRequest(payload);
    return encodeNetstring(await run(mapName, key));
  };
}

function formatJson(value: CacheEntry | readonly CacheEntry[]): string {
  return formatOk(JSON.stringify(value)) ?? formatTemp("the reply is too long");
}
