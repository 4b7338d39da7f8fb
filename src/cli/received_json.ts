/**
 * A received report as JSON, described by docs/received-report.schema.json.
 *
 * @module
 */

import { escapeInvisible } from "../base/quote_text.ts";
import { DEVIATION_KINDS, type DeviationKind } from "../tlsrpt/deviation.ts";
import { explainFailure } from "../tlsrpt/explain.ts";
import type { ReceivedPolicy, ReceivedReport } from "../tlsrpt/received.ts";
import { nameDomain } from "../tlsrpt/advice.ts";
import { remedyOf } from "./report_advice.ts";
import type { ReceivedFile } from "./received_file.ts";

/** One line with its line end. */
export function formatReceivedJson(received: ReceivedFile): string {
  return `${escapeInvisible(JSON.stringify(toJson(received)))}\n`;
}

function toJson(received: ReceivedFile) {
  const { file, mail } = received;
  if (received.kind === "refused") {
    const { fault, text } = received;
    return { file, mail, refused: { fault, text } };
  }
  return {
    file,
    container: received.kind,
    mail,
    report: reportOf(received.report),
    deviations: received.deviations.map(({ code, count, place }) => {
      const { text, rule }: DeviationKind = DEVIATION_KINDS[code];
      return { code, text, rule, count, place: place === "" ? undefined : place };
    }),
  };
}

function reportOf({ organization, contact, reportId, range, policies }: ReceivedReport) {
  return {
    organization,
    contact,
    report_id: reportId,
    begin: range && formatTime(range.begin),
    end: range && formatTime(range.end),
    policies: policies.map(policyOf),
  };
}

function policyOf({ type, domain, strings, mxHosts, successful, failed, details }: ReceivedPolicy) {
  return {
    type,
    domain,
    text: strings,
    mx_hosts: mxHosts,
    successful,
    failed,
    failures: details.map((detail) => {
      const { meaning, advice } = explainFailure({ ...detail, policy: type });
      return {
        result: detail.result,
        written: detail.written,
        count: detail.count,
        reason: detail.reason,
        mx_host: detail.mxHost,
        mx_helo: detail.mxHelo,
        receiving_ip: detail.receivingIp,
        sending_ip: detail.sendingIp,
        additional: detail.additional,
        meaning: nameDomain(meaning, domain),
        advice,
        remedy: remedyOf(advice, domain),
      };
    }),
  };
}

function formatTime(time: number): string {
  return `${new Date(time).toISOString().slice(0, "2026-11-27T00:00:00".length)}Z`;
}
