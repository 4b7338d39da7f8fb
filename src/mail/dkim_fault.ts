/**
 * Why a DKIM signature does not count: a word for each reason.
 *
 * @module
 */

/** By word, the end of a sentence that begins with "the signature". Constant text. */
export const DKIM_FAULTS = {
  // The signature as it is written (RFC 6376, 3.5 and 6.1.1)
  "syntax": "cannot be read",
  "version": "has a version other than 1",
  "algorithm": "uses an algorithm other than rsa-sha256 and ed25519-sha256",
  "canonicalization": "has an unknown canonical form",
  "query": "uses another key lookup than DNS",
  "from-unsigned": "does not cover From",
  "length": "covers only part of the body (l=)",
  "identity": "has an identity (i=) outside its domain",
  "expired": "has expired",
  "future": "is dated in the future",
  // The key (3.6.1 and 6.1.2)
  "no-key": "has no key in DNS",
  "several-keys": "has more than one key in DNS",
  "key-syntax": "has a key record that cannot be read",
  "revoked": "has a key that was revoked",
  "key-type": "has a key for another algorithm",
  "key-hash": "has a key that does not allow SHA-256",
  "key-service": "has a key for another service",
  "key-small": "has an RSA key of fewer than 1024 bits",
  "key-large": "has an RSA key of more than 8192 bits",
  // The message (6.1.3)
  "body": "does not match the body, which was changed",
  "signature": "does not match the header, or was made with another key",
} as const satisfies Readonly<Record<string, string>>;

/** A reason. The list is closed. */
export type DkimFault = keyof typeof DKIM_FAULTS;
