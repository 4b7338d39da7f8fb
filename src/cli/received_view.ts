/**
 * The file of received reports as the commands find it, and the domains whose reports are kept.
 *
 * @module
 */

import { defaultReceivedFile } from "../config/defaults.ts";
import type { Config } from "../config/types.ts";
import { UsageError } from "../config/usage_error.ts";
import { ReceivedFileView } from "../receive/received_file_view.ts";
import type { ReceivedView } from "../receive/types.ts";
import { isMissing } from "../sqlite/read_only.ts";
import type { Io } from "./command.ts";

/** The file of a configuration. @throws {UsageError} If there is none. */
export function receivedFileOf({ received }: Config, io: Pick<Io, "env">): string {
  const file = received.file ?? defaultReceivedFile(io.env);
  if (file !== undefined) return file;
  throw new UsageError("no file for received reports", { hint: "name one in 'received.file'" });
}

/**
 * Opens the file read-only, and closes it after `use`.
 *
 * @throws {UsageError} If the configuration names no file and there is no default.
 * @throws {Error} If there is no file, or it cannot be read; with one line for the operator.
 */
export function withReceivedView<Result>(
  config: Config,
  io: Pick<Io, "env">,
  { use }: { readonly use: (view: ReceivedView) => Result },
): Result {
  const path = receivedFileOf(config, io);
  if (isMissing(path)) {
    const hint = "'report receive' or 'report import' creates it";
    throw new Error(`cannot read ${path}: no report was received yet: ${hint}`);
  }
  const view = new ReceivedFileView(path);
  try {
    return use(view);
  } finally {
    view.close();
  }
}

/**
 * The domains that a command is about: the operands, else all that are configured or have counts.
 *
 * @throws {UsageError} If an operand is none of them.
 */
export function chooseDomains(
  operands: readonly string[],
  { config, view }: { readonly config: Config; readonly view: ReceivedView },
): string[] {
  const known = [...new Set([...config.received.domains, ...view.domains()])].toSorted();
  if (operands.length === 0) {
    if (known.length > 0) return known;
    throw new UsageError("no domain to summarize", { hint: "name yours in 'received.domains'" });
  }
  const wanted = operands.map((operand) => operand.toLowerCase().replace(/\.$/, ""));
  for (const domain of wanted) {
    if (known.includes(domain)) continue;
    const hint = known.length === 0
      ? "name it in 'received.domains'"
      : `known are ${known.slice(0, 10).join(", ")}${known.length > 10 ? " and others" : ""}`;
    throw new UsageError(`no reports are kept for ${JSON.stringify(domain)}`, { hint });
  }
  return [...new Set(wanted)];
}
