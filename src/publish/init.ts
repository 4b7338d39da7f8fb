/**
 * Sets up MTA-STS for a domain: proposes a policy from its MX hosts and their certificates, writes
 * the policy file, and prints the DNS records and a web server configuration (RFC 8461 §3, §8).
 *
 * It publishes nothing. DNS and the web server are under the control of the owner.
 *
 * @module
 */

import type { DnsClient } from "../dns/types.ts";
import { policyUrl, txtName } from "../sts/domain.ts";
import { formatPolicy, POLICY_MAX_BYTES } from "../sts/policy.ts";
import type { Policy } from "../sts/policy.ts";
import { selectTxtRecord } from "../sts/txt_record.ts";
import { proposePatterns } from "./mx_patterns.ts";
import { formatHostRecords, formatTxtLine, freshId } from "./records.ts";
import type { Files } from "../base/files.ts";
import { existingRecordRemarks } from "./receiver_uris.ts";
import type { CertificateView, ViewCertificate } from "./types.ts";
import { formatSnippet } from "./web_snippets.ts";
import type { WebServer } from "./web_snippets.ts";

/** Two weeks, seconds. RFC 8461 §3.2 expects values "in the range of weeks or greater". */
export const DEFAULT_MAX_AGE = 14 * 86400;

/** MX hosts whose certificates are checked. Few domains have more, and each host costs connections. */
const VIEWS_MAX = 32;

/** What to set up. */
export interface InitOptions {
  /** Lower-case A-labels. */
  readonly domain: string;
  readonly mode: Policy["mode"];
  /** Seconds. */
  readonly maxAge: number;
  /** Patterns to use instead of a proposal; empty for the proposal. */
  readonly mx: readonly string[];
  /** Absolute path of the policy file. */
  readonly file: string;
  /** Overwrite an existing file, and enforce in spite of a bad certificate. */
  readonly force: boolean;
  readonly webServers: readonly WebServer[];
  readonly webHost?: string;
  /** One or more URIs, separated by commas. */
  readonly reportUri?: string;
  /** What is to be done so that reports arrive there, in sentences. */
  readonly reportRemarks: readonly string[];
}

/** What {@link initPolicy} needs. */
export interface InitEffects {
  readonly dns: Pick<DnsClient, "lookup" | "lookupTxt">;
  readonly files: Files;
  /** Absent: certificates are not checked. */
  readonly viewCertificate?: ViewCertificate;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** The result of {@link initPolicy}. */
export type InitOutcome =
  /** `report`: whole lines for a person. */
  | { readonly kind: "written"; readonly policy: Policy; readonly report: string }
  /** `force` is needed, or the domain cannot have a policy. Nothing was written. */
  | { readonly kind: "refused"; readonly problem: string; readonly advice: string }
  | { readonly kind: "failed"; readonly problem: string };

type Stopped = Exclude<InitOutcome, { kind: "written" }>;

interface MailHosts {
  readonly kind: "hosts";
  /** In order of preference. */
  readonly names: readonly string[];
  readonly remarks: readonly string[];
}

interface HostView {
  readonly name: string;
  readonly certificate: CertificateView | undefined;
}

/** Sets up a domain; see {@link InitOutcome}. Never rejects. */
export async function initPolicy(
  options: InitOptions,
  effects: InitEffects,
): Promise<InitOutcome> {
  const { domain, file, force, mode, maxAge } = options;
  const existing = await effects.files.read(file, POLICY_MAX_BYTES);
  if (existing.kind === "failed") return { kind: "failed", problem: existing.detail };
  if (existing.kind === "read" && !force) {
    return refused(
      `${file} exists already`,
      "change it with 'publish roll', or overwrite it with --force",
    );
  }
  const found = await findMailHosts(domain, effects.dns);
  if (found.kind !== "hosts") return found;
  const hosts = await viewHosts(found.names, effects.viewCertificate);
  const bad = hosts.find(({ certificate }) => certificate?.kind === "bad");
  if (mode === "enforce" && bad !== undefined && !force) {
    return refused(
      `${bad.name}: ${bad.certificate?.detail}: senders would not deliver mail to it`,
      "correct the certificate, or begin with --mode testing",
    );
  }
  const proposal = options.mx.length > 0
    ? { patterns: options.mx, remarks: [] }
    : proposePatterns(domain, found.names);
  if (proposal.patterns.length === 0) {
    return refused(`no MX host of ${domain} has a valid name`, "correct the MX records");
  }
  const policy: Policy = { mode, maxAge, mx: proposal.patterns };
  const remarks = [
    ...found.remarks,
    ...proposal.remarks,
    ...hostRemarks(hosts),
    ...await publicationRemarks(domain, effects.dns),
    ...reportRemarks(options),
    ...(options.reportUri === undefined ? [] : await existingRecordRemarks(domain, effects.dns)),
  ];
  const written = await effects.files.write(file, new TextEncoder().encode(formatPolicy(policy)));
  if (written.kind === "failed") return { kind: "failed", problem: written.detail };
  const id = freshId(effects.now());
  return { kind: "written", policy, report: formatReport(options, { policy, hosts, remarks, id }) };
}

function refused(problem: string, advice: string): Stopped {
  return { kind: "refused", problem, advice };
}

async function findMailHosts(
  domain: string,
  { lookup }: InitEffects["dns"],
): Promise<MailHosts | Stopped> {
  const answer = await lookup(domain, "MX");
  switch (answer.kind) {
    case "failed":
      return { kind: "failed", problem: `cannot look up the MX records: ${answer.detail}` };
    case "nxdomain":
      return refused(`${domain} does not exist in DNS`, "check the name");
    case "nodata":
      return {
        kind: "hosts",
        names: [domain],
        remarks: [`There is no MX record, so ${domain} is its own mail host (RFC 5321 §5.1).`],
      };
    case "found": {
      const records = answer.records.toSorted((one, other) => one.preference - other.preference);
      const names = records.map(({ exchange }) => exchange).filter((name) => name !== "");
      return names.length === 0
        ? refused(
          `${domain} accepts no mail: its MX record is null (RFC 7505)`,
          "it needs no policy",
        )
        : { kind: "hosts", names, remarks: [] };
    }
  }
}

function viewHosts(
  names: readonly string[],
  view: ViewCertificate | undefined,
): Promise<HostView[]> {
  return Promise.all(
    names.map(async (name, index) => ({
      name,
      certificate: index < VIEWS_MAX ? await view?.(name) : undefined,
    })),
  );
}

function hostRemarks(hosts: readonly HostView[]): string[] {
  const remarks: string[] = [];
  if (hosts.every(({ certificate }) => certificate === undefined)) {
    remarks.push(
      "The certificates of the MX hosts were not checked.",
    );
  }
  if (hosts.some(({ certificate }) => certificate?.kind === "bad")) {
    remarks.push("Correct the certificates before the mode becomes enforce (RFC 8461 §4.2).");
  }
  return remarks;
}

async function publicationRemarks(
  domain: string,
  { lookupTxt }: InitEffects["dns"],
): Promise<string[]> {
  const answer = await lookupTxt(txtName(domain));
  if (answer.kind !== "found" || selectTxtRecord(answer.records).kind !== "found") return [];
  return [
    `${domain} already has an MTA-STS record: serve the file first, then change the id (RFC 8461 §8.1).`,
  ];
}

function reportRemarks({ mode, reportUri, reportRemarks }: InitOptions): readonly string[] {
  return mode === "testing" && reportUri === undefined
    ? ["Mode testing is of no use without reports: give an address with --rua (RFC 8460)."]
    : reportRemarks;
}

function formatReport(
  options: InitOptions,
  { policy, hosts, remarks, id }: {
    readonly policy: Policy;
    readonly hosts: readonly HostView[];
    readonly remarks: readonly string[];
    readonly id: string;
  },
): string {
  const { domain, file, webServers } = options;
  const lines = ["MX hosts:"];
  for (const { name, certificate } of hosts) {
    lines.push(`  ${name}${certificate ? `: ${certificate.detail}` : ""}`);
  }
  lines.push("", `Policy, written to ${file}:`);
  lines.push(...formatPolicy(policy).split("\r\n").slice(0, -1).map((line) => `  ${line}`));
  if (remarks.length > 0) lines.push("", ...remarks.map((remark) => `Note: ${remark}`));
  // The TXT record comes last because senders that see it fetch the policy (RFC 8461 §8.1).
  lines.push("", "1. Publish in DNS:", "", ...formatHostRecords(options));
  const directory = file.slice(0, file.lastIndexOf("/")) || "/";
  lines.push(
    "",
    `2. Serve the file as ${policyUrl(domain)}, either with`,
  );
  lines.push(
    "",
    `mta-sts-resolver publish serve --policies "${directory}" --certs /etc/letsencrypt/live`,
    "",
    `   or with ${webServers.length > 1 ? "one of these web servers" : "a web server"}:`,
  );
  for (const server of webServers) {
    lines.push("", `# ${server}`, formatSnippet(server, { domain, file }).replace(/\n$/, ""));
  }
  lines.push("", "3. When the file is served, publish in DNS:", "", formatTxtLine(domain, id));
  if (policy.mode === "testing") {
    lines.push("", "4. When the reports have shown no failures for some weeks:", "");
    lines.push(`mta-sts-resolver publish roll ${domain} --out "${directory}" --mode enforce`);
  }
  return lines.join("\n") + "\n";
}
