/**
 * `report key DOMAIN`: makes the DKIM key for report mail, and prints its record.
 *
 * @module
 */

import { messageOf } from "../base/error_text.ts";
import { UsageError } from "../config/usage_error.ts";
import { dkimName, dkimRecord, makeDkimKey, readDkimKey } from "../mail/dkim_key.ts";
import { mailDomain } from "../mail/address.ts";
import { toDomainName } from "../sts/domain.ts";
import type { CommandArgs, Io } from "./command.ts";
import { readConfig } from "./read_config.ts";

/** Where there is none in the configuration. */
const DEFAULT_SELECTOR = "tlsrpt";

/** Characters of one character-string of a TXT record (RFC 1035 §3.3.14). */
const STRINGS = /.{1,255}/g;

/** Runs the command. @returns The exit status. */
export async function run(args: CommandArgs, io: Io): Promise<number> {
  const [operand = ""] = args.operands;
  const domain = toDomainName(operand);
  if (domain === undefined) throw new UsageError(`not a domain: '${operand}'`);
  const { config } = readConfig(args.value("config"), io);
  const { dkim, contact } = config.report;
  const file = args.value("file") ?? dkim.keyFile;
  if (file === undefined) {
    throw new UsageError("no file for the key", {
      hint: "name one with '--file', and in 'report.dkim.key_file'",
    });
  }
  const selector = args.value("selector") ?? dkim.selector ?? DEFAULT_SELECTOR;
  if (!/^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/.test(selector)) {
    throw new UsageError(`not a selector: '${selector}'`, {
      hint: "letters, digits and hyphens, such as tlsrpt",
    });
  }
  if (contact !== undefined && mailDomain(contact) !== domain) {
    io.err(`note: report.contact is at ${mailDomain(contact)}: that domain signs`);
  }
  const isNew = await writeKey(file, args.flag("ed25519") ? "ed25519" : "rsa");
  io.err(isNew ? `made ${file}` : `${file} is there already: its record is`);
  const record = dkimRecord(await readKey(file));
  const strings = (record.match(STRINGS) ?? []).map((text) => `"${text}"`);
  io.out(`${dkimName(selector, domain)}. IN TXT ( ${strings.join("\n    ")} )\n`);
  return 0;
}

/** @returns Whether there was none. */
async function writeKey(file: string, type: "rsa" | "ed25519"): Promise<boolean> {
  try {
    await Deno.lstat(file);
    return false;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const pem = await makeDkimKey(type);
  try {
    await Deno.writeTextFile(file, pem, { createNew: true, mode: 0o600 });
  } catch (error) {
    throw new Error(`cannot write ${file}: ${messageOf(error)}`);
  }
  return true;
}

async function readKey(file: string) {
  try {
    return await readDkimKey(await Deno.readTextFile(file));
  } catch (error) {
    throw new Error(`${file}: ${messageOf(error)}`);
  }
}
