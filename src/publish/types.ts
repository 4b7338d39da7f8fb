/**
 * The effects that publishing needs. The command line passes them in.
 *
 * @module
 */

/** The result of reading a file. */
export type FileRead =
  | { readonly kind: "read"; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: "absent" }
  /** `detail` is one line for a person. */
  | { readonly kind: "failed"; readonly detail: string };

/** The result of writing a file. */
export type FileWrite =
  | { readonly kind: "written" }
  | { readonly kind: "failed"; readonly detail: string };

/** Files by path. Nothing here rejects. */
export interface Files {
  /** Reads a file; one that is larger than `maxBytes` fails. */
  read(path: string, maxBytes: number): Promise<FileRead>;
  /** Writes a file as a whole or not at all. It replaces an existing file. */
  write(path: string, bytes: Uint8Array): Promise<FileWrite>;
  /**
   * A text that changes whenever the file does; `undefined` if there is no file or no access to it.
   * Follows symbolic links.
   */
  stamp(path: string): Promise<string | undefined>;
  /** Names in a directory, unsorted; `undefined` if it cannot be read. */
  list(directory: string): Promise<readonly string[] | undefined>;
}

/** What an MX host presents to a sender that verifies, as seen from here. */
export interface CertificateView {
  /** `unknown`: port 25 cannot be reached from here, which says nothing about the host. */
  readonly kind: "good" | "bad" | "unknown";
  /** One line for a person, fit to print. */
  readonly detail: string;
}

/** Checks the certificate of an MX host by STARTTLS (RFC 8461 §4.2). Never rejects. */
export type ViewCertificate = (host: string) => Promise<CertificateView>;
