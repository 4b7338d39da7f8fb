import { assert, assertEquals } from "@std/assert";
import { loadConfig } from "../../src/config/load.ts";
import { formatEndpoint } from "../../src/base/address.ts";

const PACKAGING = new URL("../../packaging/", import.meta.url);

/** `systemd-analyze security` counts in tenths: 1.5. */
const EXPOSURE_LIMIT = 15;

/** What older versions of systemd say of the growth of RestartSec=, and then leave out. */
const SINCE_254 = /Unknown key (?:name )?'Restart(?:Steps|MaxDelaySec)' in section \S+, ignoring/;

const CHROOT_SOCKET = "/var/spool/postfix/mta-sts/postfix.sock";

function read(name: string): string {
  return Deno.readTextFileSync(new URL(name, PACKAGING));
}

function run(program: string, args: string[], env: Record<string, string> = {}) {
  const { success, stdout, stderr } = new Deno.Command(program, { args, env }).outputSync();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes).split("\n"));
  return { success, out: out!, err: err! };
}

/** Runs `systemd-analyze`; returns what it says of our units, and all it says if it fails. */
function complaints(...args: string[]): string[] {
  const { success, out, err } = run("systemd-analyze", args);
  const warnings = err.filter((line) => line.includes("mta-sts-resolver") && !SINCE_254.test(line));
  return success ? warnings : [...out, ...err];
}

function has(program: string): boolean {
  try {
    return new Deno.Command(program, { args: ["--version"] }).outputSync().success;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    console.log(`Not checked with ${program}: it is not installed`);
    return false;
  }
}

/** Our units in a directory of their own, with programs that are there. */
function withUnits(use: (directory: string) => void, more: Record<string, string> = {}): void {
  const directory = Deno.makeTempDirSync();
  try {
    const unit = read("mta-sts-resolver.service");
    const files = {
      "mta-sts-resolver.service": unit.replace(/(?<=^Exec\w+=)\S+/gm, Deno.execPath()),
      "mta-sts-resolver.socket": read("mta-sts-resolver.socket"),
      ...more,
    };
    for (const [name, text] of Object.entries(files)) {
      const path = `${directory}/${name}`;
      Deno.mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true });
      Deno.writeTextFileSync(path, text);
    }
    use(directory);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

/** The values of a key in a unit, in their order. */
function values(unit: string, key: string): string[] {
  return [...unit.matchAll(new RegExp(`^${key}=(.*)$`, "gm"))].map(([, value]) => value!);
}

const ignore = !has("systemd-analyze");

const REPORT = "mta-sts-resolver-report";

Deno.test({
  name: "the units of the report daemon are understood by systemd, and leave little exposed",
  ignore,
  fn() {
    const service = read(`${REPORT}.service`);
    const more = {
      [`${REPORT}.service`]: service.replace(/(?<=^Exec\w+=)\S+/gm, Deno.execPath()),
      [`${REPORT}.socket`]: read(`${REPORT}.socket`),
    };
    withUnits((directory) => {
      const units = ["service", "socket"].map((kind) => `${directory}/${REPORT}.${kind}`);
      assertEquals(complaints("verify", "--man=no", ...units), []);
    }, more);
    const args = ["--offline=true", `--threshold=${EXPOSURE_LIMIT}`, "--no-pager"];
    const { pathname } = new URL(`${REPORT}.service`, PACKAGING);
    assertEquals(complaints("security", ...args, pathname), []);
  },
});

Deno.test("the report daemon gets its one socket as standard input, and shares a user with the resolver", () => {
  const [service, socket] = [read(`${REPORT}.service`), read(`${REPORT}.socket`)];
  assertEquals(values(service, "StandardInput"), ["socket"]);
  assertEquals(values(socket, "Accept"), ["no"]);
  const [path, ...others] = values(socket, "ListenDatagram");
  assertEquals(others, []);
  assert(path!.startsWith(CHROOT_SOCKET.slice(0, CHROOT_SOCKET.lastIndexOf("/"))));
  const manual = Deno.readTextFileSync(new URL("../docs/tls-reports.md", PACKAGING));
  const relative = path!.slice("/var/spool/postfix/".length);
  assert(manual.includes(`smtp_tlsrpt_socket_name = ${relative}\n`));
  assertEquals(values(service, "User"), ["mta-sts-resolver"]);
  assertEquals(values(service, "RestartPreventExitStatus"), ["2"]);
  for (const script of ["postinst", "prerm", "postrm"]) {
    assert(!/enable [^\n]*-report/.test(read(`debian/${script}`)), script);
  }
});

const RECEIVED = "mta-sts-resolver-received";

Deno.test({
  name: "the unit of the receiver of reports is understood by systemd, and leaves little exposed",
  ignore,
  fn() {
    const service = read(`${RECEIVED}.service`);
    const more = {
      [`${RECEIVED}.service`]: service.replace(/(?<=^Exec\w+=)\S+/gm, Deno.execPath()),
    };
    withUnits((directory) => {
      assertEquals(complaints("verify", "--man=no", `${directory}/${RECEIVED}.service`), []);
    }, more);
    const args = ["--offline=true", `--threshold=${EXPOSURE_LIMIT}`, "--no-pager"];
    const { pathname } = new URL(`${RECEIVED}.service`, PACKAGING);
    assertEquals(complaints("security", ...args, pathname), []);
  },
});

Deno.test("the receiver of reports has the user and the directories that its manual names", () => {
  const service = read(`${RECEIVED}.service`);
  const manual = Deno.readTextFileSync(new URL("../docs/tls-reports-receiving.md", PACKAGING));
  const [user, ...others] = values(service, "User");
  assertEquals(others, []);
  assert(read("sysusers.conf").includes(`\nu ${user} `));
  assert(manual.includes(`-o ${user} `));
  assert(manual.includes(`maildir: /var/lib/${values(service, "StateDirectory")}/Maildir\n`));
  assert(manual.includes(`listen: unix:/run/${values(service, "RuntimeDirectory")}/`));
  // Postfix could not enter the directory that systemd gives a dynamic user.
  assertEquals(values(service, "DynamicUser"), []);
  for (const script of ["postinst", "prerm", "postrm"]) {
    assert(!/enable [^\n]*-received/.test(read(`debian/${script}`)), script);
  }
});

Deno.test({
  name: "mta-sts-resolver.service and .socket are units that systemd understands",
  ignore,
  fn() {
    withUnits((directory) => {
      const units = ["service", "socket"].map((kind) => `${directory}/mta-sts-resolver.${kind}`);
      assertEquals(complaints("verify", "--man=no", ...units), []);
    });
  },
});

Deno.test({
  name: "what is commented out in mta-sts-resolver.socket is understood, too, as is chroot.conf",
  ignore,
  fn() {
    const socket = read("mta-sts-resolver.socket").replaceAll(/^#(?=[A-Z]\w+=)/gm, "");
    assertEquals(values(socket, "FileDescriptorName"), ["/run/mta-sts-resolver.sock"]);
    const more = {
      "mta-sts-resolver.socket": socket,
      "mta-sts-resolver.service.d/chroot.conf": read("chroot.conf"),
    };
    withUnits((directory) => {
      const units = ["service", "socket"].map((kind) => `${directory}/mta-sts-resolver.${kind}`);
      assertEquals(complaints("verify", "--man=no", ...units), []);
    }, more);
  },
});

Deno.test({
  name: "mta-sts-resolver.service leaves little exposed",
  ignore,
  fn() {
    const args = ["--offline=true", `--threshold=${EXPOSURE_LIMIT}`, "--no-pager"];
    const { pathname } = new URL("mta-sts-resolver.service", PACKAGING);
    assertEquals(complaints("security", ...args, pathname), []);
  },
});

Deno.test("mta-sts-resolver.socket opens what the daemon listens on by default", () => {
  const { config } = loadConfig({ readTextFile: notFound, env: () => undefined });
  const socket = read("mta-sts-resolver.socket");
  assertEquals(
    values(socket, "ListenStream").map((address) => `inet:${address}`),
    config.listen.map(formatEndpoint),
  );
});

Deno.test("the units never give the port up, and nothing waits for a daemon that fails", () => {
  const [service, socket] = [read("mta-sts-resolver.service"), read("mta-sts-resolver.socket")];
  // Either limit, once reached, stops the socket unit.
  assertEquals(values(service, "StartLimitIntervalSec"), ["0"]);
  assertEquals(values(socket, "TriggerLimitIntervalSec"), ["0"]);
  const manual = Deno.readTextFileSync(new URL("../docs/systemd.md", PACKAGING));
  const [seconds] = values(service, "JobRunningTimeoutSec");
  assert(manual.includes(`waits ${seconds} seconds at most`));
  // An administrator who switches the socket unit off, has it off.
  for (const key of ["Requires", "Wants", "BindsTo", "Also", "Sockets"]) {
    assertEquals(values(service, key).filter((value) => value.includes(".socket")), [], key);
  }
});

Deno.test("mta-sts-resolver.service waits for the daemon's word, and for as long as it takes to stop", () => {
  const { config } = loadConfig({ readTextFile: notFound, env: () => undefined });
  const unit = read("mta-sts-resolver.service");
  assertEquals(values(unit, "Type"), ["notify"]);
  assertEquals(values(unit, "NotifyAccess"), ["main"]);
  const [seconds] = values(unit, "WatchdogSec");
  assert(parseInt(seconds!, 10) * 1000 > config.shutdownTimeout);
  const manual = Deno.readTextFileSync(new URL("../docs/systemd.md", PACKAGING));
  assert(manual.includes(`does not answer itself for ${seconds} seconds`));
  const [files] = values(unit, "LimitNOFILE");
  assert(parseInt(files!, 10) > 4 * config.limits.connections);
});

Deno.test("chroot.conf, tmpfiles.conf and main.cf.unix name one place", () => {
  const directory = CHROOT_SOCKET.slice(0, CHROOT_SOCKET.lastIndexOf("/"));
  assertEquals(values(read("chroot.conf"), "ReadWritePaths"), [directory]);
  assert(read("chroot.conf").includes(`listen: unix:${CHROOT_SOCKET}\n`));
  assert(read("tmpfiles.conf").includes(`\nd ${directory} `));
  assert(read("mta-sts-resolver.socket").includes(CHROOT_SOCKET));
  assert(read("main.cf.unix").includes(CHROOT_SOCKET));
});

Deno.test({
  name: "tmpfiles.conf and sysusers.conf make the directory and the user",
  ignore: !has("systemd-tmpfiles") || !has("systemd-sysusers"),
  fn() {
    const root = Deno.makeTempDirSync();
    try {
      Deno.mkdirSync(`${root}/etc`);
      Deno.mkdirSync(`${root}/var/spool/postfix`, { recursive: true });
      const { uid, gid } = Deno.statSync(root);
      // Owners that a test without special rights can give: its own, by the names in the file.
      Deno.writeTextFileSync(`${root}/etc/passwd`, `root:x:${uid}:${gid}::/:/bin/sh\n`);
      Deno.writeTextFileSync(`${root}/etc/group`, `root:x:${gid}:\npostfix:x:${gid}:\n`);
      const path = (name: string) => new URL(name, PACKAGING).pathname;
      const users = run("systemd-sysusers", [`--root=${root}`, path("sysusers.conf")]);
      assert(users.success, users.err.join("\n"));
      const passwd = Deno.readTextFileSync(`${root}/etc/passwd`);
      const [user] = passwd.split("\n").filter((line) => line.startsWith("mta-sts-resolver:"));
      assert(user?.endsWith(":/var/lib/mta-sts-resolver:/usr/sbin/nologin"), passwd);
      const files = run("systemd-tmpfiles", [`--root=${root}`, "--create", path("tmpfiles.conf")]);
      assert(files.success, files.err.join("\n"));
      assertEquals(Deno.statSync(`${root}/var/spool/postfix/mta-sts`).mode! & 0o777, 0o770);
    } finally {
      Deno.removeSync(root, { recursive: true });
    }
  },
});

function notFound(): never {
  throw new Deno.errors.NotFound();
}
