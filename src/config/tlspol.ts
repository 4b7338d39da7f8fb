/**
 * Turns the configuration of postfix-tlspol into our keys, for `config convert`. Unlike the file of
 * postfix-mta-sts-resolver, the daemon does not read it: its `dns` would have two meanings.
 *
 * Its cache is never opened: the file belongs to the other program and has another form.
 *
 * @module
 */

import { ENDPOINT_FORM, formatEndpoint, parseEndpoint, parseNameServer } from "../base/address.ts";
import { isMapping } from "../base/mapping.ts";
import { LOG_KEYS } from "./daemon_keys.ts";
import { checkDocument, type Document } from "./document.ts";
import { fileMode, flag, section, text } from "./kinds.ts";
import type { ConfigNote } from "./types.ts";

/** Defaults of the other program that are not ours. */
const DEFAULT_ADDRESS = "127.0.0.1:8642";
const DEFAULT_SOCKET_MODE = "0666";

const SERVER_KEYS = {
  address: text({
    parse: parseAddress,
    allowed: ENDPOINT_FORM,
    text: "Becomes `listen`.",
  }),
  "metrics-address": text({
    parse: parseAddress,
    allowed: ENDPOINT_FORM,
    text: "Becomes `http`.",
  }),
  "socket-permissions": fileMode({
    default: DEFAULT_SOCKET_MODE,
    text: "Becomes `socket_mode`.",
  }),
  "log-level": LOG_KEYS.level,
  "log-format": LOG_KEYS.format,
  prefetch: flag({ default: true, text: "Ignored. Policies in use are always refreshed." }),
  "cache-file": text({
    parse: (value) => value,
    allowed: "a path",
    text: "Ignored. That file belongs to the other program.",
  }),
  tlsrpt: flag({ default: false, text: "Becomes `default_zone.tlsrpt`." }),
};

const DNS_KEYS = {
  address: text({
    parse: parseNameServer,
    allowed: "an address with its port",
    text: "Becomes `dns.servers`.",
  }),
};

/** The other program accepts unknown keys with a warning. */
const FILE = section({
  keys: {
    server: section({ keys: SERVER_KEYS, open: true, text: "The daemon." }),
    dns: section({ keys: DNS_KEYS, open: true, text: "Name resolution." }),
  },
  open: true,
  text: "The file.",
});

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
  const { server, dns } = checkDocument(document, FILE, { file });
  const notes = noteUnknown(document);
  const note = (path: string, text: string) => notes.push({ path, text });

  const listen = server.address ?? parseAddress("")!;
  const http = server["metrics-address"];
  const hasSocket = listen.kind === "unix" || http?.kind === "unix";
  if (isMapping(document.server) && document.server.address === "") {
    note("server.address", `is empty: ${DEFAULT_ADDRESS} is used, as in its socket unit`);
  }
  if (server["cache-file"]) {
    note("server.cache-file", "is not read: policies are kept in our own cache file");
  }
  if (!server.prefetch) {
    note(
      "server.prefetch",
      "has no effect: policies in use are always refreshed before they expire",
    );
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

/** As in {@link parseEndpoint}; without a host, all addresses; empty, the default. */
function parseAddress(value: string): ReturnType<typeof parseEndpoint> {
  if (value === "") return parseEndpoint(DEFAULT_ADDRESS);
  return parseEndpoint(value.startsWith(":") ? `[::]${value}` : value);
}

function noteUnknown(document: Document): ConfigNote[] {
  const unknown = (value: unknown, known: object, prefix: string) =>
    Object.keys(value ?? {})
      .filter((key) => !Object.hasOwn(known, key))
      .map((key) => ({
        path: prefix + key,
        text: "is not a key of postfix-tlspol and is left out",
      }));
  return [
    ...unknown(document, { server: true, dns: true }, ""),
    ...unknown(document.server, SERVER_KEYS, "server."),
    ...unknown(document.dns, DNS_KEYS, "dns."),
  ];
}
