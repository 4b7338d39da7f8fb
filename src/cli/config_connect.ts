/**
 * The part of `config check --connect` that opens connections: each socket of the daemon, or the daemon
 * that has it, and the fetch of one policy.
 *
 * @module
 */

import { formatEndpoint, type ListenAddress } from "../base/address.ts";
import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/error_text.ts";
import { quoteRemote } from "../base/quote_text.ts";
import type { Config } from "../config/types.ts";
import type { Network } from "../daemon/network.ts";
import { httpGet } from "../http/client.ts";
import type { FetchTrace } from "../https/types.ts";
import { querySocketmap } from "../postfix/client.ts";
import { openSocket } from "../postfix/listen.ts";
import { NOTFOUND_REPLY } from "../postfix/socketmap.ts";
import { parsePolicy } from "../sts/policy.ts";
import type { ConfigFinding } from "./config_finding.ts";

/** A daemon answers both questions at once, ms. */
const ASK_TIMEOUT_MS = 3000;

/** A parent key: always "not found" (RFC 8461 §3.4). */
const KEY = ".invalid";

/** The unit's RuntimeDirectory=, which is there only while the unit runs. */
const RUNTIME_DIRECTORY = "unix:/run/mta-sts-resolver/";

/** What {@link connectFindings} works with. */
export interface ConnectOptions {
  readonly config: Config;
  readonly network: Network;
  readonly clock: Clock;
}

/** Tries the sockets and one fetch. @param domain A domain that has a policy. */
export async function connectFindings(
  domain: string,
  { config, network, clock }: ConnectOptions,
): Promise<ConfigFinding[]> {
  const askMap = (address: ListenAddress) => asksMap(address, clock);
  const askHttp = (address: ListenAddress) => asksHttp(address, clock);
  const control = config.control === undefined ? [] : [config.control];
  return await Promise.all([
    ...config.listen.map((address) => trySocket("listen", address, askMap)),
    ...config.http.map((address) => trySocket("http", address, askHttp)),
    ...control.map((address) => trySocket("control", address, askMap)),
    tryFetch(domain, network),
  ]);
}

/** Opens a socket for a moment; if somebody has it, asks whether that is a daemon like this one. */
async function trySocket(
  subject: string,
  address: ListenAddress,
  ask: (address: ListenAddress) => Promise<boolean>,
): Promise<ConfigFinding> {
  const name = formatEndpoint(address);
  try {
    (await openSocket(address)).close();
    return { kind: "ok", subject, text: `${name}: free` };
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    if (cause instanceof Deno.errors.NotFound && name.startsWith(RUNTIME_DIRECTORY)) {
      return { kind: "note", subject, text: `${name}: not tried: the unit creates its directory` };
    }
    if (!(cause instanceof Deno.errors.AddrInUse)) {
      return { kind: "failed", subject, text: messageOf(error) };
    }
  }
  if (await ask(address)) return { kind: "ok", subject, text: `${name}: the daemon answers there` };
  const find = address.kind === "inet"
    ? `ss -ltnp 'sport = :${address.port}'`
    : `ss -lxp src ${address.path}`;
  return { kind: "failed", subject, text: `${name}: another program has it; '${find}' names it` };
}

async function asksMap(address: ListenAddress, clock: Clock): Promise<boolean> {
  try {
    const options = { timeout: ASK_TIMEOUT_MS, clock };
    const [reply] = await querySocketmap(address, "config-check", [KEY], options);
    // The control socket knows no such command, and says so.
    return reply === NOTFOUND_REPLY || reply?.startsWith("TEMP ") === true;
  } catch {
    return false;
  }
}

async function asksHttp(address: ListenAddress, clock: Clock): Promise<boolean> {
  try {
    const { status } = await httpGet(address, "/healthz", { timeout: ASK_TIMEOUT_MS, clock });
    return status === 200;
  } catch {
    return false;
  }
}

async function tryFetch(domain: string, { fetchPolicy }: Network): Promise<ConfigFinding> {
  const subject = "fetch";
  const trace: FetchTrace = { url: "", addresses: [], refused: [] };
  const outcome = await fetchPolicy(domain, { trace });
  if (outcome.kind === "failed") {
    const text = `the policy of ${domain}: ${outcome.reason}: ${outcome.detail}`;
    return { kind: "failed", subject, text };
  }
  const what = describePolicy(outcome.text);
  const from = trace.connected === undefined ? "" : ` from ${quoteRemote(trace.connected)}`;
  const text = `the policy of ${domain}${from}, ${Math.round(trace.elapsed ?? 0)} ms, ${what}`;
  return { kind: "ok", subject, text };
}

function describePolicy(text: string): string {
  try {
    return `mode ${parsePolicy(text).mode}`;
  } catch (error) {
    return `but it has mistakes: ${messageOf(error)}`;
  }
}
