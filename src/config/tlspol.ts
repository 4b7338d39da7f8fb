/**
 * The configuration of postfix-tlspol in our keys, for `config convert`. Unlike the file of
 * postfix-mta-sts-resolver it is not read by the daemon: its `dns` would mean two things.
 *
 * Its cache is never opened: the file belongs to the other program, and has another form.
 *
 * @module
 */

import * as v from "valibot";
import { ENDPOINT_FORM, formatEndpoint, parseEndpoint, parseNameServer } from "./address.ts";
import { checkAgainst, type Document } from "./document.ts";
import { choice, fileMode, flag, isMapping, section, text } from "./fields.ts";
import type { ConfigNote } from "./types.ts";

/** Defaults of the other program that are not ours. */
const DEFAULT_ADDRESS = "127.0.0.1:8642";
const DEFAULT_SOCKET_MODE = 0o666;

const address = text(parseAddress, { allowed: ENDPOINT_FORM, text: "" });

const SERVER_KEYS = {
  address: v.nullish(address),
  "metrics-address": v.nullish(address),
  "socket-permissions": v.nullish(fileMode(""), DEFAULT_SOCKET_MODE),
  "log-level": v.nullish(choice(["debug", "info", "warn", "error"], ""), "info"),
  "log-format": v.nullish(choice(["text", "json"], ""), "text"),
  prefetch: v.nullish(flag(""), true),
  "cache-file": v.nullish(text((value) => value, { allowed: "a path", text: "" })),
  tlsrpt: v.nullish(flag(""), false),
};

const DNS_KEYS = {
  address: v.nullish(text(parseNameServer, { allowed: "an address with its port", text: "" })),
};

/** The other program takes keys it does not know with a warning. */
const FILE = section({
  server: v.nullish(section(SERVER_KEYS, { text: "", open: true }), {}),
  dns: v.nullish(section(DNS_KEYS, { text: "", open: true }), {}),
}, { text: "", open: true });

/** Whether a document has the keys of postfix-tlspol. */
export function isTlspol(document: Document): boolean {
  const { dns } = document;
  return Object.hasOwn(document, "server") || isMapping(dns) && Object.hasOwn(dns, "address");
}

/**
 * Turns the other program's keys into ours.
 *
 * @param document As read from its file.
 * @param file Name of the file for messages.
 * @returns A document of our keys, and remarks for the operator.
 * @throws {UsageError} With one line for each value that is not allowed.
 */
export function translateTlspol(
  document: Document,
  file: string,
): { document: Document; notes: ConfigNote[] } {
  const { server, dns } = checkAgainst(document, FILE, { file });
  const notes = noteUnknown(document);
  const note = (path: string, text: string) => notes.push({ path, text });

  const listen = server.address ?? parseAddress("")!;
  const http = server["metrics-address"];
  const hasSocket = listen.kind === "unix" || http?.kind === "unix";
  if (isMapping(document.server) && document.server.address === "") {
    note("server.address", `is empty, ${DEFAULT_ADDRESS} as in its socket unit is used`);
  }
  if (server["cache-file"]) {
    note("server.cache-file", "is not read, policies are kept in our own cache file");
  }
  if (!server.prefetch) {
    note("server.prefetch", "has no effect: policies in use are always fetched anew in time");
  }
  return {
    document: {
      listen: formatEndpoint(listen),
      ...(hasSocket ? { socket_mode: server["socket-permissions"] } : {}),
      http: http ? [formatEndpoint(http)] : [],
      default_zone: { tlsrpt: server.tlsrpt },
      dns: { servers: dns.address ? [dns.address] : [] },
      log: { level: server["log-level"], format: server["log-format"] },
    },
    notes,
  };
}

/** As in {@link parseEndpoint}; without a host all addresses are meant, without anything the default. */
function parseAddress(value: string): ReturnType<typeof parseEndpoint> {
  if (value === "") return parseEndpoint(DEFAULT_ADDRESS);
  return parseEndpoint(value.startsWith(":") ? `[::]${value}` : value);
}

function noteUnknown(document: Document): ConfigNote[] {
  const unknown = (value: unknown, known: object, prefix: string) =>
    Object.keys(value ?? {})
      .filter((key) => !Object.hasOwn(known, key))
      .map((key) => ({ path: prefix + key, text: "is not a key of postfix-tlspol, left out" }));
  return [
    ...unknown(document, { server: true, dns: true }, ""),
    ...unknown(document.server, SERVER_KEYS, "server."),
    ...unknown(document.dns, DNS_KEYS, "dns."),
  ];
}
