import { assert, assertEquals, assertThrows } from "@std/assert";
import { createPolicyClient, PROXY_VARIABLES, warmUpTls } from "../../src/https/policy_client.ts";
import { freePort } from "../fakes/free_port.ts";
import { startPolicyHosts } from "../fakes/policy_host.ts";
import { runProbe } from "./tls_probe.ts";

Deno.test("createPolicyClient() connects by itself, whatever proxy the environment names", async () => {
  await using hosts = startPolicyHosts();
  const environment = Object.fromEntries(
    PROXY_VARIABLES.filter((name) => !/^no_proxy$/i.test(name)).map((
      name,
    ) => [name, hosts.proxyUrl]),
  );
  const urls = [`https://127.0.0.1:${freePort()}/`];
  assertEquals(await runProbe({ ca: "mozilla", urls }, environment), ["connect"]);
  assertEquals(hosts.connects, []);
});

Deno.test("createPolicyClient() uses the proxy it is given, whatever the environment exempts", async () => {
  await using hosts = startPolicyHosts();
  const target = `127.0.0.1:${freePort()}`;
  const options = { ca: "mozilla", urls: [`https://${target}/`], proxy: hosts.proxyUrl } as const;
  await runProbe(options, {
    NO_PROXY: "127.0.0.1",
    no_proxy: "127.0.0.1",
    HTTPS_PROXY: "http://127.0.0.1:9",
  });
  assertEquals(hosts.connects, [target]);
});

Deno.test("createPolicyClient() throws for what is not the URL of a proxy", () => {
  for (const proxy of ["", "proxy", "ftp://proxy", "http://"]) {
    const error = assertThrows(() => createPolicyClient({ proxy }));
    assert(error instanceof TypeError || error instanceof URIError);
  }
});

Deno.test("warmUpTls() needs nothing", async () => {
  assertEquals(await warmUpTls(), undefined);
});
