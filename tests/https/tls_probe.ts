/**
 * A program that sets up TLS as the command line does, makes requests and prints what came
 * of each, as JSON: the roots and proxies of a process can be tried in a process of their own only.
 *
 * @module
 */

import type { Config } from "../../src/config/types.ts";
import { classifyFetchError } from "../../src/https/classify.ts";
import { createPolicyClient, PROXY_VARIABLES } from "../../src/https/policy_client.ts";
import { loadTrustRoots } from "../../src/https/trust_roots.ts";

/** What the program is told, as JSON in its argument. */
export interface ProbeOptions {
  readonly ca: Config["https"]["ca"];
  readonly certFile?: string;
  readonly proxy?: string;
  readonly urls: readonly string[];
}

/** Runs the program with variables added to the environment. @returns What came of each URL. */
export async function runProbe(
  options: ProbeOptions,
  env: Record<string, string>,
): Promise<string[]> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--no-lock",
      "--no-prompt",
      "-A",
      import.meta.url,
      JSON.stringify(options),
    ],
    // Without: half a second after its start Deno uses TLS itself, with the trust roots of that moment for good.
    env: { ...env, DENO_NO_UPDATE_CHECK: "1" },
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

async function probe(url: string, client: Deno.HttpClient): Promise<string> {
  try {
    const response = await fetch(url, { client });
    await response.body?.cancel();
    return `status ${response.status}`;
  } catch (error) {
    return classifyFetchError(error).reason;
  }
}

if (import.meta.main) {
  const options: ProbeOptions = JSON.parse(Deno.args[0] ?? "");
  const roots = await loadTrustRoots(options.ca, options);
  if (roots.kind === "failed") throw new Error(roots.detail);
  for (const name of PROXY_VARIABLES) Deno.env.delete(name);
  for (const [name, value] of Object.entries(roots.environment)) {
    if (value === undefined) Deno.env.delete(name);
    else Deno.env.set(name, value);
  }
  const { caCerts } = roots;
  using client = createPolicyClient({ ...options, caCerts });
  const results: string[] = [];
  for (const url of options.urls) results.push(await probe(url, client));
  console.log(JSON.stringify(results));
}
