/**
 * Whether the DKIM key that signs report mail is the one in DNS (RFC 6376 §3.6): receivers must ignore reports whose
 * signature does not verify (RFC 8460 §3).
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/error_text.ts";
import type { Config } from "../config/types.ts";
import type { DnsClient } from "../dns/types.ts";
import { dkimName, dkimRecordMistake } from "../mail/dkim_key.ts";
import { readSigner } from "./report_mailer.ts";

/** Between two looks, ms. */
const LOOK_MS = 3600 * 1000;

/** As long as there is no network yet, or DNS does not answer, ms. */
const RETRY_MS = 60_000;

/** What is known of the key. */
export type DkimState =
  /** We do not sign. */
  | { readonly kind: "none" }
  | { readonly kind: "published"; readonly name: string }
  /** `reason` is one line, fit to print. */
  | { readonly kind: "mistake"; readonly name: string; readonly reason: string }
  | { readonly kind: "unknown"; readonly name: string; readonly reason: string };

/** Looks at the key and its record. Never rejects. */
export async function checkDkim(
  config: Config,
  { lookup }: { readonly lookup: DnsClient["lookup"] },
): Promise<DkimState> {
  try {
    const signer = await readSigner(config);
    if (signer === undefined || config.report.contact === undefined) return { kind: "none" };
    const name = dkimName(signer.selector, signer.domain);
    const answer = await lookup(name, "TXT");
    if (answer.kind === "failed") return { kind: "unknown", name, reason: answer.detail };
    const records = answer.kind === "found" ? answer.records : [];
    const reason = dkimRecordMistake(records, signer.key);
    return reason === undefined ? { kind: "published", name } : { kind: "mistake", name, reason };
  } catch (error) {
    return { kind: "mistake", name: "", reason: messageOf(error) };
  }
}

/** A state in one line. */
export function describeDkim(state: DkimState): string {
  switch (state.kind) {
    case "none":
      return "report mail is not signed here";
    case "published":
      return `DKIM key: the one at ${state.name}`;
    case "mistake":
      return state.name === ""
        ? state.reason
        : `DKIM key: ${state.reason} at ${state.name}: see 'report key'`;
    case "unknown":
      return `DKIM key: cannot look up ${state.name}: ${state.reason}`;
  }
}

/** What {@link watchDkim} needs. */
export interface DkimWatchOptions {
  readonly clock: Clock;
  readonly config: () => Config;
  /** `undefined` as long as nothing is to be sent. */
  readonly lookup: () => DnsClient["lookup"] | undefined;
  /** Called at each look that finds a mistake. */
  readonly onMistake: (state: Extract<DkimState, { kind: "mistake" }>) => void;
}

/** Looks at the key at the start and each hour. */
export function watchDkim(
  options: DkimWatchOptions,
): { mistake(): string | undefined; describe(): string; stop(): void } {
  const { clock, config, onMistake } = options;
  let state: DkimState | undefined;
  let isStopped = false;
  let cancel = clock.setTimer(look, 1000);

  async function look(): Promise<void> {
    const lookup = options.lookup();
    if (lookup !== undefined) state = await checkDkim(config(), { lookup });
    if (isStopped) return;
    if (state?.kind === "mistake") onMistake(state);
    const isKnown = lookup !== undefined && state?.kind !== "unknown";
    cancel = clock.setTimer(look, isKnown ? LOOK_MS : RETRY_MS);
  }

  return {
    mistake: () => state?.kind === "mistake" ? describeDkim(state) : undefined,
    describe: () => state === undefined ? "DKIM key: not looked up yet" : describeDkim(state),
    stop(): void {
      isStopped = true;
      cancel();
    },
  };
}
