/**
 * Signs text with the secrets that the hosts of a fleet share: HMAC-SHA-256 (RFC 2104) in base64url (RFC 4648 §5).
 *
 * What is signed begins with the name of the fleet, so that an entry of another fleet with the same secret does not
 * pass. `node:crypto` signs in 11 µs without a turn of the event loop; WebCrypto takes 24 to 67 µs for one text. It
 * is imported when it is first needed, because hosts without a fleet must not pay for it.
 *
 * @module
 */

/** The shortest secret, octets: as long as the hash (RFC 2104 §3). */
export const SECRET_MIN_OCTETS = 32;

/** The largest secret, octets; no secret needs more, and a wrong file is found out. */
export const SECRET_MAX_OCTETS = 4096;

/** Characters of 32 octets in base64url without padding. */
export const MAC_LENGTH = 43;

/** Signs and verifies. */
export interface Mac {
  /** Signs a text with the first secret. @returns {@link MAC_LENGTH} characters. */
  sign(text: string): string;
  /** Whether one of the secrets signed the text. Takes the same time for every wrong signature. */
  verify(text: string, mac: string): boolean;
}

/**
 * Prepares the secrets of a fleet.
 *
 * @param secrets One, or two while the hosts change over: the first signs, both verify.
 * @param fleet The name of the fleet: the prefix of its keys in the engine.
 * @throws {RangeError} If there are none or more than two, or if one is too short or too long.
 */
export async function createMac(secrets: readonly Uint8Array[], fleet: string): Promise<Mac> {
  if (secrets.length === 0 || secrets.length > 2) {
    throw new RangeError(`Cannot sign with ${secrets.length} secrets: one or two are needed`);
  }
  for (const { length } of secrets) {
    if (length < SECRET_MIN_OCTETS || length > SECRET_MAX_OCTETS) {
      const bounds = `${SECRET_MIN_OCTETS} to ${SECRET_MAX_OCTETS}`;
      throw new RangeError(`Cannot sign with a secret of ${length} octets: it needs ${bounds}`);
    }
  }
  const { createHmac, timingSafeEqual } = await import("node:crypto");
  const keys = secrets.map((secret) => secret.slice());
  const digest = (key: Uint8Array, text: string) =>
    createHmac("sha256", key).update(`${fleet}\0${text}`).digest("base64url");
  const octets = new TextEncoder();

  return {
    sign: (text) => digest(keys[0]!, text),
    verify(text, mac) {
      const given = octets.encode(mac);
      if (given.length !== MAC_LENGTH) return false;
      return keys.some((key) => timingSafeEqual(given, octets.encode(digest(key, text))));
    },
  };
}

/**
 * A mark of the settings that decide what may be fetched: hosts that reach policy hosts in different ways, or trust
 * others, must not take each other's policies.
 *
 * @param settings Whatever matters, in an order of the caller's: proxy, trust roots, private addresses.
 * @returns 12 characters of base64url, of the SHA-256 of the settings as JSON.
 */
export async function digestSettings(settings: readonly unknown[]): Promise<string> {
  const octets = new TextEncoder().encode(JSON.stringify(settings));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", octets));
  return digest.toBase64({ alphabet: "base64url" }).slice(0, 12);
}
