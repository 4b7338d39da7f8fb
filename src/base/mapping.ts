/**
 * Tests values of unknown shape, from JSON or YAML.
 *
 * @module
 */

/** Whether a value has keys. Lists, dates and binary data are objects too, but not mappings. */
export function isMapping(value: unknown): value is Record<string, unknown> {
  return Object.prototype.toString.call(value) === "[object Object]";
}
