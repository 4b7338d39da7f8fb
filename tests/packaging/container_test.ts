import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { parse } from "@std/yaml";
import type { Config } from "../../src/config/types.ts";
import { formatEndpoint } from "../../src/base/address.ts";
import { loadText } from "../config/load_text.ts";
import { initialEnvironment } from "../fakes/network_env.ts";
import { build, parseDockerfile, type Stage } from "./dockerfile.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

const PROGRAM = "/usr/bin/mta-sts-resolver";
const STATE = "/var/lib/mta-sts-resolver";
const CONFIG = "/etc/mta-sts-resolver.yml";
/** `nonroot` of the distroless images. */
const NONROOT = 65532;

// deno-lint-ignore no-explicit-any -- what these files hold is what the tests are about
type Yaml = any;

function read(path: string): string {
  return Deno.readTextFileSync(ROOT + path);
}

function configOf(text: string): Config {
  const { config, notes } = loadText(text, { STATE_DIRECTORY: STATE });
  assertEquals(notes, []);
  return config;
}

const stages = parseDockerfile(read("Dockerfile"));
const image = stages.at(-1)!;

function value(stage: Stage, name: string): string | undefined {
  return stage.instructions.find((instruction) => instruction.name === name)?.text;
}

/** The ports of the addresses of a configuration. */
function ports(config: Config): number[] {
  return [...config.listen, ...config.http].map((address) =>
    address.kind === "inet" ? address.port : 0
  );
}

Deno.test("Dockerfile makes an image without a shell that runs as nobody in particular", () => {
  assert(image.from.startsWith("gcr.io/distroless/cc-"), image.from);
  assertMatch(image.from, /:nonroot@/);
  assertEquals(image.instructions.filter(({ name }) => name === "RUN" || name === "USER"), []);
  assertEquals(value(image, "ENTRYPOINT"), `["${PROGRAM}"]`);
  assertEquals(value(image, "CMD"), '["serve"]');
  assertStringIncludes(value(image, "HEALTHCHECK")!, `CMD ["${PROGRAM}", "health"]`);
});

Deno.test("Dockerfile keeps the state in a volume that its user owns", () => {
  assertEquals(value(image, "VOLUME"), STATE);
  assertEquals(value(image, "ENV"), `STATE_DIRECTORY=${STATE}`);
  const copy = image.instructions.find(({ words }) => words.at(-1) === STATE);
  assertEquals(copy?.flags.get("chown"), "nonroot:nonroot");
  assertEquals(configOf(read("packaging/container.yml")).cache.file, `${STATE}/cache.db`);
});

Deno.test("Dockerfile exposes what its configuration listens on, to everyone", () => {
  const config = configOf(read("packaging/container.yml"));
  assertEquals(value(image, "EXPOSE"), ports(config).join(" "));
  for (const address of [...config.listen, ...config.http]) {
    assertStringIncludes(formatEndpoint(address), "inet:0.0.0.0:");
  }
});

Deno.test("Dockerfile and the tasks agree on the version of Deno", () => {
  const [, version] = /^denoland\/deno:debian-([0-9.]+)@/.exec(stages[0]!.from)!;
  assertStringIncludes(read(".ci/run"), `\nDENO_VERSION=${version}\n`);
  assertStringIncludes(read("README.md"), `deno@${version} task`);
});

/** Images that are the reader's own: the example says so. */
const OWN_IMAGES =
  /^(?:mta-sts-resolver|registry\.example\.com\/(?:mta-sts-resolver|postfix|unbound):\S+)$/;

Deno.test("every image that is not the reader's own is pinned by its digest", () => {
  const pinned = new Set<string>();
  for (
    const file of ["Dockerfile", "packaging/compose.yaml", "packaging/kubernetes-sidecar.yaml"]
  ) {
    const images = [...read(file).matchAll(/^\s*(?:FROM|(?:- )?image:)\s+(\S+)/gm)]
      .map(([, name]) => name!);
    assert(images.length > 0, file);
    for (const name of images.filter((each) => !OWN_IMAGES.test(each))) {
      assertMatch(name, /^[a-z][a-z0-9./-]*:[a-z0-9.-]+@sha256:[0-9a-f]{64}$/, file);
      pinned.add(name);
    }
  }
  // One digest for one tag.
  assertEquals(pinned.size, new Set([...pinned].map((name) => name.split("@")[0])).size);
});

const OLD_DIGEST = "0".repeat(64);

/** Runs `pin_images` on a file of its own, with programs that ask no registry. */
function pin(args: readonly string[], answer: string): { code: number; text: string; err: string } {
  const directory = Deno.makeTempDirSync();
  try {
    Deno.writeTextFileSync(
      `${directory}/skopeo`,
      `#!/bin/sh\n[ "$*" = "inspect --raw docker://example.com/a:1-b" ] && ${answer}\n`,
      { mode: 0o755 },
    );
    const file = `${directory}/Dockerfile`;
    Deno.writeTextFileSync(file, `FROM example.com/a:1-b@sha256:${OLD_DIGEST} AS x\nRUN a\n`);
    const { code, stderr } = new Deno.Command(`${ROOT}tools/pin_images`, {
      args: [...args, file],
      env: { PATH: `${directory}:/usr/bin:/bin` },
    }).outputSync();
    return { code, text: Deno.readTextFileSync(file), err: new TextDecoder().decode(stderr) };
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

Deno.test("pin_images puts the digest of what the tag names now", () => {
  // What sha256sum makes of the manifest `a`.
  const digest = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb";
  const { code, text } = pin([], "printf a");
  assertEquals([code, text], [0, `FROM example.com/a:1-b@sha256:${digest} AS x\nRUN a\n`]);
});

Deno.test("pin_images --check changes nothing, and fails where a digest is not the tag's", () => {
  const { code, text, err } = pin(["--check"], "printf a");
  assertEquals(code, 1);
  assertStringIncludes(text, OLD_DIGEST);
  assertMatch(err, /^example\.com\/a:1-b is now sha256:ca97\S+, but sha256:0{64} is pinned\n$/);
});

Deno.test("pin_images fails where the registry does not answer", () => {
  const { code, text } = pin([], "false");
  assert(code !== 0);
  assertStringIncludes(text, OLD_DIGEST);
});

Deno.test(".dockerignore lets through what the Dockerfile copies, and nothing else", () => {
  const lines = read(".dockerignore").split("\n").filter((line) => /^[^#]/.test(line));
  assertEquals(lines[0], "*");
  const copied = stages.flatMap(({ instructions }) =>
    instructions
      .filter(({ name, flags }) => name === "COPY" && !flags.has("from"))
      .flatMap(({ words }) => words.slice(0, -1))
  );
  assertEquals(new Set(lines.slice(1)), new Set(copied.map((path) => `!${path}`)));
});

/** Runs a command as RUN would. @throws {Error} If it fails. */
function runner(bin: string): (command: string, directory: string) => void {
  Deno.mkdirSync(bin);
  Deno.symlinkSync(Deno.execPath(), `${bin}/deno`);
  return (command, directory) => {
    const { success, stderr } = new Deno.Command("sh", {
      args: ["-c", command],
      cwd: directory,
      clearEnv: true,
      env: { ...initialEnvironment(), PATH: `${bin}:${Deno.env.get("PATH")}` },
      stdout: "null",
    }).outputSync();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
  };
}

/**
 * Makes the image into a directory. Where the base program of this Deno cannot be had, the program in
 * it is a shell script that ends at once.
 */
function makeImage(directory: string): { root: string; compiled: boolean } {
  const run = runner(`${directory}/bin`);
  let compiled = true;
  const root = build(stages, {
    context: ROOT,
    directory,
    run(command, cwd) {
      try {
        run(command, cwd);
      } catch (error) {
        if (!String(error).includes("Setting up base binary")) throw error;
        compiled = false;
        console.log("The image is not run: the base program of this Deno cannot be had here");
        // All that the compiler needs was copied, since it has been bundled.
        assert(Deno.statSync(`${cwd}/dist/bundle/main.js`).isFile);
        Deno.writeTextFileSync(`${cwd}/dist/mta-sts-resolver`, "#!/bin/sh\n", { mode: 0o755 });
        Deno.mkdirSync(`${cwd}/state`);
      }
    },
  });
  return { root, compiled };
}

/**
 * Runs the image as an engine does: in its own root, which is read-only but for the state, as the user of
 * the image, with no other process or network about. What the base image brings, the host lends.
 */
const ENGINE = `
  set -eu
  root=$1
  mount --bind "$root" "$root"
  for each in /dev /proc /lib /lib64 /usr/lib /etc/ssl; do
    [ -d "$each" ] || continue
    mkdir -p "$root$each"
    mount --rbind "$each" "$root$each"
  done
  echo nameserver 127.0.0.1 >"$root/etc/resolv.conf"
  mount --bind "$root${STATE}" "$root${STATE}"
  chown ${NONROOT}:${NONROOT} "$root${STATE}"
  mount -o remount,bind,ro "$root"
  ip link set lo up
  inside="env -i STATE_DIRECTORY=${STATE} /usr/sbin/chroot --userspec=${NONROOT}:${NONROOT} --groups= $root"
  $inside ${PROGRAM} serve &
  daemon=$!
  until $inside ${PROGRAM} health --socket inet:127.0.0.1:8461 2>/dev/null; do
    kill -0 "$daemon"
    sleep 0.1
  done
  $inside ${PROGRAM} query .example.com || echo "query: $?"
  $inside ${PROGRAM} health 2>&1 || echo "health: $?"
  touch "$root/file" 2>&1 || true
  kill "$daemon"
  wait "$daemon"
  stat --format "%n %u %a" "$root${STATE}/cache.db"
`;

function canIsolate(): boolean {
  if (Deno.uid() === 0) {
    try {
      const args = ["--mount", "--net", "--pid", "--fork", "true"];
      if (new Deno.Command("unshare", { args, stderr: "null" }).outputSync().success) return true;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  console.log("The image is not run: that needs root and unshare");
  return false;
}

Deno.test("Dockerfile can be carried out, and what it makes runs with a read-only root, without root", () => {
  const directory = Deno.makeTempDirSync();
  try {
    // The user of the image must get there.
    Deno.chmodSync(directory, 0o755);
    const { root, compiled } = makeImage(directory);
    const files = [PROGRAM, CONFIG].map((path) => Deno.statSync(root + path));
    assertEquals(files.map(({ isFile }) => isFile), [true, true]);
    assertEquals(files[0]!.mode! & 0o111, 0o111);
    assertEquals([...Deno.readDirSync(root + STATE)], []);
    if (!compiled || !canIsolate()) return;
    const { success, stdout, stderr } = new Deno.Command("unshare", {
      args: [
        ...["--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"],
        ...["sh", "-c", ENGINE, "engine", root],
      ],
    }).outputSync();
    const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    assert(success, `${out}${err}`);
    const [answers, query, status, health, code, readOnly, cache] = out!.split("\n");
    assertEquals([answers, query, status], ["ok", ".example.com  NOTFOUND", "query: 1"]);
    // There is no DNS in there.
    assertStringIncludes(health!, "unhealthy: dns: ");
    assertEquals(code, "health: 1");
    assertStringIncludes(readOnly!, "Read-only file system");
    assertStringIncludes(cache!, `${STATE}/cache.db ${NONROOT} 600`);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});

const compose: Yaml = parse(read("packaging/compose.yaml"));

/** The text of a configuration file in the compose file. */
function composed(name: string): string {
  return compose.configs[name].content;
}

Deno.test("compose.yaml runs the image as it is meant to be: no rights, and only the state is written", () => {
  const service = compose.services["mta-sts-resolver"];
  assertEquals(Deno.realPathSync(`${ROOT}packaging/${service.build}`), Deno.realPathSync(ROOT));
  assertEquals(service.volumes, [`policies:${STATE}`]);
  assertEquals(Object.hasOwn(compose.volumes, "policies"), true);
  assertEquals(service.configs, [{ source: "mta-sts-resolver", target: CONFIG }]);
  for (const each of [service, compose.services.dns]) {
    assertEquals(each.read_only, true);
    assertEquals(each.cap_drop, ["ALL"]);
    assertEquals(each.security_opt, ["no-new-privileges:true"]);
    assertEquals(each.user, undefined);
  }
});

Deno.test("compose.yaml has Postfix, daemon and DNS find each other", () => {
  const address = (name: string): string => compose.services[name].networks.mail["ipv4_address"];
  const config = configOf(composed("mta-sts-resolver"));
  const [listen] = config.listen;
  assert(listen?.kind === "inet" && listen.hostname === "0.0.0.0");
  const map = `socketmap:inet:${address("mta-sts-resolver")}:${listen.port}:QUERYwithTLSRPT`;
  assertStringIncludes(composed("postfix"), `smtp_tls_policy_maps = ${map}\n`);
  assertEquals(config.dns.servers, [`${address("dns")}:53`]);
  assertStringIncludes(composed("resolv"), `nameserver ${address("dns")}\n`);
  assertStringIncludes(composed("resolv"), "trust-ad");
  const [{ subnet }] = compose.networks.mail.ipam.config;
  assertStringIncludes(composed("unbound"), `access-control: ${subnet} allow\n`);
  assertStringIncludes(composed("postfix"), `mynetworks = 127.0.0.0/8 ${subnet}\n`);
  for (const name of Object.keys(compose.services)) {
    assertEquals(address(name).replace(/[0-9]+$/, "0/24"), subnet);
    for (const { source } of compose.services[name].configs) assert(composed(source) !== "");
  }
  const waits = compose.services.postfix["depends_on"]["mta-sts-resolver"];
  assertEquals(waits, { condition: "service_healthy" });
});

Deno.test("compose.yaml publishes to this host only, and only ports that are listened on", () => {
  const published: string[] = Object.values<Yaml>(compose.services)
    .flatMap((service) => service.ports ?? []);
  for (const port of published) assert(port.startsWith("127.0.0.1:"), port);
  const own = compose.services["mta-sts-resolver"].ports.map((port: string) =>
    parseInt(port.split(":").at(-1)!, 10)
  );
  const config = configOf(composed("mta-sts-resolver"));
  for (const port of own) assert(ports(config).includes(port));
});

Deno.test("compose.yaml sets the parameters of Postfix that main.cf.tcp sets", () => {
  const lines = read("packaging/main.cf.tcp").split("\n").filter((line) => /^[a-z]/.test(line));
  assert(lines.length >= 4);
  for (const line of lines) {
    const wanted = line.startsWith("smtp_tls_policy_maps") ? "smtp_tls_policy_maps = " : line;
    assertStringIncludes(`\n${composed("postfix")}`, `\n${wanted}`);
  }
});

Deno.test("kubernetes-sidecar.yaml runs the image as it is meant to be, beside Postfix", () => {
  const [map, set]: Yaml[] = read("packaging/kubernetes-sidecar.yaml").split("\n---\n")
    .map((text) => parse(text));
  const config = configOf(map.data["mta-sts-resolver.yml"]);
  const pod = set.spec.template.spec;
  const [dns, owner, sidecar] = pod.initContainers;
  assertEquals(dns.restartPolicy, "Always");
  assertEquals(dns.securityContext, {
    ...sidecar.securityContext,
    ...{ runAsUser: dns.securityContext.runAsUser, runAsGroup: dns.securityContext.runAsGroup },
  });
  assertEquals(sidecar.restartPolicy, "Always");
  assertEquals(sidecar.securityContext, {
    runAsNonRoot: true,
    runAsUser: NONROOT,
    runAsGroup: NONROOT,
    readOnlyRootFilesystem: true,
    allowPrivilegeEscalation: false,
    capabilities: { drop: ["ALL"] },
    seccompProfile: { type: "RuntimeDefault" },
  });
  assertEquals(owner.command, ["chown", `${NONROOT}:${NONROOT}`, "/policies"]);
  assertEquals(owner.volumeMounts, [{ name: "policies", mountPath: "/policies" }]);
  const mounts = new Map<string, Yaml>(
    sidecar.volumeMounts.map((mount: Yaml) => [mount.name, mount]),
  );
  assertEquals(mounts.get("policies").mountPath, STATE);
  assertEquals(mounts.get("config").mountPath, CONFIG);
  assertEquals(mounts.get("config").subPath, "mta-sts-resolver.yml");
  assertEquals(dns.volumeMounts[0].subPath, "unbound.conf");
  assertEquals(Object.keys(map.data), [mounts.get("config").subPath, "unbound.conf"]);
  const names = [
    ...pod.volumes.map((volume: Yaml) => volume.name),
    ...set.spec.volumeClaimTemplates.map((claim: Yaml) => claim.metadata.name),
  ];
  for (const { volumeMounts } of [dns, owner, sidecar, ...pod.containers]) {
    for (const { name } of volumeMounts) assert(names.includes(name), name);
  }
  assertEquals(pod.volumes[0].configMap.name, map.metadata.name);
  assertEquals(set.spec.selector.matchLabels, { app: set.spec.template.metadata.labels.app });

  // Everybody in the pod asks the one that validates, and asks for the name as it is.
  assertEquals(config.dns.servers, ["127.0.0.1:53"]);
  assertEquals([pod.dnsPolicy, pod.dnsConfig.nameservers], ["None", ["127.0.0.1"]]);
  assertEquals(pod.dnsConfig.options[0], { name: "ndots", value: "1" });
  assertEquals(pod.securityContext.sysctls[0].value, "53");
  // Postfix in the same pod only; probes come from outside of it.
  assertEquals(config.listen.map(formatEndpoint), ["inet:127.0.0.1:8461"]);
  assertEquals(config.http.map(formatEndpoint), ["inet:0.0.0.0:8462"]);
  assertEquals(sidecar.ports, [{ name: "http", containerPort: 8462 }]);
  assertEquals(set.spec.template.metadata.annotations["prometheus.io/port"], "8462");
  assertEquals(sidecar.startupProbe.httpGet.path, "/healthz");
  assertEquals(sidecar.readinessProbe.httpGet.path, "/readyz");
  const [program, ...probe] = sidecar.livenessProbe.exec.command;
  assertEquals(program, PROGRAM);
  assertEquals(probe, ["health", "--socket", formatEndpoint(config.listen[0]!)]);
});

/** Has unbound read a configuration. What the image brings, and this host may lack, is left out. */
function checkUnbound(text: string): void {
  const path = Deno.makeTempFileSync();
  try {
    const lines = text.split("\n").filter((line) =>
      !/^ *(?:trust-anchor-file|root-hints):/.test(line)
    );
    Deno.writeTextFileSync(path, lines.join("\n"));
    const command = new Deno.Command("/usr/sbin/unbound-checkconf", { args: [path] });
    const { success, stderr } = command.outputSync();
    assert(success, new TextDecoder().decode(stderr));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    console.log("unbound has not read the examples: it is not installed");
  } finally {
    Deno.removeSync(path);
  }
}

Deno.test("unbound takes the configurations of the examples, with their comments as well", () => {
  const [map]: Yaml[] = read("packaging/kubernetes-sidecar.yaml").split("\n---\n")
    .map((text) => parse(text));
  checkUnbound(composed("unbound"));
  const text: string = map.data["unbound.conf"];
  checkUnbound(text);
  const forwards = text.replaceAll(/^( *)#(?=[a-z ])(?!.*[a-z] [a-z]+ [a-z])/gm, "$1");
  assertMatch(forwards, /^ +domain-insecure: .*\n +local-zone: .*\nforward-zone:\n +name: /m);
  checkUnbound(forwards);
});

/** Runs `push_image` where Docker and Git are scripts. @returns What Docker was asked. */
function push(
  args: readonly string[],
  { changes = "" } = {},
): { code: number; docker: string; err: string } {
  const directory = Deno.makeTempDirSync();
  try {
    const script = (name: string, text: string) =>
      Deno.writeTextFileSync(`${directory}/${name}`, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    script("docker", 'echo "$@"');
    script(
      "git",
      `case $1 in status) printf '${changes}' ;; log) echo 99 ;; *) echo c0ffee ;; esac`,
    );
    const { code, stdout, stderr } = new Deno.Command(`${ROOT}tools/push_image`, {
      args: [...args],
      env: { PATH: `${directory}:/usr/bin:/bin` },
    }).outputSync();
    const [docker, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    return { code, docker: docker!, err: err! };
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

Deno.test("push_image builds for both processors, with an SBOM, under the tags of the version", () => {
  const { version }: { version: string } = JSON.parse(read("deno.json"));
  const [major, minor] = version.split(".");
  const { code, docker } = push(["example.com/mta-sts-resolver"]);
  assertEquals(code, 0);
  assertStringIncludes(docker, "buildx build --platform linux/amd64,linux/arm64 ");
  assertStringIncludes(docker, " --build-arg SOURCE_DATE_EPOCH=99 ");
  assertStringIncludes(docker, " --label org.opencontainers.image.revision=c0ffee ");
  assertStringIncludes(docker, " --sbom=true --provenance=mode=max ");
  const tags = [...docker.matchAll(/--tag example\.com\/mta-sts-resolver:(\S+)/g)];
  assertEquals(tags.map(([, tag]) => tag), [version, `${major}.${minor}`, major, "latest"]);
  assert(docker.endsWith(" --push .\n"), docker);
});

Deno.test("push_image builds nothing from a changed tree, and takes no tag", () => {
  const changed = push(["example.com/a"], { changes: " M main.ts" });
  assertEquals([changed.code, changed.docker], [1, ""]);
  assertStringIncludes(changed.err, "the working tree has changes: commit them first");
  for (const args of [[], ["example.com/a:1"], ["a@sha256:0"], ["a", "b"]]) {
    const { code, docker } = push(args);
    assertEquals([code, docker], [2, ""]);
  }
});
