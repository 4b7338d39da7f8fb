/**
 * The log: one line for an event, as text or as JSON, written at once to standard error.
 *
 * Invariant: a line cannot be forged. Whatever a remote party puts into a field, the output
 * stays one line, shows no character that moves or hides text, and has a bounded length.
 *
 * LogTape supplies record, level order and text layout. Its registry of loggers and sinks is
 * not used: that is state of the whole process, and here every log is a value of its own.
 *
 * @module
 */

import {
  compareLogLevel,
  getTextFormatter,
  type LogLevel as TapeLevel,
  type TextFormatter,
} from "@logtape/logtape";
import type { Log, LogLevel, LogValue } from "./telemetry.ts";

/** Characters of one field value that are written; enough for a stack trace, little for a flood. */
export const MAX_VALUE_CHARS = 1000;

/** Values of these characters only are written without quotes. */
const BARE = /^[A-Za-z0-9._:/@+-]+$/;

/** Control, format (bidi), surrogate, unassigned and separator characters, all but the space. */
const INVISIBLE = /(?! )[\p{C}\p{Z}]/gu;

/** How our levels are called by LogTape, on a text line, and in the journal (sd-daemon(3)). */
const LEVELS: Record<LogLevel, { tape: TapeLevel; label: string; priority: number }> = {
  debug: { tape: "debug", label: "DEBUG", priority: 7 },
  info: { tape: "info", label: "INFO ", priority: 6 },
  warn: { tape: "warning", label: "WARN ", priority: 4 },
  error: { tape: "error", label: "ERROR", priority: 3 },
};

/** Options of {@link createLog}. */
export interface LogOptions {
  /** Lines below this level are not written. */
  readonly level: LogLevel;
  readonly format: "text" | "json";
  /**
   * Text lines begin with a priority such as `<4>` and leave the time to the journal.
   * @default false
   */
  readonly journal?: boolean;
  /** Takes one line, its newline included. The default writes to standard error before it returns. */
  readonly write?: (line: string) => void;
  /** Wall clock for the time stamp, ms since the epoch. */
  readonly now?: () => number;
}

/**
 * Makes a log.
 *
 * @example Text
 * ```text
 * 2026-01-01T00:00:00.000Z WARN  policy changed domain=example.com detail="now \"none\""
 * ```
 * @example JSON
 * ```text
 * {"time":"2026-01-01T00:00:00.000Z","level":"warn","event":"policy changed","domain":"example.com"}
 * ```
 * @returns The log; its methods never throw unless `write` does.
 */
export function createLog(options: LogOptions): Log {
  const { level: lowest, format, journal = false, write = writeToStderr, now = Date.now } = options;
  const formatter = format === "json" ? formatJson : createTextFormatter(journal);

  function enabled(level: LogLevel): boolean {
    return compareLogLevel(LEVELS[level].tape, LEVELS[lowest].tape) >= 0;
  }

  function writer(level: LogLevel): Log[LogLevel] {
    if (!enabled(level)) return () => {};
    return (event, properties = {}) =>
      write(formatter({
        category: [],
        level: LEVELS[level].tape,
        message: [event],
        rawMessage: event,
        timestamp: now(),
        properties,
      }));
  }

  return {
    debug: writer("debug"),
    info: writer("info"),
    warn: writer("warn"),
    error: writer("error"),
    enabled,
  };
}

/**
 * Writes foreign text so that it can stand inside a line of output: as it is when it consists of
 * harmless characters, else as a JSON string in which everything invisible is escaped.
 *
 * @param text Any text, lone surrogates included.
 * @param max UTF-16 code units that are kept; `…` stands for the rest.
 */
export function quoteRemote(text: string, max: number = MAX_VALUE_CHARS): string {
  const kept = cut(text, max);
  return BARE.test(kept) ? kept : escapeInvisible(JSON.stringify(kept));
}

function createTextFormatter(journal: boolean): TextFormatter {
  const levels = new Map(Object.values(LEVELS).map((level) => [level.tape, level]));
  return getTextFormatter({
    timestamp: journal ? "none" : "rfc3339",
    format({ timestamp, message, record }) {
      const { label, priority } = levels.get(record.level)!;
      let line = `${journal ? `<${priority}>` : `${timestamp} `}${label} ${message}`;
      for (const [name, value] of Object.entries(record.properties)) {
        if (value !== undefined) line += ` ${name}=${quoteRemote(String(value))}`;
      }
      return line;
    },
  });
}

const formatJson: TextFormatter = (record) => {
  const { timestamp, level, rawMessage, properties } = record;
  const head = {
    time: new Date(timestamp).toISOString(),
    level: level === "warning" ? "warn" : level,
    event: rawMessage,
  };
  // The head stands first, and last it wins over a field of the same name.
  const line = JSON.stringify({ ...head, ...properties, ...head }, (_name, value: LogValue) => {
    return typeof value === "string" ? cut(value, MAX_VALUE_CHARS) : value;
  });
  return escapeInvisible(line) + "\n";
};

function cut(text: string, max: number): string {
  return text.length <= max ? text : text.slice(0, max) + "…";
}

/** Outside its strings JSON has visible characters only, so that escapes may be put in afterwards. */
function escapeInvisible(json: string): string {
  return json.replaceAll(INVISIBLE, (character) => {
    let escaped = "";
    for (let i = 0; i < character.length; i++) {
      escaped += "\\u" + character.charCodeAt(i).toString(16).padStart(4, "0");
    }
    return escaped;
  });
}

/** Nothing is lost at exit, since every line is out before the call returns. */
function writeToStderr(line: string): void {
  let rest = new TextEncoder().encode(line);
  try {
    while (rest.length > 0) rest = rest.subarray(Deno.stderr.writeSync(rest));
  } catch {
    // A log that nobody reads any more (EPIPE, full pipe) is no reason to stop answering.
  }
}
