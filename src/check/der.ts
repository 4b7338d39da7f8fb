/**
 * Reads the structure of DER (X.690), as far as certificates need it: tags of one octet and definite
 * lengths. Never trusts a length; what does not fit is no element. Knows no meaning of anything.
 *
 * @module
 */

/** One element; positions are into the octets it was read from. */
export interface DerElement {
  readonly tag: number;
  /** Where the element begins, its tag included. */
  readonly start: number;
  /** Where its contents begin. */
  readonly content: number;
  /** Behind its last octet. */
  readonly end: number;
}

/** Octets of a length: four reach 4 GiB, more than any certificate has. */
const LENGTH_MAX_OCTETS = 4;

/** Elements read from one parent; a certificate with more extensions or names than this is only partly read. */
const CHILDREN_MAX = 1000;

/**
 * Reads the element that begins at `start`.
 *
 * @returns `undefined` if there is none that ends before `limit`.
 */
export function readDer(
  bytes: Uint8Array,
  { start = 0, limit = bytes.length }: { readonly start?: number; readonly limit?: number } = {},
): DerElement | undefined {
  const tag = bytes[start];
  const first = bytes[start + 1];
  if (tag === undefined || first === undefined || start + 2 > limit) return undefined;
  let content = start + 2;
  let length = first;
  if (first >= 0x80) {
    const octets = first & 0x7f;
    if (octets === 0 || octets > LENGTH_MAX_OCTETS) return undefined;
    length = 0;
    for (let at = 0; at < octets; at++) length = length * 256 + (bytes[content + at] ?? 0);
    content += octets;
  }
  const end = content + length;
  return end <= limit ? { tag, start, content, end } : undefined;
}

/** The elements inside a constructed one, in order, up to the first that does not fit. */
export function derChildren(bytes: Uint8Array, parent: DerElement): DerElement[] {
  const children: DerElement[] = [];
  for (let start = parent.content; start < parent.end && children.length < CHILDREN_MAX;) {
    const child = readDer(bytes, { start, limit: parent.end });
    if (child === undefined) break;
    children.push(child);
    start = child.end;
  }
  return children;
}

/** Octets as hexadecimal digits. */
export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
