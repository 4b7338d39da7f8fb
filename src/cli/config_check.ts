/**
 * `config check`: checks the configuration, what it refers to, and Postfix's side of it. One line per
 * finding: `ok`, `note`, `warning` or `failed`, what was looked at, and what was found.
 *
 * @module
 */

import { messageOf } from "../base/error_text.ts";
import { defaultCacheFile } from "../config/defaults.ts";
import type { Config } from "../config/types.ts";
import type { Network } from "../daemon/network.ts";
import { refuseMistakes } from "../daemon/preflight.ts";
import { formatMainCf, judgeMainCf, parseMainCf } from "../postfix/main_cf.ts";
import { toDomainName } from "../sts/domain.ts";
import { describeResolver } from "../status/health.ts";
import { UsageError } from "../config/usage_error.ts";
import type { CommandArgs, Io } from "./command.ts";
import type { ConfigFinding } from "./config_finding.ts";
import { MAIN_CF } from "./options.ts";
import { connectFindings } from "./config_connect.ts";
import { fleetFindings } from "./fleet_check.ts";
import { fleetFileFindings, holdsPassword } from "./fleet_files_check.ts";
import { withNetwork } from "./network.ts";
import { readConfig } from "./read_config.ts";
import { receivedFindings } from "./received_check.ts";
import { reportFindings } from "./report_check.ts";

const EXIT_FAILED = 1;

/** Runs the command. @returns The exit status. */
export async function run(args: CommandArgs, io: Io): Promise<number> {
  const domain = readDomain(args.value("connect"));
  const { config, notes } = readConfig(args.value("config"), io);
  // The service has a user of its own.
  refuseMistakes(config, { anyOwner: Deno.uid() === 0 });
  let worst = 0;
  let count = 0;
  const report = (findings: readonly ConfigFinding[]) => {
    for (const { kind, subject, text } of findings) {
      io.out(`${kind.padEnd("warning".length)} ${subject}: ${text}\n`);
      if (kind === "failed") worst = EXIT_FAILED;
      if (kind === "failed" || kind === "warning") count++;
    }
  };
  report([
    { kind: "ok", subject: "configuration", text: config.file ?? "embedded defaults" },
    ...notes.filter(({ path }) => path !== "cache.file")
      .map(({ path, text }) => ({ kind: "note", subject: path, text } as const)),
    ...cacheFindings(config, io),
    // A file with a password is not for everybody to read.
    ...(holdsPassword(config) ? [] : readableFindings(config.file)),
    ...fleetFileFindings(config),
  ]);
  await withNetwork(config, async ({ network, clock }) => {
    report(rootFindings(network));
    report(await resolverFindings(network));
    report(await fleetFindings(config, { clock, roots: network.roots }));
    report(mainCfFindings(config, args.value("main-cf")));
    report(await reportFindings(config, { env: io.env, lookup: network.dns.lookup }));
    report(await receivedFindings(config, io));
    if (domain !== undefined) report(await connectFindings(domain, { config, network, clock }));
  });
  io.out(count === 0 ? "no mistakes found\n" : `${count} to look at\n`);
  return worst;
}

function readDomain(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const domain = toDomainName(text);
  if (domain !== undefined) return domain;
  throw new UsageError("'--connect' takes a domain that has a policy, such as example.com");
}

function cacheFindings({ cache }: Config, { env }: Pick<Io, "env">): ConfigFinding[] {
  const subject = "cache";
  const asRoot = Deno.uid() === 0 && env("STATE_DIRECTORY") === undefined;
  if (asRoot && cache.file === defaultCacheFile(env)) {
    const text =
      "cache.db in the state directory of the service, such as /var/lib/mta-sts-resolver";
    return [{ kind: "ok", subject, text }];
  }
  if (cache.file === undefined) {
    return [{ kind: "note", subject, text: "in memory only: a restart loses every policy" }];
  }
  return [{ kind: "ok", subject, text: cache.file }];
}

/** The service does not run as root, and may not be able to read what root can. */
function readableFindings(...files: readonly (string | undefined)[]): ConfigFinding[] {
  if (Deno.uid() !== 0) return [];
  return files.flatMap((file) => {
    const { mode } = file === undefined ? { mode: null } : Deno.statSync(file);
    if (mode === null || (mode & 0o004) !== 0) return [];
    const octal = (mode & 0o777).toString(8).padStart(4, "0");
    const text =
      `${file} has mode ${octal}: the service does not run as root and cannot read it: run chmod o+r`;
    return [{ kind: "warning", subject: "permissions", text } as const];
  });
}

function rootFindings({ roots }: Network): ConfigFinding[] {
  const { source, file, certificates } = roots;
  const text = file === undefined
    ? `${source} (built in)`
    : `${file}, certificates: ${certificates}`;
  return [{ kind: "ok", subject: "trust roots", text }, ...readableFindings(file)];
}

async function resolverFindings({ dns }: Network): Promise<ConfigFinding[]> {
  const [probe] = await Promise.all([dns.probe(), dns.inspect()]);
  const resolvers = dns.resolvers().map((resolver): ConfigFinding => {
    const works = resolver.udp === "answers" || resolver.tcp === "answers";
    const [subject, text] = ["resolver", describeResolver(resolver)];
    if (!works) return { kind: "warning", subject, text };
    return resolver.tcp === "no answer"
      ? { kind: "warning", subject, text: `${text}; long answers need TCP` }
      : { kind: "ok", subject, text };
  });
  return [...resolvers, validationFinding(probe)];
}

function validationFinding(probe: Awaited<ReturnType<Network["dns"]["probe"]>>): ConfigFinding {
  const subject = "DNSSEC";
  switch (probe.kind) {
    case "validates":
      return { kind: "ok", subject, text: "the resolver validates" };
    case "does-not-validate":
      return {
        kind: "warning",
        subject,
        text:
          "the resolver does not validate: DANE is not checked: run one that does, such as unbound, " +
          "on this host",
      };
    case "unknown":
      return {
        kind: "failed",
        subject,
        text:
          `the test query failed, so no domain can be looked up: ${probe.reason}: ${probe.detail}`,
      };
  }
}

function mainCfFindings(config: Config, file: string | undefined): ConfigFinding[] {
  const zones = [config.defaultZone, ...config.zones.values()];
  const options = { listen: config.listen, dane: zones.some(({ dane }) => dane !== "off") };
  const subject = "main.cf";
  try {
    const remarks = judgeMainCf(parseMainCf(Deno.readTextFileSync(file ?? MAIN_CF)), options);
    return remarks.map(({ kind, text }) => ({ kind, subject, text }));
  } catch (error) {
    if (file !== undefined) {
      throw new UsageError(`${file}: cannot be read: ${messageOf(error)}`, { cause: error });
    }
    const text = `${MAIN_CF} cannot be read; these lines belong together in it: ` +
      formatMainCf(options).join(" | ");
    return [{ kind: "note", subject, text }];
  }
}
