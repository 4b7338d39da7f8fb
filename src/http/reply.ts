/**
 * HTTP replies, each formatted as one array of octets (RFC 9112 §4, §6).
 *
 * @module
 */

/** The statuses in use, with their reason phrases (RFC 9110 §15). */
const REASONS = {
  200: "OK",
  201: "Created",
  400: "Bad Request",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  411: "Length Required",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  421: "Misdirected Request",
  422: "Unprocessable Content",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  503: "Service Unavailable",
} as const;

/** A reply. */
export interface HttpReply {
  readonly status: keyof typeof REASONS;
  /** The media type. */
  readonly type: string;
  /** Text, sent as UTF-8, or octets. */
  readonly body: string | Uint8Array;
  /** Further fields; names and values must be valid as they are. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Sent with every reply: no caching, no guessing of types, no framing, no referrer. */
const COMMON_FIELDS: Readonly<Record<string, string>> = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "connection": "close",
};

/** A reply in plain text. */
export function text(status: HttpReply["status"], line: string): HttpReply {
  return { status, type: "text/plain; charset=utf-8", body: `${line}\n` };
}

/** A reply in JSON, for programs and for people. */
export function jsonReply(status: HttpReply["status"], value: unknown): HttpReply {
  return { status, type: "application/json", body: JSON.stringify(value, null, 2) + "\n" };
}

/** The octets of a reply; for HEAD without its body (RFC 9110 §9.3.2). */
export function formatReply(
  { status, type, body, headers }: HttpReply,
  { headOnly }: { readonly headOnly: boolean },
): Uint8Array {
  const encoder = new TextEncoder();
  const content = typeof body === "string" ? encoder.encode(body) : body;
  const fields = {
    "content-type": type,
    "content-length": String(content.length),
    ...COMMON_FIELDS,
    ...headers,
  };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = encoder.encode(`HTTP/1.1 ${status} ${REASONS[status]}\r\n${lines.join("")}\r\n`);
  if (headOnly) return head;
  const bytes = new Uint8Array(head.length + content.length);
  bytes.set(head);
  bytes.set(content, head.length);
  return bytes;
}
