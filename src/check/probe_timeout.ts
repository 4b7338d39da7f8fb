/**
 * The time that a probe of an address may take. In a file of its own, because the help of `check` names it, and must
 * not load the check.
 *
 * @module
 */

/** For one address, ms: enough for two connections with a greeting delay of several seconds each. */
export const PROBE_TIMEOUT_MS = 12_000;
