/**
 * Runs a check in the real world: network, clock, files, and a line of progress.
 *
 * @module
 */

import { checkDomains, type Progress } from "../check/check.ts";
import { formatMemory, type Memory, parseMemory } from "../check/memory.ts";
import type { DomainReport } from "../check/report.ts";
import { createTlsProbe } from "../check/tls_probe.ts";
import { closest } from "../config/suggest.ts";
import { UsageError } from "../config/usage_error.ts";
import { createAddressGuard } from "../base/address_guard.ts";
import { createLog } from "../base/log.ts";
import { createMetrics } from "../base/metrics.ts";
import { createClock } from "../base/clock.ts";
import type { CheckSettings } from "./check_settings.ts";
import { openNetwork } from "../daemon/network.ts";
import { createFiles } from "../publish/files.ts";

/** A memory of thousands of domains; what is larger is some other file, bytes. */
const MEMORY_MAX_BYTES = 4 * 1024 * 1024;

/** Checks the domains of the settings. @throws {UsageError} If the trust roots cannot be read. */
export async function runCheck(
  settings: CheckSettings,
  memory: Memory,
): Promise<readonly DomainReport[]> {
  const { config, domains, timeout } = settings;
  const clock = createClock();
  // What there is to say is in the report; only faults of the program are worth a line.
  const log = createLog({ level: "error", format: "text" });
  const network = await openNetwork(config, { log, metrics: createMetrics(), clock });
  const progress = settings.progress && Deno.stderr.isTerminal()
    ? createProgressLine(domains.length)
    : undefined;
  try {
    return await checkDomains(domains, {
      ...settings,
      // Behind a proxy there is no other way to policy hosts.
      directHttps: config.https.proxy === undefined,
      clock,
      memory,
      suggest: closest,
      effects: {
        ...network,
        probeTls: createTlsProbe({ clock, timeout }),
        guard: createAddressGuard(config.https.allowPrivate),
      },
      ...(progress && { onProgress: progress.show }),
    });
  } finally {
    progress?.end();
    network.close();
  }
}

/** A line on standard error that is written over and over, and gone in the end. */
function createProgressLine(total: number): { show(progress: Progress): void; end(): void } {
  const write = (text: string) => Deno.stderr.writeSync(new TextEncoder().encode(text));
  return {
    show({ tried, known, domains }) {
      const whole = total === 1 ? "" : `, ${domains} of ${total} domains`;
      write(`\r\x1b[K${tried} of ${known} addresses tried${whole}`);
    },
    end: () => void write("\r\x1b[K"),
  };
}

/** Reads the memory of the last run; empty if there was none. @throws {UsageError} If the file is no such memory. */
export async function loadMemory(file: string): Promise<Memory> {
  const read = await createFiles().read(file, MEMORY_MAX_BYTES);
  if (read.kind === "absent") return new Map();
  if (read.kind === "failed") throw new UsageError(read.detail);
  try {
    return parseMemory(new TextDecoder().decode(read.bytes));
  } catch {
    throw new UsageError(`${file} is not from 'check --since'`, {
      hint: "name another file, or remove this one",
    });
  }
}

/** Keeps what was seen for the next run; domains that were not checked this time stay. */
export async function saveMemory(
  file: string,
  { memory, reports }: { memory: Memory; reports: readonly DomainReport[] },
): Promise<void> {
  const next = new Map(memory);
  // Where nothing could be seen, the last memory is still the best.
  for (const { domain, undecided, remembered } of reports) {
    if (!undecided) next.set(domain, remembered);
  }
  await saveFile(file, formatMemory(next));
}

/** Writes a file as a whole. @throws {UsageError} If it cannot be written. */
export async function saveFile(file: string, text: string): Promise<void> {
  const written = await createFiles().write(file, new TextEncoder().encode(text));
  if (written.kind === "failed") throw new UsageError(written.detail);
}
