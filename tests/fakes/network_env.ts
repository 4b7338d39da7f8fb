/**
 * The environment for a program that may download what is not in its cache. Tests run side by side in one process, and
 * `openNetwork()` tells the C library of that process to ask no name server: a child would inherit it.
 *
 * @module
 */

/** Lets the C library of a child ask name servers again. */
export const WITH_RESOLVER: Readonly<Record<string, string>> = {
  RES_OPTIONS: "",
  SYSTEMD_NSS_RESOLVE_NETWORK: "1",
};
