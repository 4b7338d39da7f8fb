/**
 * The right to fetch, and what the fleet learns when it ends.
 *
 * A policy is published. So is a failure that the policy host caused. Any other failure may be this host's own, such as
 * a network that is down or a wrong clock, and only makes the waiting hosts fetch for themselves.
 *
 * @module
 */

import type { Circuit } from "./circuit.ts";
import type { SealOptions } from "./entry.ts";
import { type EndedLease, type Lease, releaseLease } from "./lease.ts";
import { sealMessage } from "./message.ts";
import type { Publisher } from "./publisher.ts";
import { isPublished } from "../sts/fetch_failure.ts";
import type { FleetClaim, FleetFailure } from "./types.ts";

/** What the end of a fetch needs. */
export interface FetchClaimOptions {
  /** The way to the engine. */
  readonly circuit: Pick<Circuit, "call">;
  /** Sends results. */
  readonly publisher: Pick<Publisher, "publish">;
  /** How messages are sealed, and whether they are signed. */
  readonly seal: SealOptions;
  /** What this exchange knows its own messages by. */
  readonly nonce: string;
  /** Called when a fetch has ended; `isOwn` if it failed for a reason that may be this host's own. */
  onFetched(isOwn: boolean): void;
}

/** Makes the right to fetch. @param lease What ends with it; `undefined` if the engine gave none. */
export function createFetchClaim(
  lease: Lease | undefined,
  options: FetchClaimOptions,
): Extract<FleetClaim, { kind: "fetch" }> {
  const { publisher, onFetched } = options;
  let isDone = false;
  const once = (act: (ended: EndedLease | undefined) => unknown) => {
    if (isDone) return;
    isDone = true;
    void act(lease?.end());
  };
  return {
    kind: "fetch",
    publish: (policy) =>
      once((ended) => {
        onFetched(false);
        return publisher.publish({ kind: "p", policy }, ended);
      }),
    publishFailure: (failure) =>
      once((ended) => {
        onFetched(!isPublished(failure.reason));
        return tellFailure(failure, ended, options);
      }),
    release: () => once((ended) => ended && releaseLease(ended, options)),
  };
}

async function tellFailure(
  failure: FleetFailure,
  ended: EndedLease | undefined,
  options: FetchClaimOptions,
): Promise<void> {
  const { circuit, publisher, seal, nonce } = options;
  // Nobody takes a failure that is not signed.
  if (seal.mac !== undefined && isPublished(failure.reason)) {
    await publisher.publish({ kind: "f", failure }, ended);
  } else if (ended !== undefined) {
    const { domain, id } = failure;
    const message = { kind: "failed-fetch", host: seal.host, nonce, domain, id } as const;
    const sealed = sealMessage(message, seal);
    await releaseLease(ended, options);
    if (sealed !== undefined) await circuit.call("announce", (e) => e.announce(sealed));
  }
}
