/**
 * Connects to one address of a host and checks whether TLS works there as senders need it: after STARTTLS
 * for an MX host (RFC 8461 §4.2), at once for a policy host (§3.3). The runtime's verifier decides whether
 * the certificate is valid for the name. The same verifier is in use when policies are fetched.
 *
 * Every fault is a value. One time limit holds for everything.
 *
 * @module
 */

import { classifyFetchError } from "../https/classify.ts";
import { quoteText } from "../base/quote_text.ts";
import type { Clock } from "../base/clock.ts";
import { tryClose } from "../base/connection.ts";
import { messageOf } from "../base/error_text.ts";
import { addressLiteral, denoLink } from "../mail/link.ts";
import type { FindingId } from "./finding.ts";
import { type Presented, readPresented } from "./presented.ts";
import { SmtpDialogue, type SmtpFault } from "./smtp_dialogue.ts";
import { TimeBudget } from "./time_budget.ts";

/** Where to connect. */
export interface TlsTarget {
  /** A host name in lower-case A-labels. The certificate must be valid for it. */
  readonly host: string;
  readonly address: string;
  readonly port: number;
  /** SMTP and STARTTLS come before TLS. */
  readonly smtp: boolean;
}

/** The result. `detail` is one line, fit to print. */
export type TlsProbe =
  | { readonly kind: "unconnected"; readonly how: ConnectFailure; readonly detail: string }
  | (SmtpFault | TlsFault) & { readonly presented?: Presented }
  | { readonly kind: "verified"; readonly presented?: Presented };

/** Only `refused` is certainly a fault of the host. The others may come from the network on this side. */
export type ConnectFailure = "refused" | "timeout" | "unreachable";

/** A fault of TLS, with the name of the finding. */
export interface TlsFault {
  readonly kind: "failed";
  readonly id: Extract<FindingId, `tls-${string}` | `certificate-${string}`>;
  readonly detail: string;
}

/** Tries one address. Never rejects. */
export type ProbeTls = (target: TlsTarget) => Promise<TlsProbe>;

/** What {@link createTlsProbe} needs. */
export interface TlsProbeOptions {
  readonly clock: Clock;
  /** For everything at one address, ms. */
  readonly timeout: number;
  /** PEM, in addition to the roots of the process. */
  readonly caCerts?: readonly string[];
  readonly connect?: (options: Deno.ConnectOptions) => Promise<Deno.TcpConn>;
}

/** The share of one step, such as the greeting. Postfix postscreen(8) delays the greeting by six seconds. */
const STEP_SHARE = 2 / 3;

/** Enough of an error of the operating system, UTF-16 units. */
const QUOTE_MAX_LENGTH = 160;

/** Creates the probe. */
export function createTlsProbe(options: TlsProbeOptions): ProbeTls {
  const { clock, timeout } = options;
  return async (target) => {
    const budget = new TimeBudget({ clock, step: timeout * STEP_SHARE, total: timeout });
    const opened = await open(target, budget, options);
    if (opened.kind === "unconnected") return opened;
    const { conn } = opened;
    const { remoteAddr: remote, localAddr } = conn;
    const helo = target.smtp ? addressLiteral(localAddr.hostname) : undefined;
    const fault = await verify(conn, { ...options, target, budget, helo });
    if (fault !== undefined && !fault.id.startsWith("certificate-")) return fault;
    const roots = options.caCerts === undefined ? {} : { caCerts: options.caCerts };
    const presented = await readPresented({ remote, host: target.host, helo, budget, ...roots });
    return { ...(fault ?? { kind: "verified" }), ...(presented && { presented }) };
  };
}

type Opened =
  | { readonly kind: "open"; readonly conn: Deno.TcpConn }
  | Extract<TlsProbe, { kind: "unconnected" }>;

async function open(
  { address, port }: TlsTarget,
  budget: TimeBudget,
  { connect = Deno.connect }: Pick<TlsProbeOptions, "connect">,
): Promise<Opened> {
  const controller = new AbortController();
  const { signal } = controller;
  const work = async (): Promise<Opened> => {
    try {
      const conn = await connect({ hostname: address, port, signal });
      if (signal.aborted) tryClose(conn);
      else conn.setNoDelay(true);
      return { kind: "open", conn };
    } catch (error) {
      return { kind: "unconnected", ...connectFailure(error) };
    }
  };
  const opened = await budget.run(work(), () => controller.abort());
  return opened === "timeout"
    ? { kind: "unconnected", how: "timeout", detail: "connection timed out" }
    : opened;
}

function connectFailure(error: unknown): { how: ConnectFailure; detail: string } {
  if (error instanceof Deno.errors.ConnectionRefused) {
    return { how: "refused", detail: "connection refused" };
  }
  if (error instanceof Deno.errors.TimedOut) {
    return { how: "timeout", detail: "connection timed out" };
  }
  const text = messageOf(error);
  return { how: "unreachable", detail: quoteText(text, QUOTE_MAX_LENGTH) };
}

/** Runs the conversation up to a verified TLS session. Always closes the connection. */
async function verify(
  conn: Deno.TcpConn,
  { target, budget, helo, caCerts }: Pick<TlsProbeOptions, "caCerts"> & {
    target: TlsTarget;
    budget: TimeBudget;
    helo: string | undefined;
  },
): Promise<SmtpFault | TlsFault | undefined> {
  let current: Deno.Conn = conn;
  const close = () => tryClose(current);
  try {
    if (helo !== undefined) {
      const dialogue = new SmtpDialogue(denoLink(conn), { budget, helo });
      const fault = await dialogue.startTls();
      if (fault !== undefined) {
        await dialogue.quit();
        return fault;
      }
    }
    const shaken = await budget.run(shakeHands(), close);
    if (shaken === "timeout") return failed("tls-failed", "the handshake timed out");
    if (shaken !== undefined || helo === undefined) return shaken;
    const dialogue = new SmtpDialogue(denoLink(current), { budget, helo });
    const fault = await dialogue.helloAgain();
    await dialogue.quit();
    return fault;
  } finally {
    close();
  }

  async function shakeHands(): Promise<TlsFault | undefined> {
    try {
      const session = await Deno.startTls(conn, {
        hostname: target.host,
        caCerts: [...(caCerts ?? [])],
      });
      current = session;
      await session.handshake();
      return undefined;
    } catch (error) {
      return tlsFailure(error);
    }
  }
}

function tlsFailure(error: unknown): TlsFault {
  const text = messageOf(error);
  const { reason, detail } = classifyFetchError(error);
  if (reason.startsWith("certificate-")) return failed(reason as TlsFault["id"], detail);
  const old = /ProtocolVersion|peer is incompatible/.test(text);
  return failed(old ? "tls-version" : "tls-failed", detail);
}

function failed(id: TlsFault["id"], detail: string): TlsFault {
  return { kind: "failed", id, detail };
}
