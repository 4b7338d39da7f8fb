/**
 * What `config check` says about TLS reports: whether the sockets and the file can be created, and what gets lost.
 *
 * @module
 */

import { dirname } from "node:path";
import { measureQueueLength, QUEUE_LENGTH_MIN } from "../collect/datagram_socket.ts";
import { defaultReportFile } from "../config/defaults.ts";
import type { Config } from "../config/types.ts";
import { checkDkim, describeDkim } from "../daemon/dkim_check.ts";
import { whyNoMail } from "../daemon/report_mailer.ts";
import type { DnsClient } from "../dns/types.ts";
import type { Io } from "./command.ts";
import { type ConfigFinding, fileFinding } from "./config_finding.ts";

/** The findings about the section `report`; none if nothing is collected. */
export async function reportFindings(
  config: Config,
  { env, lookup }: { readonly env: Io["env"]; readonly lookup: DnsClient["lookup"] },
): Promise<ConfigFinding[]> {
  const { report, cache, listen } = config;
  const { collect, feed, organization, contact } = report;
  if (collect === undefined && feed === undefined) return [];
  const findings: ConfigFinding[] = [];
  if (collect?.kind === "unix") findings.push(socketFinding("report.collect", collect.path));
  if (collect?.kind === "stdin") {
    const text = "standard input, as from mta-sts-resolver-report.socket";
    findings.push({ kind: "ok", subject: "report.collect", text });
  }
  if (feed?.kind === "unix") findings.push(socketFinding("report.feed", feed.path));
  else if (listen.length > 0) {
    const text = "is not set, so failures that only 'serve' sees are not counted";
    findings.push({ kind: "note", subject: "report.feed", text });
  }
  const file = report.file ?? defaultReportFile(env);
  findings.push(fileFinding("report.file", file, cache));
  if (organization === undefined || contact === undefined) {
    const text = "counts only: to send, it needs 'organization' and 'contact'";
    findings.push({ kind: "note", subject: "report", text });
  } else findings.push(await sendingFinding(config, lookup));
  return [...findings, ...await queueFindings()];
}

/** Whether mail can be sent, and will be believed. */
async function sendingFinding(
  config: Config,
  lookup: DnsClient["lookup"],
): Promise<ConfigFinding> {
  const subject = "report mail";
  const reason = whyNoMail(config);
  if (reason !== undefined) return { kind: "warning", subject, text: `none is sent: ${reason}` };
  const state = await checkDkim(config, { lookup });
  const isGood = state.kind === "published" || state.kind === "none";
  return { kind: isGood ? "ok" : "warning", subject, text: describeDkim(state) };
}

/** Whether the directory of a socket is there. */
function socketFinding(subject: string, path: string): ConfigFinding {
  const directory = dirname(path);
  try {
    if (Deno.statSync(directory).isDirectory) return { kind: "ok", subject, text: path };
    return { kind: "failed", subject, text: `${directory} is not a directory` };
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return { kind: "warning", subject, text: `there is no directory ${directory} now` };
  }
}

async function queueFindings(): Promise<ConfigFinding[]> {
  const length = await measureQueueLength();
  if (length === undefined || length >= QUEUE_LENGTH_MIN) return [];
  const text =
    `the kernel queues only ${length} datagrams for a socket, too few for a burst of mail: set net.unix.max_dgram_qlen=512 with sysctl`;
  return [{ kind: "warning", subject: "report.collect", text }];
}
