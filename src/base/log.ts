/**
 * The log: one line for each event, as text or as JSON, written to standard error at once.
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
import { writeAllSync } from "./connection.ts";
import { cutText, escapeInvisible, MAX_VALUE_CHARS, quoteRemote } from "./quote_text.ts";

/** A value in a log line. The log quotes and cuts text, so remote text may be handed over as it is. */
export type LogValue = string | number | boolean | undefined;

/** Severity, from chatty to grave. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** Writes one event: a short constant text in lower case ("policy changed"), and all that varies as fields. */
export type WriteEvent = (event: string, fields?: Record<string, LogValue>) => void;

/** The log, with one method for each level. An event is never built from remote text. */
export interface Log {
  /** For one query or question, with its result and duration. */
  readonly debug: WriteEvent;
  /** For a change of a policy, and for start and stop. */
  readonly info: WriteEvent;
  /** For what the operator should look at. */
  readonly warn: WriteEvent;
  /** For our own faults. */
  readonly error: WriteEvent;
  /** Whether lines of this level are written, to save work on hot paths. */
  enabled(level: LogLevel): boolean;
}

/** Our levels as LogTape, a text line and the journal (sd-daemon(3)) name them. */
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
  /** How a line is laid out. */
  readonly format: "text" | "json";
  /**
   * Lines begin with a priority such as `<4>`, and text lines leave the time to the journal.
   * @default false
   */
  readonly journal?: boolean;
  /** Takes one line, its newline included. The default writes to standard error before it returns. */
  readonly write?: (line: string) => void;
  /** Wall clock for the time stamp, ms since the epoch. */
  readonly now?: () => number;
}

/**
 * Creates a log.
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
  const formatter = format === "json" ? createJsonFormatter(journal) : createTextFormatter(journal);

  function enabled(level: LogLevel): boolean {
    return compareLogLevel(LEVELS[level].tape, LEVELS[lowest].tape) >= 0;
  }

  function writer(level: LogLevel): WriteEvent {
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

/** A log whose level and format can change. */
export interface AdjustableLog extends Log {
  /** Changes level and format, from the next line on. */
  adjust(settings: Pick<LogOptions, "level" | "format">): void;
}

/** Creates a log as {@link createLog} does, whose level and format can change. */
export function createAdjustableLog(options: LogOptions): AdjustableLog {
  let log = createLog(options);
  return {
    debug: (event, fields) => log.debug(event, fields),
    info: (event, fields) => log.info(event, fields),
    warn: (event, fields) => log.warn(event, fields),
    error: (event, fields) => log.error(event, fields),
    enabled: (level) => log.enabled(level),
    adjust(settings): void {
      log = createLog({ ...options, ...settings });
    },
  };
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

/** A priority in front is for the journal, which takes it off. */
function createJsonFormatter(journal: boolean): TextFormatter {
  const levels = new Map(Object.values(LEVELS).map((level) => [level.tape, level]));
  return journal
    ? (record) => `<${levels.get(record.level)!.priority}>${formatJson(record)}`
    : formatJson;
}

const formatJson: TextFormatter = (record) => {
  const { timestamp, level, rawMessage, properties } = record;
  const head = {
    time: new Date(timestamp).toISOString(),
    level: level === "warning" ? "warn" : level,
    event: rawMessage,
  };
  // The first spread puts the head first; the second makes it win over a field of the same name.
  const line = JSON.stringify({ ...head, ...properties, ...head }, (_name, value: LogValue) => {
    return typeof value === "string" ? cutText(value, MAX_VALUE_CHARS) : value;
  });
  return escapeInvisible(line) + "\n";
};

/** Every line is out before the call returns, so nothing is lost at exit. */
function writeToStderr(line: string): void {
  try {
    writeAllSync(Deno.stderr, new TextEncoder().encode(line));
  } catch {
    // The daemon answers on even if nobody reads the log any more (EPIPE, full pipe).
  }
}
