/**
 * Where a report may go: what a stranger published, and what the operator allows of it.
 *
 * @module
 */

import { type Destination, type InvalidRua, parseRua } from "../tlsrpt/rua.ts";

/** URIs of a record that are used: more would only help somebody who wants to abuse us. */
const URIS_MAX = 5;

/** Octets of a URI that is remembered; none that is longer is read either. */
const URI_MAX_OCTETS = 512;

/** What the operator allows. */
export interface DestinationRules {
  /** Domains that get no report; `*.example.com` stands for all names below. */
  readonly exclude: readonly string[];
  /** Mail domains and hosts to which nothing is sent, in the same form. */
  readonly denyRecipients: readonly string[];
  /** Why no mail is sent; `undefined` if it is. */
  readonly noMail: string | undefined;
  /** Whether reports are posted. */
  readonly https: boolean;
}

/** Whether a name is in a list of names, or below one that begins with `*.`. */
export function isListed(name: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) =>
    pattern.startsWith("*.") ? name.endsWith(pattern.slice(1)) : name === pattern
  );
}

/** The URIs of a record that are tried: each once, the first five. */
export function chooseUris(rua: readonly string[]): string[] {
  const short = rua.filter((uri) => uri.length <= URI_MAX_OCTETS);
  return [...new Set(short)].slice(0, URIS_MAX);
}

/** Reads a URI and judges whether a report may go there. `reason` is one line, fit to print. */
export function judgeUri(uri: string, rules: DestinationRules): Destination | InvalidRua {
  const destination = parseRua(uri);
  if (destination.kind === "invalid") return destination;
  const { kind, host } = destination;
  const refuse = (reason: string): InvalidRua => ({ kind: "invalid", reason });
  if (isListed(host, rules.denyRecipients)) return refuse("report.deny_recipients names the host");
  if (kind === "mailto") return rules.noMail === undefined ? destination : refuse(rules.noMail);
  if (!rules.https) return refuse("report.https is off");
  return new URL(destination.url).port === "" ? destination : refuse("a port other than 443");
}

/** What reports to one destination are counted by: a mail domain, or a web host. */
export function destinationKey({ kind, host }: Destination): string {
  return kind === "mailto" ? host : `https://${host}`;
}
