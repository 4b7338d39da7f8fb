/**
 * Turns the configuration of tlsrpt-reporter into our keys, for `config convert`: collectd.cfg and reportd.cfg, or one
 * file with the sections of both.
 *
 * Its databases are never opened. What it does with scripts (curl, sendmail) this program does itself.
 *
 * @module
 */

import { isAbsolutePath, isSocketPath } from "../base/address.ts";
import type { Document } from "./document.ts";
import type { ConfigNote } from "./types.ts";

/** A section of the file, by its keys. */
type Section = ReadonlyMap<string, string>;

const SECTION = /^\[tlsrpt_(?:collectd|fetcher|reportd)\]$/m;

/** Its words for levels of the log, and ours. */
const LEVELS: Readonly<Record<string, string>> = {
  debug: "debug",
  info: "info",
  warn: "warn",
  warning: "warn",
  error: "error",
  critical: "error",
};

/** Days to keep, and seconds over which reports are spread: our bounds. */
const KEEP_DAYS = [2, 400] as const;
const WINDOW = [0, 43_200] as const;

/** What becomes of keys that have no meaning here. */
const IGNORED: Readonly<Record<string, string>> = {
  storage: "is not read: counts are kept in our own file, see report.file",
  dbname: "is not read: counts are kept in our own file, see report.file",
  fetchers: "has no effect: one daemon collects and delivers",
  socketuser:
    "has no effect: the socket belongs to the user of the daemon, or as the socket unit says",
  socketgroup:
    "has no effect: the socket belongs to the user of the daemon, or as the socket unit says",
  sender_address: "has no effect: report.contact is the sender",
  http_script: "has no effect: reports are posted without a script",
  sendmail_script: "has no effect: mail goes to report.smtp",
  daily_rollover_script: "has no effect: no script is run",
  tlsrpt_record_map: "has no effect: see report.exclude and report.deny_recipients",
  mail_destination_map: "has no effect: see report.exclude and report.deny_recipients",
  http_upload_map: "has no effect: see report.exclude and report.deny_recipients",
  debug_send_mail_dest: "has no effect",
  debug_send_http_dest: "has no effect",
  debug_send_file_dest: "has no effect: see report show",
  logfilename: "has no effect: the log goes to standard error",
};

/** Whether a text is a configuration of tlsrpt-reporter. */
export function isTlsrptReporter(text: string): boolean {
  return SECTION.test(text);
}

/**
 * Turns the other program's keys into ours.
 *
 * @returns A document of our keys, and remarks for the operator. Never throws: what is not understood is a remark.
 */
export function translateTlsrptReporter(text: string): { document: Document; notes: ConfigNote[] } {
  const sections = readSections(text);
  const notes: ConfigNote[] = [];
  const collectd = sections.get("tlsrpt_collectd") ?? new Map();
  const reportd = sections.get("tlsrpt_reportd") ?? new Map();
  const report: Record<string, unknown> = {
    ...readCollectd(collectd, notes),
    ...readReportd(reportd, notes),
  };
  for (const [name, section] of sections) {
    for (const key of section.keys()) {
      const remark = IGNORED[key];
      if (remark !== undefined) notes.push({ path: `${name}.${key}`, text: remark });
    }
  }
  const level = LEVELS[collectd.get("log_level") ?? reportd.get("log_level") ?? ""];
  return { document: { report, ...(level !== undefined && { log: { level } }) }, notes };
}

function readCollectd(section: Section, notes: ConfigNote[]): Record<string, unknown> {
  const path = section.get("socketname");
  const mode = section.get("socketmode");
  const report: Record<string, unknown> = {};
  if (path !== undefined && isAbsolutePath(path) && isSocketPath(path)) {
    report.collect = `unix:${path}`;
  } else if (path !== undefined && path !== "") {
    notes.push({
      path: "tlsrpt_collectd.socketname",
      text: "is not an absolute path: set report.collect",
    });
  }
  if (mode !== undefined && /^0?[67][0-7]{2}$/.test(mode)) {
    report.socket_mode = mode.padStart(4, "0");
  } else if (mode !== undefined && mode !== "") {
    const text =
      "is left out: the daemon needs to read and write its socket, see report.socket_mode";
    notes.push({ path: "tlsrpt_collectd.socketmode", text });
  }
  return report;
}

function readReportd(section: Section, notes: ConfigNote[]): Record<string, unknown> {
  const report: Record<string, unknown> = {};
  const organization = section.get("organization_name");
  const contact = section.get("contact_info");
  if (organization !== undefined && organization !== "") report.organization = organization;
  if (contact !== undefined && /^[^@\p{C}\p{Z}]+@[^@\p{C}\p{Z}]+$/u.test(contact)) {
    report.contact = contact;
  } else if (contact !== undefined && contact !== "") {
    notes.push({
      path: "tlsrpt_reportd.contact_info",
      text: "is not a mail address: set report.contact",
    });
  }
  for (
    const [key, name, [min, max]] of [
      ["keep_days", "keep_days", KEEP_DAYS],
      ["spread_out_delivery", "window", WINDOW],
    ] as const
  ) {
    const given = section.get(key);
    if (given === undefined || !/^[0-9]{1,9}$/.test(given)) continue;
    const value = parseInt(given, 10);
    report[name] = Math.min(Math.max(value, min), max);
    if (report[name] === value) continue;
    notes.push({
      path: `tlsrpt_reportd.${key}`,
      text: `is out of bounds, ${report[name]} is used`,
    });
  }
  return report;
}

/** Sections of an INI file, as Python's configparser reads it, without interpolation and continued lines. */
function readSections(text: string): Map<string, Map<string, string>> {
  const sections = new Map<string, Map<string, string>>();
  let section = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const [, name] = /^\[([^\]]+)\]/.exec(line) ?? [];
    if (name !== undefined) {
      section = sections.get(name) ?? new Map();
      sections.set(name, section);
      continue;
    }
    const [, key, value] = /^([A-Za-z_][A-Za-z0-9_]*)[ \t]*[=:](.*)$/.exec(line) ?? [];
    if (key !== undefined && value !== undefined) section.set(key.toLowerCase(), value.trim());
  }
  return sections;
}
