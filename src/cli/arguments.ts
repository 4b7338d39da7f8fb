/**
 * The readers of operands and of the values of options.
 *
 * @module
 */

import { parseEndpoint, parseNameServer } from "../base/address.ts";
import { isCidr } from "../base/host.ts";
import { UsageError } from "../config/usage_error.ts";
import { createFiles } from "../base/files.ts";
import { isPlainPath } from "../publish/web_snippets.ts";
import { toALabel } from "../sts/domain.ts";
import { parseMxPattern } from "../sts/mx_pattern.ts";
import { MAX_AGE_LIMIT } from "../sts/policy.ts";
import type { PolicyMode } from "../sts/policy.ts";
import type { CommandArgs } from "./command.ts";

/** Characters of an argument that an error shows. */
const SHOWN_LENGTH = 80;

/** The domain in the only operand. @throws {UsageError} If it cannot have a policy. */
export function readDomain(args: CommandArgs): string {
  return toPolicyDomain(args.operands[0] ?? "");
}

/** The domains in the operands, each once. @throws {UsageError} If one cannot have a policy. */
export function readDomains(args: CommandArgs): string[] {
  return [...new Set(args.operands.map(toPolicyDomain))];
}

function toPolicyDomain(operand: string): string {
  const domain = toALabel(operand);
  if (domain !== undefined && domain.includes(".")) return domain;
  throw new UsageError(`not a domain: ${JSON.stringify(operand.slice(0, SHOWN_LENGTH))}`);
}

/**
 * The absolute path of the policy file of a domain.
 *
 * @throws {UsageError} If the configuration of a web server could not hold the path.
 */
export function policyFile(args: CommandArgs, domain: string): string {
  const directory = args.value("out") ?? ".";
  const base = directory.startsWith("/") ? directory : `${Deno.cwd()}/${directory}`;
  const file = `${base.replace(/(?:\/\.?)+$/, "")}/${domain}.txt`;
  if (!isPlainPath(file)) {
    throw new UsageError(`the path has characters that need quoting: ${JSON.stringify(file)}`);
  }
  return file;
}

/** Reads a file that the operator names. @throws {UsageError} If that is not possible. */
export async function readNamedFile(
  path: string,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const read = await createFiles().read(path, maxBytes);
  if (read.kind === "read") return read.bytes;
  throw new UsageError(read.kind === "absent" ? `there is no ${path}` : read.detail);
}

/** The value of `--mode`. @throws {UsageError} If it is not one of `allowed`. */
export function readMode(
  args: CommandArgs,
  allowed: readonly PolicyMode[],
): PolicyMode | undefined {
  const text = args.value("mode");
  const mode = allowed.find((candidate) => candidate === text);
  if (text !== undefined && mode === undefined) {
    throw new UsageError(`--mode takes one of ${allowed.join(", ")}: given '${text}'`);
  }
  return mode;
}

/** The value of `--max-age`, seconds. @throws {UsageError} If it is above the limit. */
export function readMaxAge(args: CommandArgs): number | undefined {
  const seconds = readSeconds(args, "max-age");
  if (seconds !== undefined && seconds > MAX_AGE_LIMIT) {
    throw new UsageError(
      `--max-age takes at most ${MAX_AGE_LIMIT} (RFC 8461 §3.2): given ${seconds}`,
    );
  }
  return seconds;
}

/** An option in whole seconds. @throws {UsageError} If it is not one to eight digits. */
export function readSeconds(args: CommandArgs, name: string): number | undefined {
  const text = args.value(name);
  if (text === undefined) return undefined;
  if (/^[0-9]{1,8}$/.test(text)) return parseInt(text, 10);
  throw new UsageError(`--${name} takes a number of seconds: given '${text}'`);
}

/** A port number. @throws {UsageError} If it is not from 1 to 65535. */
export function readPort(args: CommandArgs, name: string): number | undefined {
  const text = args.value(name);
  if (text === undefined) return undefined;
  const port = /^[0-9]{1,5}$/.test(text) ? parseInt(text, 10) : 0;
  if (port >= 1 && port <= 65535) return port;
  throw new UsageError(`--${name} takes a port number: given '${text}'`);
}

/** The values of `--mx`. @throws {UsageError} If one is not a valid pattern. */
export function readPatterns(args: CommandArgs): string[] {
  return args.values("mx").map((text) => {
    const pattern = parseMxPattern(text);
    if (pattern !== undefined) return pattern;
    throw new UsageError(
      `--mx takes a host name or a wildcard such as *.example.com: given ${JSON.stringify(text)}`,
    );
  });
}

/** Addresses to listen on. @throws {UsageError} If one is not an address with a port. */
export function readAddresses(
  args: CommandArgs,
  name: string,
): { readonly hostname: string; readonly port: number }[] {
  return args.values(name).map((text) => {
    const endpoint = parseEndpoint(text);
    if (endpoint?.kind === "inet") return endpoint;
    throw new UsageError(`--${name} takes an address such as 127.0.0.1:8080: given '${text}'`);
  });
}

/** Addresses of DNS resolvers, each with its port. @throws {UsageError} If one is not an address. */
export function readNameServers(args: CommandArgs, name: string): string[] {
  return args.values(name).map((text) => {
    const server = parseNameServer(text);
    if (server !== undefined) return server;
    throw new UsageError(`--${name} takes an address such as 127.0.0.1: given '${text}'`);
  });
}

/** Ranges of addresses. @throws {UsageError} If one is not in CIDR notation. */
export function readRanges(args: CommandArgs, name: string): readonly string[] {
  const ranges = args.values(name);
  const wrong = ranges.find((text) => !isCidr(text));
  if (wrong === undefined) return ranges;
  throw new UsageError(`--${name} takes a range such as 10.0.0.0/8: given '${wrong}'`);
}
