/**
 * The mail with a report for `report show --mail`: as it would be sent now, but nothing is sent.
 *
 * @module
 */

import { quoteRemote } from "../base/quote_text.ts";
import type { Clock } from "../base/clock.ts";
import type { Config } from "../config/types.ts";
import { readSigner, whyNoMail } from "../daemon/report_mailer.ts";
import { judgeUri } from "../deliver/destinations.ts";
import { type NoReport, planReport } from "../deliver/planner.ts";
import { composeReportMail } from "../deliver/report_mail.ts";
import type { DnsClient } from "../dns/types.ts";
import { formatMessage } from "../mail/compose.ts";
import { signMessage } from "../mail/dkim_sign.ts";
import type { CountedReport } from "../reports/types.ts";

/** The mail, or why there is none. All texts are one line each, fit to print. */
export type ShownMail =
  | {
    readonly kind: "mail";
    /** Lines end in CRLF. */
    readonly text: string;
    /** What differs from a mail that is sent, and who else gets it. */
    readonly notes: readonly string[];
  }
  | { readonly kind: "none"; readonly reason: string };

const REASONS: Readonly<Record<NoReport, string>> = {
  excluded: "report.exclude names it",
  "no-record": "it has no TLSRPT record with a URI",
  "only-reports": "nothing but reports was sent to it",
  "nothing-counted": "nothing was counted",
};

/**
 * Composes the mail to the first address in the TLSRPT record, and signs it if there is a key. Where no mail is sent
 * because nobody signs, the mail is composed all the same, with a note.
 *
 * @throws {Error} With one line, if the key cannot be read.
 */
export async function composeShownMail(
  counted: CountedReport,
  { config, lookup, clock }: {
    readonly config: Config;
    readonly lookup: DnsClient["lookup"];
    readonly clock: Pick<Clock, "now">;
  },
): Promise<ShownMail> {
  const { exclude, denyRecipients, https } = config.report;
  const rules = { exclude, denyRecipients, https, noMail: undefined };
  const { report } = counted;
  const { domain } = report;
  const plan = await planReport({ domain, counted, mails: 0, rules, lookup });
  if (plan.kind === "none") return { kind: "none", reason: REASONS[plan.reason] };
  if (plan.kind === "failed") return { kind: "none", reason: plan.error };
  const found = plan.uris.map((uri) => ({ uri, destination: judgeUri(uri, rules) }));
  const [first, ...others] = found.flatMap(({ destination }) =>
    destination.kind === "mailto" ? [destination.address] : []
  );
  const refused = found.flatMap(({ uri, destination }) =>
    destination.kind === "invalid" ? [`${quoteRemote(uri)}: ${destination.reason}`] : []
  );
  if (first === undefined) {
    return { kind: "none", reason: refused[0] ?? "its TLSRPT record has no mailto URI" };
  }
  const time = clock.now();
  const message = composeReportMail(report, { to: first, time });
  const signer = await readSigner(config);
  const signed = signer === undefined ? message : await signMessage(message, { ...signer, time });
  const whyNot = whyNoMail(config);
  const notes = [
    ...(whyNot === undefined ? [] : [`no mail is sent: ${whyNot}`]),
    ...(config.report.dkim.milter ? ["the mail server adds the signature"] : []),
    ...others.map((address) => `${address} gets the report too`),
    ...refused,
  ];
  return { kind: "mail", text: formatMessage(signed), notes };
}
