/**
 * Options that several commands have, and defaults that a help text names. Every start of the program loads this file,
 * so it imports nothing.
 *
 * @module
 */

import type { OptionSpec } from "./command.ts";

/** Where Postfix has its configuration. */
export const MAIN_CF = "/etc/postfix/main.cf";

/** Enough to copy a file to a web server, or to edit a DNS zone and see the change, seconds. */
export const DEFAULT_WAIT = 900;

/** Where the policy file is. */
export const OUT_OPTION: OptionSpec = {
  name: "out",
  short: "o",
  value: "DIR",
  text: "Directory of the policy file DOMAIN.txt (default: the current directory)",
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
  text: "MX host, or wildcard such as *.example.com",
};

/** Prints JSON. */
export const JSON_OPTION: OptionSpec = {
  name: "json",
  short: "j",
  text: "Print one JSON object per line; docs/json.md describes it",
};

/** Names a file to use instead of the daemon. */
export const OFFLINE_OPTION: OptionSpec = {
  name: "offline",
  value: "FILE",
  text: "Use this cache file, not the daemon",
};

/** Names the daemon by its address. */
export const SOCKET_OPTION: OptionSpec = {
  name: "socket",
  short: "s",
  value: "ADDRESS",
  text: "Query this address, such as inet:127.0.0.1:8461 or unix:/path",
};

/** Days that `report summary` looks at. */
export const SUMMARY_DAYS = 7;

/** Percent of sessions: the part from which `publish roll` does not enforce, and the one that is worth a call. */
export const SUMMARY_THRESHOLDS = { warning: "0.1", critical: "1" };
