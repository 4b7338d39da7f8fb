/**
 * `report import FILE…`: reports of others judged and put into the store, from files, old mailboxes, or a mail that
 * Postfix's pipe(8) hands over.
 *
 * @module
 */

import { createClock } from "../base/clock.ts";
import { messageOf } from "../base/error_text.ts";
import { createLog } from "../base/log.ts";
import { createMetrics } from "../base/metrics.ts";
import type { Config } from "../config/types.ts";
import { UsageError } from "../config/usage_error.ts";
import { createDnsClient } from "../dns/client.ts";
import type { DnsClient } from "../dns/types.ts";
import type { KeyLookup } from "../mail/dkim_verify.ts";
import { type Admit, createAdmission } from "../receive/admission.ts";
import { createKeyLookup } from "../receive/key_lookup.ts";
import { createReceivedStore } from "../receive/received_store.ts";
import type { Arrival, ReceivedStore } from "../receive/types.ts";
import { checkDirectory } from "../sqlite/file_path.ts";
import { PROGRAM } from "./command.ts";
import type { CommandArgs, Io } from "./command.ts";
import { type Decision, formatDecision, formatDecisionJson, Totals } from "./import_text.ts";
import { readSources, type Source, STANDARD_INPUT } from "./import_sources.ts";
import { readConfig } from "./read_config.ts";
import { receivedFileOf } from "./received_view.ts";

/** Something was refused. Never for standard input: pipe(8) would send the mail back to the reporter. */
const EXIT_REFUSED = 1;

/** A file could not be read. */
const EXIT_UNREADABLE = 3;

/** EX_TEMPFAIL of sysexits(3): pipe(8) keeps the mail in the queue, and tries again. */
const EXIT_TEMPFAIL = 75;

/** Reports after which the store is flushed: that takes a moment, in which a daemon on the same file waits. */
const FLUSH_REPORTS = 500;

/** DKIM keys that are remembered for the length of the command; senders have a few. */
const MAX_KEYS = 1000;

/** Runs the command. @returns The exit status. */
export async function run(args: CommandArgs, io: Io): Promise<number> {
  const { operands } = args;
  if (!operands.includes(STANDARD_INPUT)) return await importAll(args, io);
  if (operands.length > 1) throw new UsageError("'-' cannot be given together with files");
  try {
    const exit = await importAll(args, io);
    return exit === 0 || exit === EXIT_REFUSED ? 0 : EXIT_TEMPFAIL;
  } catch (error) {
    // A mistake in the configuration must not send reports back to those who wrote them.
    io.err(`${PROGRAM}: ${messageOf(error)}`);
    return EXIT_TEMPFAIL;
  }
}

async function importAll(args: CommandArgs, io: Io): Promise<number> {
  const { config } = readConfig(args.value("config"), io);
  if (config.received.domains.length === 0) {
    throw new UsageError("no domains to import reports for", {
      hint: "name yours in 'received.domains'",
    });
  }
  const store = openStore(config, io);
  const dns = openDns(config);
  try {
    const admit = createAdmission({
      rules: () => config.received,
      lookupKey: rememberKeys(createKeyLookup(dns)),
      arrivals: store.arrivals.bind(store),
      now: Date.now,
    });
    return await importSources(args, { io, admit, store });
  } finally {
    dns.close();
    store.close();
  }
}

/** Everything that is done with each report. */
interface Importing {
  readonly io: Io;
  readonly admit: Admit;
  readonly store: ReceivedStore;
}

async function importSources(args: CommandArgs, importing: Importing): Promise<number> {
  const { io } = importing;
  const isJson = args.flag("json");
  const totals = new Totals();
  let reports = 0;
  for await (const source of readSources(args.operands, { now: Date.now })) {
    const decision = await decide(source, importing);
    totals.add(decision);
    if (++reports % FLUSH_REPORTS === 0) importing.store.flush();
    io.out(
      isJson ? formatDecisionJson(source.name, decision) : formatDecision(source.name, decision),
    );
  }
  if (!isJson && !args.operands.includes(STANDARD_INPUT)) io.out(totals.format());
  if (totals.of("later") + totals.of("full") > 0) return EXIT_TEMPFAIL;
  if (totals.of("unreadable") > 0) return EXIT_UNREADABLE;
  return totals.of("refused") > 0 ? EXIT_REFUSED : 0;
}

async function decide(source: Source, importing: Importing): Promise<Decision> {
  if (source.kind === "failed") return { kind: "unreadable", text: source.error };
  if (source.kind === "too-large") {
    return { kind: "refused", refusal: "unreadable", text: "it is larger than 8 MiB" };
  }
  return await judge(source.arrival, importing);
}

async function judge(arrival: Arrival, { admit, store }: Importing): Promise<Decision> {
  const admission = await admit(arrival);
  if (admission.kind !== "admitted") return admission;
  const { report } = admission;
  const keeping = store.add(report);
  if (keeping !== "full") return { kind: keeping, report };
  return {
    kind: "full",
    text: store.error ?? "the file of received reports has reached its bound",
  };
}

/** @throws {UsageError} If others can write to the directory, or it belongs to another user: root is not the service. */
function openStore(config: Config, io: Io): ReceivedStore {
  const path = receivedFileOf(config, io);
  const danger = config.cache.allowUnsafeDirectory ? undefined : checkDirectory(path);
  if (danger !== undefined) {
    throw new UsageError(danger, {
      hint: "run this as the user of the service, or set 'cache.allow_unsafe_directory: true'",
    });
  }
  return createReceivedStore({
    path,
    log: createLog({ level: "warn", format: "text" }),
    metrics: createMetrics(),
    now: Date.now,
    keepDays: config.received.keepDays,
    allowUnsafeDirectory: config.cache.allowUnsafeDirectory,
  });
}

/** Without HTTPS and its trust roots, which nothing here needs. */
function openDns({ dns }: Config): DnsClient {
  const log = createLog({ level: "error", format: "text" });
  return createDnsClient({ ...dns, log, metrics: createMetrics(), clock: createClock() });
}

/** A mailbox has thousands of mails of a few senders. What failed is asked again. */
function rememberKeys(
  lookup: (name: string) => Promise<KeyLookup>,
): (name: string) => Promise<KeyLookup> {
  const known = new Map<string, KeyLookup>();
  return async (name) => {
    const remembered = known.get(name);
    if (remembered !== undefined) return remembered;
    const answer = await lookup(name);
    if (answer.kind !== "failed" && known.size < MAX_KEYS) known.set(name, answer);
    return answer;
  };
}
