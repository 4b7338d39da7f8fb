/**
 * Requests with a body that a server may take: POST, and nothing else.
 *
 * @module
 */

import { writeAll } from "../base/connection.ts";
import { parseBodyFields, readBody } from "./body.ts";
import type { HttpReply } from "./reply.ts";
import { text } from "./reply.ts";
import type { HttpRequest } from "./request.ts";

/** What a server does with POST. */
export interface PostOptions {
  /** The longest body, octets. */
  readonly maxBodyOctets: number;
  /**
   * Judges a request before its body is read. It must be quick, and not throw.
   *
   * @param contentType The field as it is written; `""` if there is none.
   * @returns The reply if the body is not wanted.
   */
  judge(request: HttpRequest, contentType: string): HttpReply | undefined;
  /** Answers; what it throws becomes status 500. */
  handle(request: HttpRequest, body: Uint8Array): HttpReply | Promise<HttpReply>;
}

/** What {@link receiveBody} works with. */
export interface ReceiveBodyOptions {
  readonly request: HttpRequest;
  /** The head of the request, well-formed. */
  readonly head: string;
  /** What came after it. */
  readonly rest: Uint8Array;
  readonly post: PostOptions;
}

const CONTINUE = new TextEncoder().encode("HTTP/1.1 100 Continue\r\n\r\n");

/**
 * Reads the body of a POST, if it is wanted.
 *
 * @returns The body, or the reply that says why it is not taken.
 * @throws {Error} If the connection fails, or the client closes it before the end.
 */
export async function receiveBody(
  conn: Pick<Deno.Conn, "read" | "write">,
  { request, head, rest, post }: ReceiveBodyOptions,
): Promise<Uint8Array | HttpReply> {
  const fields = parseBodyFields(head);
  if (fields === undefined) return text(400, "The length of the body is ambiguous.");
  const { contentType, length, expectsContinue } = fields;
  const refusal = post.judge(request, contentType);
  if (refusal !== undefined) return refusal;
  if (length === undefined) return text(411, "The length of the body is missing.");
  const { maxBodyOctets: maxOctets } = post;
  const tooLarge = text(413, `The body is larger than ${maxOctets} octets.`);
  if (length !== "chunked" && length > maxOctets) return tooLarge;
  if (expectsContinue && rest.length === 0) await writeAll(conn, CONTINUE);
  const reading = await readBody(conn, { rest, length, maxOctets });
  switch (reading.kind) {
    case "read":
      return reading.octets;
    case "too-large":
      return tooLarge;
    case "malformed":
      return text(400, "The chunks of the body are malformed.");
    case "incomplete":
      throw new Deno.errors.UnexpectedEof("the body is incomplete");
  }
}
