/**
 * What `config check` finds, one line each.
 *
 * @module
 */

/** One thing that was looked at. */
export interface ConfigFinding {
  /** `warning`: mail may wait or leave unprotected. `failed`: the daemon would not start or answer. */
  readonly kind: "ok" | "note" | "warning" | "failed";
  readonly subject: string;
  /** One line. */
  readonly text: string;
}
