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
import { CONFIG_OPTION, PROGRAM } from "./command.ts";
import type { Command, CommandArgs, Io } from "./command.ts";
import { readConfig } from "./read_config.ts";

/** Where there is none in the configuration. */
const DEFAULT_SELECTOR = "tlsrpt";

/** Characters of one character-string of a TXT record (RFC 1035 §3.3.14). */
const STRINGS = /.{1,255}/g;

export const reportKeyCommand: Command = {
  name: "report key",
  operands: "DOMAIN",
  arity: [1, 1],
  summary: "Make a DKIM key for report mail, and print its DNS record",
  description: [
    "Makes a key in FILE, by default that of 'report.dkim.key_file', and prints the record to publish.",
    "If FILE exists, keeps it and prints its record. DOMAIN is the domain of 'report.contact'.",
  ],
  options: [
    CONFIG_OPTION,
    { name: "file", value: "FILE", text: "Where the key is or will be" },
    { name: "selector", value: "NAME", text: "Selector (default that of the configuration)" },
    {
      name: "ed25519",
      text: "Make an Ed25519 key instead of RSA; not every receiver knows these",
    },
  ],
  exits: [
    [0, "printed"],
    [2, "wrong arguments or configuration"],
    [3, "the file cannot be written, or has no key"],
  ],
  examples: [[
    `${PROGRAM} report key example.com --file /etc/mta-sts-resolver/dkim.pem`,
    "Make the key for example.com",
  ]],
  run,
};

async function run(args: CommandArgs, io: Io): Promise<number> {
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
