/**
 * Sending of reports in the report daemon: DNS, HTTPS and the mail server for the deliverer.
 *
 * Nothing of it exists before the configuration says who reports.
 *
 * @module
 */

import { messageOf } from "../base/error_text.ts";
import type { Config } from "../config/types.ts";
import { Deliverer } from "../deliver/deliverer.ts";
import type { DeliverySettings } from "../deliver/deliverer_options.ts";
import { Mailer } from "../deliver/mailer.ts";
import { REPORT_TYPE } from "../deliver/report_mail.ts";
import { describeDkim, watchDkim } from "./dkim_check.ts";
import { openReportNetwork, type ReportNetwork } from "./network.ts";
import type { ReportContext } from "./report_context.ts";
import { openMailServer, whyNoMail } from "./report_mailer.ts";

/** After a network that cannot be opened, say because there are no trust roots, ms. */
const REOPEN_MS = 60_000;

/** Sending as it stands. */
export interface Delivery {
  /** What is wrong with the DKIM key, in one line; `undefined` if nothing is, or as long as that is not known. */
  keyMistake(): string | undefined;
  /** Whether report mail is sent, and what is known of the DKIM key, in one line. */
  describeMail(): string;
  /** Ends it. A mail or POST under way is given up, and repeated after the next start. */
  close(): void;
}

/** Starts to send. Never throws: what is missing is warned of, and looked for again. */
export function startDelivery(context: ReportContext): Delivery {
  const { store, clock, config } = context;
  const mailer = new Mailer({ clock, open: () => openMailServer(config(), { clock }) });
  const network = new LazyNetwork(context);
  const deliverer = new Deliverer({
    ...context,
    queue: store,
    settings: () => network.open() === undefined ? undefined : settingsOf(config()),
    lookup: (name, type, options) => network.use().dns.lookup(name, type, options),
    mail: (mail) => mailer.send(mail),
    async post(url, body) {
      const result = await network.use().post({ url, type: REPORT_TYPE, body });
      if (result.kind === "answered") return result;
      const { detail, reason } = result;
      return { kind: "failed", isRefused: reason === "address-refused", detail };
    },
    random: Math.random,
  });
  deliverer.start();
  const dkim = watchDkim({
    ...context,
    lookup: () => network.open()?.dns.lookup,
    onMistake: (mistake) =>
      context.warnings.warn("dkim", "receivers will ignore report mail", {
        reason: describeDkim(mistake),
      }),
  });
  return {
    keyMistake: dkim.mistake,
    describeMail: () => whyNothing(config()) ?? dkim.describe(),
    close(): void {
      deliverer.stop();
      dkim.stop();
      mailer.abort();
      network.close();
    },
  };
}

/** What the operator wants; `undefined` as long as nobody reports. */
function settingsOf(config: Config): DeliverySettings | undefined {
  const { exclude, denyRecipients, https, perDestination } = config.report;
  return { exclude, denyRecipients, https, perDestination, noMail: whyNoMail(config) };
}

/** Why no report mail is sent, in one line; `undefined` if some is. */
export function whyNothing(config: Config): string | undefined {
  if (!sends(config)) return "nothing is sent without report.organization and report.contact";
  const reason = whyNoMail(config);
  return reason && `no report mail is sent: ${reason}`;
}

/** Whether the configuration says who reports. */
export function sends({ report }: Config): boolean {
  return report.organization !== undefined && report.contact !== undefined;
}

/** The network, opened when it is first needed. */
class LazyNetwork {
  readonly #context: ReportContext;
  #network: ReportNetwork | undefined;
  #isClosed = false;
  #tryAgainAt = 0;

  constructor(context: ReportContext) {
    this.#context = context;
  }

  /** @returns `undefined` as long as nothing is to be sent, or there is none yet. */
  open(): ReportNetwork | undefined {
    const { config, clock } = this.#context;
    if (!sends(config())) return undefined;
    if (this.#network === undefined && clock.now() >= this.#tryAgainAt) {
      this.#tryAgainAt = clock.now() + REOPEN_MS;
      void this.#begin();
    }
    return this.#network;
  }

  /** Only after {@link open} has given it. */
  use(): ReportNetwork {
    return this.#network!;
  }

  close(): void {
    this.#isClosed = true;
    this.#network?.close();
  }

  async #begin(): Promise<void> {
    const { config, warnings } = this.#context;
    try {
      const network = await openReportNetwork(config(), this.#context);
      if (this.#isClosed) network.close();
      else this.#network = network;
    } catch (error) {
      warnings.warn("network", "reports cannot be sent", { reason: messageOf(error) });
    }
  }
}
