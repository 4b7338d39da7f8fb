/**
 * The connection to the operator's mail server, and the key that signs what goes over it.
 *
 * @module
 */

import { messageOf } from "../base/error_text.ts";
import { quoteText } from "../base/quote_text.ts";
import type { Clock } from "../base/clock.ts";
import type { Config } from "../config/types.ts";
import type { Opened } from "../deliver/mailer.ts";
import { mailDomain } from "../mail/address.ts";
import type { Message } from "../mail/compose.ts";
import { type DkimKey, readDkimKey } from "../mail/dkim_key.ts";
import { signMessage } from "../mail/dkim_sign.ts";
import { addressLiteral, denoLink } from "../mail/link.ts";

/** How long connecting may take, ms. */
const CONNECT_MS = 10_000;

/** Enough of an error of the operating system, UTF-16 units. */
const QUOTE_MAX_LENGTH = 160;

/** A file with a key is no larger, octets. */
const KEY_MAX_OCTETS = 16_384;

/** Who signs. */
export interface DkimSigner {
  readonly key: DkimKey;
  readonly selector: string;
  /** The domain of `report.contact`. */
  readonly domain: string;
}

/** Why no mail is sent, in one line; `undefined` if it is. */
export function whyNoMail({ report }: Config): string | undefined {
  if (report.smtp === "off") return "report.smtp is off";
  const { milter, selector, keyFile } = report.dkim;
  if (milter) return undefined;
  return selector === undefined || keyFile === undefined
    ? "mail would not be signed: report.dkim has neither selector and key_file nor milter"
    : undefined;
}

/**
 * Reads the key that signs.
 *
 * @returns `undefined` if the mail server signs, or nobody.
 * @throws {Error} With one line, if the file is not there or has no key.
 */
export async function readSigner({ report }: Config): Promise<DkimSigner | undefined> {
  const { milter, selector, keyFile } = report.dkim;
  if (milter || selector === undefined || keyFile === undefined) return undefined;
  try {
    const { size } = await Deno.stat(keyFile);
    if (size > KEY_MAX_OCTETS) throw new Error("the file is too large for a key");
    const key = await readDkimKey(await Deno.readTextFile(keyFile));
    return { key, selector, domain: mailDomain(report.contact ?? "") };
  } catch (error) {
    throw new Error(`report.dkim.key_file: ${keyFile}: ${messageOf(error)}`);
  }
}

/** Connects to the mail server. Never rejects. */
export async function openMailServer(
  config: Config,
  { clock }: { readonly clock: Clock },
): Promise<Opened> {
  const { smtp } = config.report;
  const reason = whyNoMail(config);
  if (smtp === "off" || reason !== undefined) return { kind: "failed", error: reason ?? "off" };
  const controller = new AbortController();
  const cancelTimer = clock.setTimer(() => controller.abort("no connection"), CONNECT_MS);
  try {
    const signer = await readSigner(config);
    const { hostname, port } = smtp;
    const conn = await Deno.connect({ hostname, port, signal: controller.signal });
    conn.setNoDelay(true);
    return {
      kind: "open",
      link: denoLink(conn),
      helo: addressLiteral(conn.localAddr.hostname),
      sign: (message: Message) =>
        signer === undefined
          ? Promise.resolve(message)
          : signMessage(message, { ...signer, time: clock.now() }),
    };
  } catch (error) {
    const text = controller.signal.aborted ? "no connection within 10 s" : messageOf(error);
    return { kind: "failed", error: quoteText(text, QUOTE_MAX_LENGTH) };
  } finally {
    cancelTimer();
  }
}
