/**
 * The keys about the daemon itself: its sockets, its limits and its log.
 *
 * @module
 */

import { type Endpoint, ENDPOINT_FORM, formatEndpoint, parseEndpoint } from "../base/address.ts";
import { DEFAULT_LISTEN } from "./defaults.ts";
import { choice, count, fileMode, list, seconds, section, text } from "./kinds.ts";

/** Keys at the top of the file about sockets. */
export const SOCKET_KEYS = {
  listen: list({
    parse: parseEndpoint,
    format: formatEndpoint,
    allowed: ENDPOINT_FORM,
    nonEmpty: "at least one address",
    default: [DEFAULT_LISTEN],
    text: "The sockets where Postfix's queries are answered. Port 0 takes any free port.",
  }),
  socket_mode: fileMode({
    default: "0660",
    text:
      "The permissions of UNIX sockets in `listen` and `http`. Postfix needs write permission to connect.",
  }),
  control: text({
    parse: parseUnixEndpoint,
    format: formatEndpoint,
    allowed: 'an address such as "unix:/run/mta-sts-resolver/control.sock"',
    text:
      "The UNIX socket on which the daemon serves the `cache` commands. Its mode is 0600. If this is not set, the commands ask on `/run/mta-sts-resolver/control.sock`.",
  }),
  http: list({
    parse: parseEndpoint,
    format: formatEndpoint,
    allowed: ENDPOINT_FORM,
    default: [],
    text: "The sockets that serve metrics, health and the status page. By default, none.",
  }),
};

const LIMIT_KEYS = {
  connections: count({
    range: [1, 65_535],
    default: 1_024,
    text: "How many connections Postfix may have open. Each takes a file descriptor.",
  }),
  pipeline: count({
    range: [1, 1_024],
    default: 128,
    text: "How many requests are read ahead on one connection. Postfix sends one at a time.",
  }),
  idle_timeout: seconds({
    range: [1, 3_600],
    default: 120,
    text: "How long a connection may be idle. Postfix closes its side after 10 seconds.",
  }),
  io_timeout: seconds({
    range: [1, 100],
    default: 30,
    text:
      "The time limit for receiving the rest of a request or sending a reply. Postfix gives up after 100 seconds.",
  }),
  discoveries: count({
    range: [1, 10_000],
    default: 256,
    text: "How many domains are looked up at the same time. Others wait for their turn.",
  }),
};

/** Keys below `log`. */
export const LOG_KEYS = {
  level: choice({
    words: ["debug", "info", "warn", "error"],
    default: "info",
    text: "The lowest severity that is logged.",
  }),
  format: choice({
    words: ["text", "json"],
    default: "text",
    text: "How events are logged. Each is a line of text or a JSON object.",
  }),
  answers: choice({
    words: ["changes", "all", "none"],
    default: "changes",
    text:
      "Which answers to Postfix are logged. With `changes`, the first one for a domain that has a policy, and each different one after it. With `all`, every one, which makes answers slower.",
  }),
};

/** Keys at the top of the file about the process. */
export const PROCESS_KEYS = {
  limits: section({ keys: LIMIT_KEYS, text: "Limits on what clients can make the daemon do." }),
  shutdown_timeout: seconds({
    range: [0, 300],
    default: 20,
    text:
      "How long a stop waits for open requests. A systemd service that takes 90 seconds to stop is killed.",
  }),
  log: section({ keys: LOG_KEYS, text: "The log on standard error." }),
};

function parseUnixEndpoint(text: string): Endpoint | undefined {
  const endpoint = parseEndpoint(text);
  return endpoint?.kind === "unix" ? endpoint : undefined;
}
