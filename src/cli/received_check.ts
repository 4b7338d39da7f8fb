/**
 * What `config check` says about received TLS reports: whether `report receive` would start, and what it would not find.
 *
 * @module
 */

import { createFiles } from "../base/files.ts";
import { createLog } from "../base/log.ts";
import { defaultReceivedFile } from "../config/defaults.ts";
import type { Config } from "../config/types.ts";
import { UsageError } from "../config/usage_error.ts";
import { checkReceiving } from "../daemon/receive_context.ts";
import { watchCertificate } from "../daemon/received_certificate.ts";
import type { Io } from "./command.ts";
import { type ConfigFinding, fileFinding } from "./config_finding.ts";

/** The findings about the section `received`; none if nothing is received. */
export async function receivedFindings(
  config: Config,
  { env }: Pick<Io, "env">,
): Promise<ConfigFinding[]> {
  const { domains, maildir, listen, certs, unsigned, file } = config.received;
  if (domains.length === 0 && maildir === undefined && listen.length === 0) return [];
  const findings: ConfigFinding[] = [
    fileFinding("received.file", file ?? defaultReceivedFile(env), config.cache),
    ...wayFindings(config),
  ];
  if (maildir !== undefined) findings.push(maildirFinding(maildir));
  if (listen.length > 0 && certs !== undefined) findings.push(await certificateFinding(certs));
  if (listen.length > 0 && unsigned === "refuse") {
    const text = "is 'refuse', so all posted reports are refused: they are never signed";
    findings.push({ kind: "warning", subject: "received.unsigned", text });
  }
  return findings;
}

/** Domains without a way for reports serve `report import` and `publish`. */
function wayFindings(config: Config): ConfigFinding[] {
  const subject = "received";
  const { domains, maildir, listen } = config.received;
  if (domains.length > 0 && maildir === undefined && listen.length === 0) {
    const text = "only 'report import' takes reports in: there is no 'maildir' and no 'listen'";
    return [{ kind: "note", subject, text }];
  }
  try {
    checkReceiving(config);
    return [];
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const text = `'report receive' would not start: ${error.message}`;
    return [{ kind: "failed", subject, text }];
  }
}

function maildirFinding(directory: string): ConfigFinding {
  const subject = "received.maildir";
  try {
    for (const name of ["new", "cur"]) {
      if (!Deno.statSync(`${directory}/${name}`).isDirectory) {
        return { kind: "failed", subject, text: `${directory}/${name} is not a directory` };
      }
    }
    return { kind: "ok", subject, text: directory };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      const text = `there is no Maildir ${directory} now; the first mail creates it`;
      return { kind: "warning", subject, text };
    }
    const text = `${directory} cannot be read by this user`;
    return { kind: "note", subject, text };
  }
}

async function certificateFinding(directory: string): Promise<ConfigFinding> {
  const subject = "received.certs";
  const log = createLog({ level: "error", format: "text" });
  const certificate = watchCertificate({ directory, files: createFiles(), log });
  await certificate.scan();
  const { error, notAfter } = certificate.state;
  if (error !== undefined) return { kind: "warning", subject, text: error };
  const day = new Date(notAfter ?? 0).toISOString().slice(0, 10);
  return { kind: "ok", subject, text: `${directory}, valid until ${day}` };
}
