/**
 * The environment for a program that may download what is not in its cache. Tests run side by side in one process, and
 * `openNetwork()` tells that process to ask no name server and to trust no authority: a child would inherit it.
 *
 * @module
 */

/**
 * The environment with which this process was started, whatever became of it since.
 *
 * @returns For a child with `clearEnv: true`.
 */
export function initialEnvironment(): Record<string, string> {
  const variables = Deno.readTextFileSync("/proc/self/environ").split("\0")
    .filter((text) => text.includes("="))
    .map((text): [string, string] => {
      const at = text.indexOf("=");
      return [text.slice(0, at), text.slice(at + 1)];
    });
  return Object.fromEntries(variables);
}
