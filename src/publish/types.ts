/**
 * The effects that publishing needs, beside the files. The command line passes them in.
 *
 * @module
 */

/** What an MX host presents to a sender that verifies, as seen from here. */
export interface CertificateView {
  /** `unknown`: port 25 cannot be reached from here, which says nothing about the host. */
  readonly kind: "good" | "bad" | "unknown";
  /** One line for a person, fit to print. */
  readonly detail: string;
}

/** Checks the certificate of an MX host by STARTTLS (RFC 8461 §4.2). Never rejects. */
export type ViewCertificate = (host: string) => Promise<CertificateView>;
