/**
 * Reads the options of a cache of postfix-mta-sts-resolver, which it hands to a library unread: what is used is
 * checked, and all others are noted as without effect.
 *
 * @module
 */

import { formatFound } from "./found.ts";

/** Values for `cache.shared`, in the units of the file; only what the other file says. */
export interface SharedValues {
  url?: string;
  sentinels?: readonly string[];
  master_name?: string;
  database?: number;
  username?: string;
  password?: string;
  tls?: boolean;
  tls_ca?: string;
  tls_cert?: string;
  tls_key?: string;
  tls_verify?: "name" | "issuer" | "none";
  timeout?: number;
  old_entries: true;
}

/** What a translation came to. */
export interface SharedTranslation {
  readonly values: SharedValues;
  /** Below `cache.options`. */
  readonly notes: readonly { readonly option: string; readonly text: string }[];
  /** Each completes `cache.options.`. */
  readonly problems: readonly string[];
}

/** Options on their way: what was read of them, and what was found. */
export class OptionReading {
  readonly values: SharedValues = { old_entries: true };
  readonly notes: { readonly option: string; readonly text: string }[] = [];
  readonly problems: string[] = [];
  readonly #options: Readonly<Record<string, unknown>>;
  readonly #used = new Set<string>();

  /** @param options As YAML gave them. */
  constructor(options: Readonly<Record<string, unknown>>) {
    this.#options = options;
  }

  /** The value of an option that is used; null is none. */
  take(option: string): unknown {
    this.#used.add(option);
    return this.#options[option] ?? undefined;
  }

  /** An option that is text, or a number that stands for itself. */
  text(option: string, { isSecret = false } = {}): string | undefined {
    const value = this.take(option);
    if (value === undefined || typeof value === "string" && value !== "") return value;
    if (typeof value === "number") return String(value);
    this.refuse(option, "a text", isSecret ? undefined : value);
    return undefined;
  }

  /** An option that is a number, or text that is one. */
  number(option: string): number | undefined {
    const value = this.take(option);
    const number = typeof value === "string" && /^[0-9]{1,9}(?:\.[0-9]{1,9})?$/.test(value)
      ? parseFloat(value)
      : value;
    if (number === undefined || typeof number === "number" && number >= 0) return number;
    this.refuse(option, "a number", value);
    return undefined;
  }

  /** An option that is a switch. */
  flag(option: string): boolean | undefined {
    const value = this.take(option);
    if (value === undefined || typeof value === "boolean") return value;
    this.refuse(option, "true or false", value);
    return undefined;
  }

  /** Notes a mistake. @param allowed Completes "must be ...". */
  refuse(option: string, allowed: string, value?: unknown): void {
    const found = value === undefined ? "" : `, found ${formatFound(value)}`;
    this.problems.push(`${option}: must be ${allowed}${found}`);
  }

  /** Notes what happens to an option instead. */
  note(option: string, text: string): void {
    this.notes.push({ option, text });
  }

  /** Notes the options that nobody has taken. */
  end(): SharedTranslation {
    for (const option of Object.keys(this.#options)) {
      if (!this.#used.has(option)) this.note(option, "has no effect");
    }
    return this;
  }
}
