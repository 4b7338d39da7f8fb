/**
 * Mail addresses in header fields (RFC 5322 §3.4) and in SMTP.
 *
 * Only addresses with a dot-atom as local part at a host name come here: the configuration and `tlsrpt/rua.ts` let no
 * others pass.
 *
 * @module
 */

/** The domain of an address. */
export function mailDomain(address: string): string {
  return address.slice(address.lastIndexOf("@") + 1);
}

/**
 * A name and an address for a header field.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(formatMailbox('Ex "A" Ltd.', "a@example.com"), '"Ex \\"A\\" Ltd." <a@example.com>');
 * ```
 * @param name Printable ASCII; nothing else gets into the field.
 */
export function formatMailbox(name: string, address: string): string {
  const quoted = name.replaceAll(/[^ -~]/g, "?").replaceAll(/["\\]/g, (sign) => `\\${sign}`);
  return `"${quoted}" <${address}>`;
}
