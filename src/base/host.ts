/**
 * Says whether a text has the form of a host name or an IP address. It resolves nothing.
 *
 * @module
 */

/** Characters of a name in dotted form (RFC 1035 §2.3.4: 255 octets on the wire, length octets included). */
export const NAME_MAX_LENGTH = 253;

const LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?";
const HOSTNAME = new RegExp(`^(?:${LABEL}\\.)*${LABEL}$`);
const LAX_LABEL = LABEL.replaceAll("A-Za-z0-9", "A-Za-z0-9_");
const DOMAIN_NAME = new RegExp(`^(?:${LAX_LABEL}\\.)*${LAX_LABEL}$`);

/** URL parsers and `inet_aton` take a name with such a last label for an IPv4 address (RFC 3696 §2). */
const NUMERIC_END = /(?:^|\.)(?:[0-9]+|0[Xx][0-9A-Fa-f]*)$/;

/**
 * Whether a text is a host name: labels of letters, digits and inner hyphens, 1 to 63 octets each and 253 in
 * all, in any case, without a final dot. The last label must not be a number.
 */
export function isHostname(text: string): boolean {
  return text.length <= NAME_MAX_LENGTH && HOSTNAME.test(text) && !NUMERIC_END.test(text);
}

/**
 * Whether a text is a name that Postfix delivers to: as {@link isHostname}, but underscores count as letters.
 * No public authority certifies such a name, and no `mx` pattern holds or matches one.
 */
export function isDomainName(text: string): boolean {
  return text.length <= NAME_MAX_LENGTH && DOMAIN_NAME.test(text) && !NUMERIC_END.test(text);
}

/** Whether a text is an IPv4 address: four decimal numbers without leading zeros. */
export function isIpv4(text: string): boolean {
  return /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/.test(text);
}

/** Whether a text is an IPv6 address, without brackets and without a zone. */
export function isIpv6(text: string): boolean {
  return /^[0-9A-Fa-f:.]+$/.test(text) && URL.canParse(`http://[${text}]/`);
}

/** Whether a text is an address range such as `10.0.0.0/8` or `fd00::/8`. */
export function isCidr(text: string): boolean {
  const [, address, digits] = /^([^/]+)\/(0|[1-9][0-9]{0,2})$/.exec(text) ?? [];
  if (address === undefined || digits === undefined) return false;
  return isIpv4(address)
    ? parseInt(digits, 10) <= 32
    : isIpv6(address) && parseInt(digits, 10) <= 128;
}
