/**
 * What the grammars of `redis_url.ts` and `postgres_dsn.ts` share: the parts of a URI as Python and libpq cut it, and
 * arguments, of which each is used, known to have no effect, or a mistake.
 *
 * `URL` of the runtime reads neither: it knows no lists of hosts, and changes what it does not like.
 *
 * @module
 */

import type { Endpoint } from "../base/address.ts";
import { isDomainName, isIpv4, isIpv6 } from "../base/host.ts";
import { closest } from "./suggest.ts";

/** What is wrong: one line, in which no password is. `engine_url.ts` makes a value of it. */
export class Problem extends Error {
  /** The name of the class. */
  override readonly name = "Problem";
}

/** Arguments beside the text, by their name in redis-py or asyncpg. Null is none. */
export type EngineArguments = Readonly<Record<string, unknown>>;

/** A URI, cut. Nothing is decoded but the query. */
export interface UriParts {
  readonly scheme: string;
  /** Before the last `@`; `undefined` without one. */
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly hosts: string;
  /** With the `/` in front. */
  readonly path: string;
  /** In the order given; names may occur twice. */
  readonly query: readonly (readonly [name: string, value: string])[];
}

/**
 * Cuts a URI.
 *
 * @param text With a scheme.
 * @param options `hasFragment`: what follows a `#` is none of it.
 */
export function splitUri(
  text: string,
  { hasFragment }: { readonly hasFragment: boolean },
): UriParts {
  const [whole] = hasFragment ? text.split("#", 1) : [text];
  const [, scheme = "", rest = ""] = /^([^:]*):\/\/([^]*)$/.exec(whole!) ?? [];
  const [, authority = "", path = "", query = ""] = /^([^/?]*)([^?]*)(?:\?([^]*))?$/.exec(rest) ??
    [];
  const at = authority.lastIndexOf("@");
  const login = at < 0 ? undefined : authority.slice(0, at);
  const colon = login?.indexOf(":") ?? -1;
  return {
    scheme: scheme.toLowerCase(),
    user: login === undefined ? undefined : colon < 0 ? login : login.slice(0, colon),
    password: login === undefined || colon < 0 ? undefined : login.slice(colon + 1),
    hosts: authority.slice(at + 1),
    path,
    query: query.split("&").filter((each) => each !== "").map((each) => {
      const [, name = "", value = ""] = /^([^=]*)=?([^]*)$/.exec(each) ?? [];
      return [unquote(name), unquote(value.replaceAll("+", " "))];
    }),
  };
}

/** Decodes `%41`; leaves a percent sign alone that begins nothing, as Python does. */
export function unquote(text: string): string {
  return text.replaceAll(/(?:%[0-9A-Fa-f]{2})+/g, (run) => {
    const octets = Uint8Array.from(run.slice(1).split("%"), (each) => parseInt(each, 16));
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(octets);
  });
}

/** Reads a port. */
export function readPort(text: string): number {
  const port = /^[0-9]{1,5}$/.test(text) ? parseInt(text, 10) : 0;
  if (port < 1 || port > 65535) throw new Problem("the port must be a number from 1 to 65535");
  return port;
}

/** A server by its name or address; an IPv6 address may be in brackets. */
export function inetOf(host: string, port: number): Endpoint {
  const hostname = /^\[.*\]$/.test(host) ? host.slice(1, -1) : host;
  const isValid = isIpv4(hostname) || isIpv6(hostname) ||
    hostname === host && isDomainName(hostname);
  if (!isValid) throw new Problem("a host must be a name or an address, IPv6 in brackets");
  return { kind: "inet", hostname, port };
}

/** Arguments that are taken one after the other. */
export class ArgumentList {
  readonly #values = new Map<string, unknown>();
  readonly #taken: string[] = [];

  /** Adds an argument, or replaces it. Null is none. */
  set(name: string, value: unknown): void {
    if (value !== undefined && value !== null) this.#values.set(name, value);
  }

  /** Takes the first of some names that was given. */
  take(...names: readonly string[]): unknown {
    this.#taken.push(...names);
    return names.map((name) => this.#values.get(name)).find((value) => value !== undefined);
  }

  /** Takes what cannot be honoured. @param problems What to say of each. @throws {Problem} If one was given. */
  refuse(problems: Readonly<Record<string, string>>): void {
    for (const [name, problem] of Object.entries(problems)) {
      if (this.take(name) !== undefined) throw new Problem(problem);
    }
  }

  /** Takes text; `""` is none. */
  text(...names: readonly string[]): string | undefined {
    const value = this.take(...names);
    if (value === undefined || value === "") return undefined;
    if (typeof value === "number") return `${value}`;
    if (typeof value !== "string") throw new Problem(`${names[0]} must be text`);
    // What follows a NUL would not be seen by the other side.
    if (value.includes("\0")) throw new Problem(`${names[0]} must not hold a NUL`);
    return value;
  }

  /** Takes the path of a file. */
  file(name: string): string | undefined {
    const path = this.text(name);
    if (path !== undefined && !path.startsWith("/")) {
      throw new Problem(`${name} must be an absolute path`);
    }
    return path;
  }

  /** Takes a whole number. */
  count(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    if (!/^[0-9]{1,9}$/.test(text)) throw new Problem(`${name} must be a whole number`);
    return parseInt(text, 10);
  }

  /** Takes a switch, with the words of redis-py. */
  flag(name: string): boolean | undefined {
    const value = this.take(name);
    if (value === undefined || value === "") return undefined;
    const word = `${value}`.toLowerCase();
    if (/^(?:1|true|t|yes|y|on)$/.test(word)) return true;
    if (/^(?:0|false|f|no|n|off)$/.test(word)) return false;
    throw new Problem(`${name} must be true or false`);
  }

  /**
   * Ends the taking.
   *
   * @param known Names without effect.
   * @returns Those that were given.
   * @throws {Problem} If something was given that is neither taken nor known.
   */
  finish(known: readonly string[]): readonly string[] {
    const rest = [...this.#values.keys()].filter((name) => !this.#taken.includes(name));
    const wrong = rest.find((name) => !known.includes(name));
    if (wrong === undefined) return rest;
    const meant = closest(wrong, [...this.#taken, ...known]);
    const name = /^[A-Za-z0-9_.-]{1,64}$/.test(wrong) ? wrong : "an argument";
    throw new Problem(
      `${name} is not known${meant === undefined ? "" : `, did you mean ${meant}?`}`,
    );
  }
}
