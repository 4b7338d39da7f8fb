/**
 * Composes a mail of two parts, a text to read and a file (RFC 2046, RFC 6522 for `multipart/report`).
 *
 * The message is ASCII with lines of at most 998 octets, so every server takes it as it is, and no server changes what
 * is signed.
 *
 * @module
 */

/** A header field: name and body. The body may be folded: `\r\n` and a space. */
export type HeaderField = readonly [name: string, value: string];

/** A message, ready to be signed and sent. */
export interface Message {
  /** In their order. */
  readonly headers: readonly HeaderField[];
  /** ASCII; lines end in CRLF. */
  readonly body: string;
}

/** What goes into a message. */
export interface MessageParts {
  /** Header fields but those of MIME. */
  readonly headers: readonly HeaderField[];
  /** The kind of report; a parameter of `multipart/report`. */
  readonly reportType: string;
  /** Separates the parts: token characters, and no line of the text begins with `--` and this. */
  readonly boundary: string;
  /** ASCII; lines end in LF. */
  readonly text: string;
  /** The second part. */
  readonly file: {
    readonly type: string;
    /** ASCII without quotes. */
    readonly name: string;
    readonly content: Uint8Array;
  };
}

/** Lines of Base64 (RFC 2045 §6.8). */
const LINES = /.{1,76}/g;

/** Octets of a line without its end (RFC 5322 §2.1.1). */
const LINE_MAX_CHARS = 998;

/** Composes the message. */
export function composeMessage(parts: MessageParts): Message {
  const { boundary, reportType, file } = parts;
  const headers: HeaderField[] = [
    ...parts.headers,
    ["MIME-Version", "1.0"],
    [
      "Content-Type",
      `multipart/report; report-type="${reportType}";\r\n boundary="${boundary}"`,
    ],
  ];
  const body = [
    `--${boundary}`,
    "Content-Type: text/plain; charset=us-ascii",
    "Content-Transfer-Encoding: 7bit",
    "",
    ...parts.text.split("\n").map((line) =>
      line.replaceAll(/[^ -~]/g, "?").slice(0, LINE_MAX_CHARS)
    ),
    `--${boundary}`,
    `Content-Type: ${file.type}`,
    "Content-Transfer-Encoding: base64",
    `Content-Disposition: attachment;\r\n filename="${file.name}"`,
    "",
    ...(file.content.toBase64().match(LINES) ?? []),
    `--${boundary}--`,
    "",
  ];
  return { headers, body: body.join("\r\n") };
}

/** The octets that go over the wire, without the dots of SMTP. */
export function formatMessage({ headers, body }: Message): string {
  return headers.map(([name, value]) => `${name}: ${value}\r\n`).join("") + "\r\n" + body;
}

/** A date for a header field (RFC 5322 §3.3), in UTC. */
export function formatDate(time: number): string {
  return new Date(time).toUTCString().replace("GMT", "+0000");
}
