/**
 * Every fault a check must find, one at a time in a domain that is right otherwise, and what it is to
 * be called. Printed as a table by `deno run -A tests/check/fault_table.ts`.
 *
 * @module
 */

import type { FindingId } from "../../src/check/finding.ts";
import type { TlsaRecord } from "../../src/dns/types.ts";
import { formatPolicy } from "../../src/sts/policy.ts";
import { createAuthority } from "../fakes/certificates.ts";
import { refuseTlsVersion } from "../fakes/smtp_server.ts";
import { Authorities, CheckWorld, POLICY } from "./world.ts";

/** One fault. */
export interface Fault {
  /** What is wrong, in words. */
  readonly name: string;
  /** The warnings and errors it must lead to, no others, and any remarks that must be among the others. */
  readonly findings: readonly FindingId[];
  arrange(world: CheckWorld): void | Promise<void>;
}

const DAY_MS = 86_400_000;
const MX2 = "192.0.2.2";
const WEB = "192.0.2.80";

function fault(name: string, findings: readonly FindingId[], arrange: Fault["arrange"]): Fault {
  return { name, findings, arrange };
}

/** A TXT record with a mistake. */
function txt(name: string, finding: FindingId, records: readonly string[]): Fault {
  return fault(name, [finding], (world) => {
    world.dns["TXT _mta-sts.example.com"] = records;
  });
}

/** A TLSRPT record with a mistake. */
function tlsrpt(name: string, finding: FindingId, records: readonly string[]): Fault {
  return fault(name, [finding], (world) => {
    world.dns["TXT _smtp._tls.example.com"] = records;
  });
}

/** A policy made from the right one. */
function policy(
  name: string,
  findings: readonly FindingId[],
  change: (text: string) => string,
): Fault {
  return fault(name, findings, (world) => {
    world.policy = change(POLICY);
  });
}

/** A fetch that fails after TLS. */
function https(
  name: string,
  finding: FindingId,
  [reason, detail]: [
    "redirect" | "status" | "media-type" | "encoding" | "too-large" | "body",
    string,
  ],
): Fault {
  return fault(name, [finding], (world) => {
    world.outcome = { kind: "failed", reason, detail };
  });
}

/** An MX host that breaks the session before TLS. */
function smtp(
  name: string,
  finding: FindingId,
  options: Parameters<CheckWorld["alter"]>[1],
): Fault {
  return fault(name, [finding], (world) => world.alter(MX2, options));
}

/** An MX host with a certificate that is wrong. */
function certificate(
  name: string,
  finding: FindingId,
  options: Parameters<CheckWorld["certify"]>[0],
): Fault {
  return fault(name, [finding], (world) => world.certify(options));
}

const TXT_FAULTS: readonly Fault[] = [
  fault("no MTA-STS at all", ["txt-missing", "host-no-address"], (world) => {
    world.dns["TXT _mta-sts.example.com"] = "nxdomain";
    world.dns["A mta-sts.example.com"] = "nxdomain";
    world.dns["AAAA mta-sts.example.com"] = "nxdomain";
    world.outcome = { kind: "failed", reason: "no-address", detail: "no address" };
    world.trace.status = undefined;
  }),
  fault("TXT record missing", ["txt-missing"], (world) => {
    world.dns["TXT _mta-sts.example.com"] = "nodata";
  }),
  txt("only other TXT records at the name", "txt-missing", ["v=spf1 -all"]),
  fault("TXT record at the domain itself", ["txt-misplaced"], (world) => {
    world.dns["TXT _mta-sts.example.com"] = "nxdomain";
    world.dns["TXT example.com"] = ["v=spf1 -all", "v=STSv1; id=1;"];
  }),
  fault("domain doubled in the zone file", ["txt-misplaced"], (world) => {
    world.dns["TXT _mta-sts.example.com"] = "nxdomain";
    world.dns["TXT _mta-sts.example.com.example.com"] = ["v=STSv1; id=1;"];
  }),
  txt("two TXT records", "txt-several", ["v=STSv1; id=1;", "v=STSv1; id=2;"]),
  txt("quotation marks inside the record", "txt-quoted", ['"v=STSv1; id=1;"']),
  txt("backslash before the semicolon", "txt-quoted", ["v=STSv1\\; id=1\\;"]),
  txt("id missing", "txt-id", ["v=STSv1;"]),
  txt("hyphens in the id", "txt-id", ["v=STSv1; id=2026-01-01;"]),
  txt("id too long", "txt-id", [`v=STSv1; id=${"1".repeat(33)};`]),
  txt("version in small letters", "txt-syntax", ["v=stsv1; id=1;"]),
  txt("commas instead of semicolons", "txt-syntax", ["v=STSv1, id=1"]),
  txt("white space before the first semicolon", "txt-space-after-version", ["v=STSv1 ; id=1;"]),
  txt("fields beside v and id", "txt-fields", ["v=STSv1; id=1; note=x;"]),
  fault("TXT record through an alias", ["txt-alias"], (world) => {
    world.dns["TXT _mta-sts.example.com"] = {
      records: ["v=STSv1; id=1;"],
      owner: "_mta-sts.provider.example",
    };
  }),
  fault("TTL of a week", ["txt-ttl-long"], (world) => {
    world.dns["TXT _mta-sts.example.com"] = { records: ["v=STSv1; id=1;"], ttl: 604_800 };
  }),
  fault("TXT lookup fails", ["dns-failed"], (world) => {
    world.dns["TXT _mta-sts.example.com"] = "servfail";
  }),
  fault("resolver down", ["dns-unreachable"], (world) => {
    world.dns["TXT _mta-sts.example.com"] = "unreachable";
  }),
  fault("TXT record bogus", ["dns-bogus"], (world) => {
    world.dns["TXT _mta-sts.example.com"] = "bogus";
  }),
  fault("policy changed without a new id", ["id-not-changed"], (world) => {
    world.remembered = { id: "20260101T000000", digest: "00", modeSince: 0, findings: [] };
  }),
];

const HOST_FAULTS: readonly Fault[] = [
  fault("policy host without address", ["host-no-address"], (world) => {
    world.dns["A mta-sts.example.com"] = "nxdomain";
    world.dns["AAAA mta-sts.example.com"] = "nxdomain";
    world.outcome = { kind: "failed", reason: "no-address", detail: "no address" };
    world.trace.status = undefined;
  }),
  fault("policy host with a private address", ["host-address-private"], (world) => {
    world.refused[WEB] = "private";
  }),
  fault("policy host is an alias", ["host-alias"], (world) => {
    world.dns["A mta-sts.example.com"] = { records: [WEB], owner: "web.provider.example" };
  }),
  fault("policy host without IPv4", ["host-no-ipv4"], (world) => {
    world.dns["A mta-sts.example.com"] = "nodata";
  }),
  fault("policy host without IPv6", ["host-no-ipv6"], (world) => {
    world.dns["AAAA mta-sts.example.com"] = "nodata";
  }),
  fault("policy host refuses connections on one address", ["host-unreachable"], (world) => {
    world.stations["2001:db8::80"] = "refused";
  }),
  fault("policy host down", ["host-unreachable"], (world) => {
    world.stations[WEB] = "timeout";
    world.stations["2001:db8::80"] = "timeout";
    world.outcome = { kind: "failed", reason: "timeout", detail: "deadline passed" };
    world.trace.status = undefined;
  }),
  fault("no IPv6 from here to the policy host", ["host-untested"], (world) => {
    world.stations["2001:db8::80"] = "unreachable";
  }),
  fault("web server's certificate for another name", ["certificate-name"], (world) => {
    world.alter(WEB, { chain: world.authorities.chain("www.example.com") });
  }),
  fault("web server speaks TLS 1.1 only", ["tls-version"], (world) => {
    world.alter(WEB, { rawTls: refuseTlsVersion });
  }),
  fault("lookup of the policy host fails", ["dns-failed"], (world) => {
    world.dns["A mta-sts.example.com"] = "servfail";
    world.dns["AAAA mta-sts.example.com"] = "servfail";
    world.outcome = { kind: "failed", reason: "dns", detail: "servfail", dns: "servfail" };
    world.trace.status = undefined;
  }),
  https("redirect", "https-redirect", ["redirect", 'HTTP status 301, to "https://example.com/"']),
  https("status 404", "https-status", ["status", "HTTP status 404"]),
  https("media type text/html", "https-media-type", ["media-type", 'media type is "text/html"']),
  fault("media type sent twice", ["https-media-type-twice"], (world) => {
    world.trace.mediaType = "text/plain, text/plain; charset=utf-8";
  }),
  https("compressed unasked", "https-encoding", ["encoding", 'content coding "gzip"']),
  https("file too large", "https-too-large", ["too-large", "body is above 65536 bytes"]),
  https("answer cut off", "https-body", ["body", "body is incomplete"]),
  fault("web server hangs after TLS", ["https-timeout"], (world) => {
    world.outcome = { kind: "failed", reason: "timeout", detail: "deadline passed" };
    world.trace.status = undefined;
  }),
  fault("slow answer", ["https-slow"], (world) => {
    world.trace.elapsed = 8000;
  }),
];

const POLICY_FAULTS: readonly Fault[] = [
  policy("blank line", ["policy-blank-line"], (text) => text.replace("mx: *", "\r\nmx: *")),
  policy(
    "white space before the colon",
    ["policy-space-before-colon"],
    (text) => text.replace("max_age:", "max_age :"),
  ),
  policy("indented line", ["policy-leading-space"], (text) => text.replace("mode", "  mode")),
  policy("byte order mark", ["policy-byte-order-mark"], (text) => `\ufeff${text}`),
  policy("line ends of old Macs", ["policy-bare-cr"], (text) => text.replaceAll("\r\n", "\r")),
  policy("mixed line ends", ["policy-line-ends"], (text) => text.replace("\r\n", "\n")),
  policy("comment", ["policy-not-a-field"], (text) => `${text}# the end\r\n`),
  policy(
    "version missing",
    ["policy-missing-version"],
    (text) => text.replace(/^version.*\r\n/, ""),
  ),
  policy("version STSv2", ["policy-bad-version"], (text) => text.replace("STSv1", "STSv2")),
  policy("mode in capitals", ["policy-bad-mode"], (text) => text.replace("enforce", "Enforce")),
  policy("max_age in days", ["policy-bad-max-age"], (text) => text.replace("1209600", "14d")),
  policy("max_age of an hour", ["policy-max-age-short"], (text) => text.replace("1209600", "3600")),
  policy("max_age 0", ["policy-max-age-zero"], (text) => text.replace("1209600", "0")),
  policy(
    "max_age of ten years",
    ["policy-max-age-over-limit"],
    (text) => text.replace("1209600", "315576000"),
  ),
  policy(
    "field misspelt",
    ["policy-misspelt-field", "policy-missing-max-age"],
    (text) => text.replace("max_age", "maxage"),
  ),
  policy("unknown field", ["policy-unknown-field"], (text) => `${text}contact: x\r\n`),
  policy("field given twice", ["policy-duplicate-field"], (text) => `${text}mode: none\r\n`),
  policy("mx given twice", ["policy-mx-repeated"], (text) => `${text}mx: mx1.example.com\r\n`),
  policy("mx is an address", ["policy-mx-address"], (text) => `${text}mx: 192.0.2.1\r\n`),
  policy("mx with several hosts", ["policy-mx-several"], (text) => `${text}mx: a.b, c.d\r\n`),
  policy(
    "mx with umlauts",
    ["policy-mx-u-label"],
    (text) => `${text}mx: mx.b\u00fccher.example\r\n`,
  ),
  policy(
    "mx for a whole top-level domain",
    ["policy-mx-wildcard-wide", "policy-mx-unused"],
    (text) => `${text}mx: *.com\r\n`,
  ),
  policy(
    "old host left in the policy",
    ["policy-mx-unused"],
    (text) => `${text}mx: old.example.com\r\n`,
  ),
  policy(
    "MX host not in the policy",
    ["mx-not-in-policy"],
    (text) => text.replace("mx: *.backup.example.com\r\n", ""),
  ),
  policy(
    "wildcard one label short",
    ["mx-not-in-policy", "policy-mx-unused"],
    (text) => text.replace("*.backup.example.com", "*.example.net"),
  ),
  policy(
    "mode none",
    ["policy-mode-none"],
    () => formatPolicy({ mode: "none", mx: [], maxAge: 86_400 }),
  ),
  fault("mode testing since today", ["policy-mode-testing"], (world) => {
    world.policy = POLICY.replace("enforce", "testing");
    const today = new Date().toISOString().slice(0, 10).replaceAll("-", "");
    world.dns["TXT _mta-sts.example.com"] = [`v=STSv1; id=${today};`];
  }),
  fault("mode testing for a year", ["policy-mode-testing-long"], (world) => {
    world.policy = POLICY.replace("enforce", "testing");
    world.dns["TXT _mta-sts.example.com"] = ["v=STSv1; id=20200101;"];
  }),
];

const MX_FAULTS: readonly Fault[] = [
  fault("domain without MX and address", ["mx-missing"], (world) => {
    world.dns["MX example.com"] = "nodata";
  }),
  fault("domain does not exist for MX", ["mx-missing"], (world) => {
    world.dns["MX example.com"] = "nxdomain";
  }),
  fault("no MX record, but an address", ["mx-implicit", "policy-mx-unused"], (world) => {
    world.dns["MX example.com"] = "nodata";
    world.dns["A example.com"] = ["192.0.2.1"];
    world.policy = `${POLICY}mx: example.com\r\n`.replace("mx: *.backup.example.com\r\n", "");
    world.alter("192.0.2.1", { chain: world.authorities.chain("example.com") });
  }),
  fault("null MX", ["mx-null"], (world) => {
    world.dns["MX example.com"] = [{ preference: 0, exchange: "" }];
  }),
  fault("MX record names an address", ["mx-name-invalid"], (world) => {
    const records = [{ preference: 5, exchange: "192.0.2.1" }];
    world.dns["MX example.com"] = [
      ...records,
      ...mxRecords("mx1.example.com", "mx2.backup.example.com"),
    ];
  }),
  fault("MX host is an alias", ["mx-alias"], (world) => {
    world.dns["A mx2.backup.example.com"] = { records: [MX2], owner: "mail.provider.example" };
  }),
  fault("MX host without address", ["mx-no-address"], (world) => {
    world.dns["A mx2.backup.example.com"] = "nxdomain";
    world.dns["AAAA mx2.backup.example.com"] = "nxdomain";
  }),
  fault("MX host with a private address", ["mx-address-private"], (world) => {
    world.refused[MX2] = "private";
  }),
  fault("MX lookup fails", ["dns-failed"], (world) => {
    world.dns["MX example.com"] = "refused";
  }),
  fault("lookup of an MX host fails", ["dns-failed"], (world) => {
    world.dns["A mx2.backup.example.com"] = "timeout";
  }),
  fault("port 25 blocked from here", ["smtp-blocked"], (world) => {
    for (const address of ["192.0.2.1", "2001:db8::1", MX2]) world.stations[address] = "timeout";
  }),
  fault("one MX host down", ["smtp-unreachable"], (world) => {
    world.stations[MX2] = "timeout";
  }),
  fault("one MX host refuses connections", ["smtp-unreachable"], (world) => {
    world.stations[MX2] = "refused";
  }),
  smtp("MX host hangs before the greeting", "smtp-timeout", { greeting: "silent" }),
  smtp("MX host hangs after EHLO", "smtp-timeout", { hello: "silent" }),
  smtp("MX host hangs after STARTTLS", "smtp-timeout", { startTls: "silent" }),
  smtp("MX host closes the connection", "smtp-closed", { greeting: "close" }),
  smtp("MX host speaks another protocol", "smtp-garbage", { greeting: "SSH-2.0-OpenSSH_9.2\r\n" }),
  smtp("endless line", "smtp-garbage", { greeting: `220 ${"x".repeat(5000)}\r\n` }),
  smtp("endless reply", "smtp-garbage", { hello: "250-x\r\n".repeat(200) }),
  smtp("MX host greets with 554", "smtp-greeting", { greeting: "554 go away\r\n" }),
  smtp("EHLO refused", "smtp-ehlo", { hello: "502 what\r\n" }),
  smtp("no STARTTLS", "smtp-no-starttls", { hello: "250-mx\r\n250 8BITMIME\r\n" }),
  smtp("STARTTLS hidden by a firewall", "smtp-no-starttls", {
    hello: "250-mx\r\n250 XXXXXXXA\r\n",
  }),
  smtp("STARTTLS refused", "smtp-starttls-refused", { startTls: "454 no key\r\n" }),
  smtp("text between STARTTLS and TLS", "smtp-trailing", {
    startTls: "220 go\r\n250 injected\r\n",
  }),
  smtp("TLS 1.1 only", "tls-version", { rawTls: refuseTlsVersion }),
  smtp("no TLS behind STARTTLS", "tls-failed", { rawTls: (conn) => conn.close() }),
  smtp("EHLO inside TLS refused", "smtp-after-tls", { helloAgain: "421 no\r\n" }),
  certificate("certificate for another name", "certificate-name", { dns: ["other.example"] }),
  certificate("name in the common name only", "certificate-cn-only", { dns: [] }),
  certificate("wildcard two labels up", "certificate-name", { dns: ["*.example.com"] }),
  certificate("certificate expired", "certificate-expired", {
    notBefore: new Date(Date.now() - 90 * DAY_MS),
    notAfter: new Date(Date.now() - DAY_MS),
  }),
  certificate("certificate of the future", "certificate-not-yet-valid", {
    notBefore: new Date(Date.now() + DAY_MS),
    notAfter: new Date(Date.now() + 90 * DAY_MS),
  }),
  certificate("certificate ends in five days", "certificate-expires-soon", {
    notBefore: new Date(Date.now() - 85 * DAY_MS),
    notAfter: new Date(Date.now() + 5.5 * DAY_MS),
  }),
  certificate("certificate for clients", "certificate-usage", { usage: "clientAuth" }),
  certificate("certificate signed with SHA-1", "certificate-weak", { hash: "sha1" }),
  fault("certificate self-signed", ["certificate-self-signed"], (world) => {
    world.alter(MX2, {
      chain: [world.authorities.issue("mx2.backup.example.com", { issuer: undefined })],
    });
  }),
  fault("intermediate certificate missing", ["certificate-chain"], (world) => {
    world.alter(MX2, { chain: world.authorities.chain("mx2.backup.example.com").slice(0, 1) });
  }),
  fault("authority nobody knows", ["certificate-untrusted"], (world) => {
    const issuer = createAuthority("Private CA");
    world.alter(MX2, {
      chain: [world.authorities.issue("mx2.backup.example.com", { issuer }), issuer],
    });
  }),
  fault("no MX host with a valid certificate", ["certificate-name", "mx-none-usable"], (world) => {
    const chain = world.authorities.chain("other.example");
    for (const address of ["192.0.2.1", "2001:db8::1", MX2]) world.alter(address, { chain });
  }),
];

const TLSRPT_FAULTS: readonly Fault[] = [
  fault("TLSRPT record missing", ["tlsrpt-missing"], (world) => {
    world.dns["TXT _smtp._tls.example.com"] = "nxdomain";
  }),
  tlsrpt("two TLSRPT records", "tlsrpt-several", [
    "v=TLSRPTv1; rua=mailto:a@example.com",
    "v=TLSRPTv1; rua=mailto:b@example.com",
  ]),
  tlsrpt("TLSRPT version in small letters", "tlsrpt-syntax", ["v=tlsrptv1; rua=mailto:a@b.c"]),
  tlsrpt("TLSRPT record with a broken field", "tlsrpt-syntax", [
    "v=TLSRPTv1; rua=mailto:a@example.com; what is this",
  ]),
  tlsrpt("TLSRPT without rua", "tlsrpt-no-rua", ["v=TLSRPTv1; ruf=mailto:a@example.com"]),
  tlsrpt("rua without mailto:", "tlsrpt-scheme", ["v=TLSRPTv1; rua=a@example.com"]),
  tlsrpt("rua with http:", "tlsrpt-scheme", ["v=TLSRPTv1; rua=http://example.com/"]),
  tlsrpt("rua with a space", "tlsrpt-uri", ["v=TLSRPTv1; rua=mailto:a b@example.com"]),
  fault("lookup of TLSRPT fails", ["dns-failed"], (world) => {
    world.dns["TXT _smtp._tls.example.com"] = "servfail";
  }),
];

const DANE_FAULTS: readonly Fault[] = [
  fault("zone not signed", ["dnssec-none"], (world) => {
    world.dns["MX example.com"] = mxRecords("mx1.example.com", "mx2.backup.example.com");
  }),
  fault("resolver does not validate", ["dnssec-unknown"], (world) => {
    world.dnssec = { kind: "does-not-validate", detail: "no AD bit" };
  }),
  fault("TLSA record of another key", ["dane-mismatch"], async (world) => {
    publishTlsa(world, await world.tlsa({ data: new Uint8Array(32) }));
  }),
  fault("TLSA records at one of two MX hosts", ["dane-partial"], async (world) => {
    publishTlsa(world, await world.tlsa());
    world.dns["TLSA _25._tcp.mx2.backup.example.com"] = "nxdomain";
  }),
  fault("TLSA record of an unusable kind", ["dane-unusable"], async (world) => {
    publishTlsa(world, await world.tlsa({ usage: 1 }));
  }),
  fault("TLSA record in an unsigned zone", ["dane-insecure"], async (world) => {
    publishTlsa(world, await world.tlsa());
    world.dns["TLSA _25._tcp.mx2.backup.example.com"] = [await world.tlsa()];
  }),
  fault("TLSA records behind unsigned MX records", ["dane-mx-insecure"], async (world) => {
    publishTlsa(world, await world.tlsa());
    world.dns["MX example.com"] = mxRecords("mx1.example.com", "mx2.backup.example.com");
  }),
  fault("TLSA lookup bogus", ["dns-bogus"], (world) => {
    world.dns["TLSA _25._tcp.mx2.backup.example.com"] = "bogus";
  }),
];

/** All faults. */
export const FAULTS: readonly Fault[] = [
  ...TXT_FAULTS,
  ...HOST_FAULTS,
  ...POLICY_FAULTS,
  ...MX_FAULTS,
  ...TLSRPT_FAULTS,
  ...DANE_FAULTS,
];

function mxRecords(...names: string[]) {
  return names.map((exchange, index) => ({ preference: 10 * (index + 1), exchange }));
}

/** Publishes a record at both hosts, signed. */
function publishTlsa(world: CheckWorld, record: TlsaRecord): void {
  for (const host of ["mx1.example.com", "mx2.backup.example.com"]) {
    world.dns[`TLSA _25._tcp.${host}`] = { records: [record], secure: true };
  }
}

/** Puts a fault into a new domain and returns the names of what is found, remarks included. */
export async function findFault(fault: Fault, authorities: Authorities) {
  const world = new CheckWorld(authorities);
  await fault.arrange(world);
  return (await world.check()).findings;
}

if (import.meta.main) {
  const authorities = new Authorities();
  const width = Math.max(...FAULTS.map(({ name }) => name.length));
  for (const fault of FAULTS) {
    const found = (await findFault(fault, authorities)).filter(({ severity, id }) =>
      severity === "warning" || severity === "error" || fault.findings.includes(id)
    );
    const told = new Set(found.map(({ id, severity }) => `${severity} ${id}`));
    console.log(`${fault.name.padEnd(width)}  ${[...told].join(", ")}`);
  }
  console.log(`${FAULTS.length} faults`);
}
