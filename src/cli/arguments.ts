/**
 * What the `publish` commands have in common in their arguments.
 *
 * @module
 */

import { parseEndpoint } from "../base/address.ts";
import { UsageError } from "../config/usage_error.ts";
import { isPlainPath } from "../publish/web_snippets.ts";
import { toALabel } from "../sts/domain.ts";
import { parseMxPattern } from "../sts/mx_pattern.ts";
import { MAX_AGE_LIMIT } from "../sts/policy.ts";
import type { PolicyMode } from "../sts/policy.ts";
import type { CommandArgs, OptionSpec } from "./command.ts";

/** Where the policy file is. */
export const OUT_OPTION: OptionSpec = {
  name: "out",
  short: "o",
  value: "DIR",
  text: "Directory of the policy file DOMAIN.txt (default: here)",
};

export const MAX_AGE_OPTION: OptionSpec = {
  name: "max-age",
  value: "SECONDS",
  text: "How long senders keep the policy",
};

export const MX_OPTION: OptionSpec = {
  name: "mx",
  value: "PATTERN",
  many: true,
  text: "MX host, or *. and a name; once for each",
};

/** The domain of the command line. @throws {UsageError} If it is none that can have a policy. */
export function readDomain(args: CommandArgs): string {
  const [operand = ""] = args.operands;
  const domain = toALabel(operand);
  if (domain === undefined || !domain.includes(".")) {
    throw new UsageError(`not a domain: ${JSON.stringify(operand.slice(0, 80))}`);
  }
  return domain;
}

/** The absolute path of the policy file of a domain. @throws {UsageError} If no web server could be told it. */
export function policyFile(args: CommandArgs, domain: string): string {
  const directory = args.value("out") ?? ".";
  const base = directory.startsWith("/") ? directory : `${Deno.cwd()}/${directory}`;
  const file = `${base.replace(/(?:\/\.?)+$/, "")}/${domain}.txt`;
  if (!isPlainPath(file)) {
    throw new UsageError(`the path has characters that need quoting: ${JSON.stringify(file)}`);
  }
  return file;
}

/** The `--mode` of the command line. @throws {UsageError} If it is none of the allowed ones. */
export function readMode(
  args: CommandArgs,
  allowed: readonly PolicyMode[],
): PolicyMode | undefined {
  const text = args.value("mode");
  const mode = allowed.find((candidate) => candidate === text);
  if (text !== undefined && mode === undefined) {
    throw new UsageError(`--mode is one of ${allowed.join(", ")}: given '${text}'`);
  }
  return mode;
}

/** The `--max-age` of the command line. @throws {UsageError} If it is not within the limit. */
export function readMaxAge(args: CommandArgs): number | undefined {
  const seconds = readSeconds(args, "max-age");
  if (seconds !== undefined && seconds > MAX_AGE_LIMIT) {
    throw new UsageError(`--max-age is at most ${MAX_AGE_LIMIT} (RFC 8461 §3.2)`);
  }
  return seconds;
}

/** An option in whole seconds. @throws {UsageError} If it is not up to eight digits. */
export function readSeconds(args: CommandArgs, name: string): number | undefined {
  const text = args.value(name);
  if (text === undefined) return undefined;
  if (!/^[0-9]{1,8}$/.test(text)) throw new UsageError(`--${name} is a number of seconds`);
  return parseInt(text, 10);
}

/** The `--mx` patterns of the command line. @throws {UsageError} If one is invalid. */
export function readPatterns(args: CommandArgs): string[] {
  return args.values("mx").map((text) => {
    const pattern = parseMxPattern(text);
    if (pattern !== undefined) return pattern;
    throw new UsageError(`not a host name or *. and one: --mx ${JSON.stringify(text)}`);
  });
}

/** Addresses to listen on. @throws {UsageError} If one is no address and port. */
export function readAddresses(
  args: CommandArgs,
  name: string,
): { readonly hostname: string; readonly port: number }[] {
  return args.values(name).map((text) => {
    const endpoint = parseEndpoint(text);
    if (endpoint?.kind === "inet") return endpoint;
    throw new UsageError(`--${name} is an address such as 127.0.0.1:8080: given '${text}'`);
  });
}
