/**
 * The settings of one socketmap name.
 *
 * @module
 */

/** Settings of one zone, chosen by the socketmap name in the request. */
export interface Zone {
  /** The socketmap name; `default` for the zone of all other names. */
  readonly name: string;
  /** Policies in mode `testing` count as `enforce`. */
  readonly strictTesting: boolean;
  /** How long one query may wait for DNS and HTTPS together, ms. */
  readonly timeout: number;
  /** Adds `servername=hostname` (Postfix 3.4 and later). */
  readonly requireSni: boolean;
  /** Adds the TLSRPT and MX pattern attributes (Postfix 3.10 and later). */
  readonly tlsrpt: boolean;
  /** `require`: a domain whose DANE state cannot be learned is deferred even when the resolver is not known to validate. */
  readonly dane: "auto" | "off" | "require";
  /** What a query gets for a domain whose TXT lookup failed and for which no policy is held. */
  readonly onDnsFailure: "deliver" | "defer";
  /** Octets of the longest `match=` list, so that MX hosts cannot make it longer; `undefined`: no bound. */
  readonly matchLimit: number | undefined;
}
