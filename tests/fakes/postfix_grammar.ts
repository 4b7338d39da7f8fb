/**
 * A small model of how Postfix reads a socketmap reply for `smtp_tls_policy_maps`: strict where
 * Postfix would defer the mail, so that a test which parses a reply also proves that Postfix takes it.
 *
 * @module
 */

/** What Postfix makes of a reply. */
export type PolicyReply =
  | { readonly kind: "notfound" }
  /** Postfix defers the mail and logs the reason. */
  | { readonly kind: "temp"; readonly reason: string }
  | {
    readonly kind: "policy";
    readonly level: string;
    readonly match: readonly string[];
    readonly servername?: string;
    readonly policyType?: string;
    readonly policyDomain?: string;
    readonly mxHostPatterns: readonly string[];
    readonly policyStrings: readonly string[];
  };

/** Octets of the longest reply. */
const MAX_REPLY_BYTES = 100_000;

const LEVELS = ["none", "may", "encrypt", "fingerprint", "dane", "dane-only", "verify", "secure"];
const SEPARATORS = ", \t\r\n";
const WHITE_SPACE = " \t\r\n\v\f";

/** Attributes that may come more than once. */
const REPEATABLE = ["match", "policy_string", "mx_host_pattern"];

/**
 * Reads the payload of a reply as Postfix 3.10 does.
 *
 * @throws {Error} If Postfix would log a complaint about our reply and defer the mail.
 */
export function parsePolicyReply(payload: string): PolicyReply {
  const bytes = new TextEncoder().encode(payload).length;
  if (bytes > MAX_REPLY_BYTES) throw new Error(`reply of ${bytes} octets`);
  if (/(?!\t)\p{Cc}/u.test(payload)) throw new Error("control character in the reply");
  const space = payload.indexOf(" ");
  if (space < 0) throw new Error(`no space in '${payload}'`);
  const text = payload.slice(space + 1);
  switch (payload.slice(0, space)) {
    case "NOTFOUND":
      if (text !== "") throw new Error(`text after NOTFOUND: '${text}'`);
      return { kind: "notfound" };
    case "TEMP":
      if (text === "") throw new Error("TEMP without a reason");
      return { kind: "temp", reason: text };
    case "OK":
      return parsePolicy(text);
    default:
      throw new Error(`unknown word in '${payload}'`);
  }
}

/** Reads the value of a policy table: a level, then attributes. */
function parsePolicy(text: string): PolicyReply {
  const [level, ...words] = splitWords(text);
  if (level === undefined || !LEVELS.includes(level)) throw new Error(`invalid level in '${text}'`);
  const values = new Map<string, string[]>();
  for (const word of words) {
    const [name, value] = parseAttribute(word);
    const before = values.get(name);
    if (before === undefined) values.set(name, [value]);
    else if (REPEATABLE.includes(name)) before.push(value);
    else throw new Error(`attribute '${name}' is specified multiple times`);
    checkAttribute(name, { value, level });
  }
  const { policy_type: [policyType] = [], policy_domain: [policyDomain] = [] } = Object
    .fromEntries(values);
  const mxHostPatterns = values.get("mx_host_pattern") ?? [];
  const policyStrings = values.get("policy_string") ?? [];
  if (policyType === undefined && (policyDomain ?? mxHostPatterns[0] ?? policyStrings[0])) {
    throw new Error("built-in policy has an unexpected attribute");
  }
  const match = (values.get("match") ?? []).flatMap((names) => names.split(":"));
  if (match.includes("")) throw new Error("empty name in match");
  const servername = values.get("servername")?.[0];
  return {
    kind: "policy",
    level,
    match,
    mxHostPatterns,
    policyStrings,
    ...(servername === undefined ? {} : { servername }),
    ...(policyType === undefined ? {} : { policyType }),
    ...(policyDomain === undefined ? {} : { policyDomain }),
  };
}

/** Splits at separators, but not between braces. */
function splitWords(text: string): string[] {
  const words: string[] = [];
  let word = "";
  let depth = 0;
  for (const char of text) {
    if (char === "{") depth++;
    if (char === "}" && depth > 0) depth--;
    if (depth === 0 && SEPARATORS.includes(char)) {
      if (word !== "") words.push(word);
      word = "";
    } else {
      word += char;
    }
  }
  if (word !== "") words.push(word);
  return words;
}

/** Reads `name=value` or `{ name = value }`. */
function parseAttribute(word: string): [string, string] {
  let text = word;
  if (word.startsWith("{")) {
    const end = closingBrace(word);
    if (end < 0) throw new Error(`missing '}' in '${word}'`);
    if (end < word.length - 1) throw new Error(`syntax error after '}' in '${word}'`);
    text = word.slice(1, -1);
  }
  const equals = text.indexOf("=");
  const name = strip(text.slice(0, Math.max(0, equals)));
  if (name === "" || [...name].some((char) => WHITE_SPACE.includes(char))) {
    throw new Error(`malformed attribute '${word}'`);
  }
  return [name.toLowerCase(), strip(text.slice(equals + 1))];
}

/** Index of the brace that closes the first one, or -1. */
function closingBrace(word: string): number {
  let depth = 0;
  for (let at = 0; at < word.length; at++) {
    if (word[at] === "{") depth++;
    if (word[at] === "}" && --depth === 0) return at;
  }
  return -1;
}

function checkAttribute(name: string, { value, level }: { value: string; level: string }): void {
  const fail = () => {
    throw new Error(`attribute '${name}' has a bad value at level '${level}': '${value}'`);
  };
  switch (name) {
    case "match":
      return value === "" || !["secure", "verify"].includes(level) ? fail() : undefined;
    case "servername":
    case "policy_domain":
      return isValidHostname(value) ? undefined : fail();
    case "policy_type":
      return ["sts", "no-policy-found"].includes(value) ? undefined : fail();
    case "policy_string":
    case "mx_host_pattern":
      return undefined;
    default:
      throw new Error(`invalid attribute name '${name}'`);
  }
}

/** Postfix's `valid_hostname`. */
function isValidHostname(name: string): boolean {
  const labels = name.split(".");
  return name.length <= 255 && !/^[0-9.-]*$/.test(name) &&
    labels.every((label) => /^[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/.test(label));
}

function strip(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && WHITE_SPACE.includes(text[from]!)) from++;
  while (to > from && WHITE_SPACE.includes(text[to - 1]!)) to--;
  return text.slice(from, to);
}
