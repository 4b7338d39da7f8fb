/**
 * The HTTP client for policy files, and what must happen before it is created.
 *
 * @module
 */

import type { Relay } from "./relay.ts";

/**
 * The environment variables that send fetches through a proxy, or past the configured one.
 * The runtime reads them when a client is created, so the command line removes them first:
 * a policy is fetched through a proxy only if the configuration says so.
 */
export const PROXY_VARIABLES: readonly string[] = [
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "ALL_PROXY",
  "NO_PROXY",
  "http_proxy",
  "https_proxy",
  "all_proxy",
  "no_proxy",
];

/**
 * Creates the client. It keeps no connection: the next fetch from the same host is a day away.
 *
 * It trusts the roots of the process and those given: see `loadTrustRoots`. The operator's proxy looks names up
 * itself, so no guard sees the addresses. Our relay looks nothing up.
 *
 * @param options The proxy: that of a {@link Relay}, or the URL of an HTTP proxy, `http://host:port`. Without it, the
 * client looks names up and connects itself, which no fetch of a policy may do. `caCerts` are further roots, PEM.
 * @throws {TypeError | URIError} If the URL of the proxy is malformed.
 * @throws {Error} If the runtime cannot load the trust roots.
 */
export function createPolicyClient(
  options: {
    readonly proxy?: string | Relay["proxy"];
    readonly caCerts?: readonly string[];
  } = {},
): Deno.HttpClient {
  const { proxy, caCerts = [] } = options;
  return Deno.createHttpClient({
    http2: false,
    poolMaxIdlePerHost: 0,
    caCerts: [...caCerts],
    ...(proxy === undefined ? {} : {
      proxy: typeof proxy === "string" ? { transport: "http", url: proxy } : proxy,
    }),
  });
}

/**
 * Makes the TLS library seed its random numbers before the first fetch, which takes 30 to 45 ms. The runtime
 * generates an ECDSA key in another thread, so nothing else waits. This needs no network and no permission.
 */
export async function warmUpTls(): Promise<void> {
  await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]);
}
