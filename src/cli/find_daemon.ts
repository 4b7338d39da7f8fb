/**
 * Finds the running daemon by its control socket, for the commands that look at or change what it holds: the
 * socket that the configuration names, else the one of the package.
 *
 * Root's shell has another state directory than the service. So a file is never taken for what the daemon holds
 * unless the operator reads that it was.
 *
 * @module
 */

import { dirname } from "node:path";
import { type Endpoint, formatEndpoint } from "../base/address.ts";
import { messageOf } from "../base/error_text.ts";
import type { Config } from "../config/types.ts";
import { CONTROL_MAX_OCTETS } from "../daemon/control.ts";
import { querySocketmap } from "../postfix/client.ts";

/** Where the daemon of the package has its control socket. */
export const PACKAGE_CONTROL = "/run/mta-sts-resolver/control.sock";

/** All replies to one call: a refresh waits for DNS and a policy host, ms. */
const TIMEOUT_MS = 60_000;

/** Write permission for group or others. */
const WRITABLE_BY_OTHERS = 0o022;

/** The daemon, or why it is not asked. */
export type FoundDaemon =
  | {
    readonly kind: "found";
    /** `unix:/run/…`, for messages. */
    readonly address: string;
    /**
     * Sends requests with one command, one after the other.
     *
     * @returns The replies in the same order.
     * @throws {Error} With one line if the daemon does not answer.
     */
    ask(command: string, args: readonly string[]): Promise<string[]>;
  }
  /** What is wrong and what to do, each a few words without a full stop. */
  | { readonly kind: "missing"; readonly why: string; readonly advice: string };

/**
 * Connects to the control socket to see whether a daemon answers there.
 *
 * @param packageSocket Tried if the configuration names none; only one of root, of the user of its directory, or
 *   of this user is believed.
 */
export async function findDaemon(
  { control }: Pick<Config, "control">,
  packageSocket: string = PACKAGE_CONTROL,
): Promise<FoundDaemon> {
  if (control !== undefined) return await connectTo(control);
  const danger = distrust(packageSocket);
  return danger === undefined
    ? await connectTo({ kind: "unix", path: packageSocket })
    : { kind: "missing", why: danger, advice: "start it with 'control' set" };
}

async function connectTo(endpoint: Endpoint): Promise<FoundDaemon> {
  const address = formatEndpoint(endpoint);
  try {
    // No request: a daemon that is there accepts.
    await querySocketmap(endpoint, "", [], { timeout: TIMEOUT_MS });
  } catch (error) {
    const { cause } = error as Error;
    if (cause instanceof Deno.errors.PermissionDenied) {
      const why = `only root and the service may ask on ${address}`;
      return { kind: "missing", why, advice: "run this as root" };
    }
    const isAbsent = cause instanceof Deno.errors.NotFound ||
      cause instanceof Deno.errors.ConnectionRefused;
    const why = isAbsent ? "" : `: ${messageOf(cause)}`;
    return { kind: "missing", why: `no daemon answers on ${address}${why}`, advice: "start it" };
  }
  const options = { timeout: TIMEOUT_MS, maxReply: CONTROL_MAX_OCTETS };
  return {
    kind: "found",
    address,
    ask: (command, args) => querySocketmap(endpoint, command, args, options),
  };
}

/** Why the socket is not asked; `undefined` if it may be believed. */
function distrust(path: string): string | undefined {
  const unset = "'control' is not set";
  try {
    const socket = Deno.lstatSync(path);
    const directory = Deno.statSync(dirname(path));
    const isOpen = ((directory.mode ?? 0) & WRITABLE_BY_OTHERS) !== 0;
    const owners = [0, Deno.uid(), directory.uid];
    if (socket.isSocket && !isOpen && owners.includes(socket.uid)) return undefined;
    return `${unset}, and ${path} does not belong to the service`;
  } catch {
    return `${unset}, and there is no ${path}`;
  }
}
