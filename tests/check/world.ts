/**
 * A domain with everything right, `example.com`, to put one thing wrong in: DNS as a table, mail and
 * web servers with real TLS on loopback behind addresses of the documentation ranges, and the fetch
 * of the policy as an outcome.
 *
 * @module
 */

import { checkDomains } from "../../src/check/check.ts";
import type { GatherOptions } from "../../src/check/gather.ts";
import type { Remembered } from "../../src/check/memory.ts";
import type { DomainReport } from "../../src/check/report.ts";
import { createTlsProbe, type TlsProbe, type TlsTarget } from "../../src/check/tls_probe.ts";
import { closest } from "../../src/config/suggest.ts";
import type { TlsaRecord } from "../../src/dns/types.ts";
import type { FetchOutcome, FetchTrace } from "../../src/https/types.ts";
import { type Clock, createClock } from "../../src/base/clock.ts";
import {
  type Certificate,
  type CertificateOptions,
  createAuthority,
  createCertificate,
  createKey,
} from "../fakes/certificates.ts";
import { createFakeDns, type FakeReply } from "../fakes/fake_dns.ts";
import { type SmtpServer, type SmtpServerOptions, startSmtpServer } from "../fakes/smtp_server.ts";

/** More than any conversation on loopback takes, ms. */
const TIMEOUT_MS = 5000;

/**
 * After a server fell silent, the client comes to wait for it within so many turns of the event loop, however
 * late a busy machine lets them come.
 */
const SILENCE_TURNS = 10;

/** A turn in which sockets have time to move, ms. */
const TURN_MS = 3;

export const DOMAIN = "example.com";

export const POLICY = "version: STSv1\r\nmode: enforce\r\nmx: mx1.example.com\r\n" +
  "mx: *.backup.example.com\r\nmax_age: 1209600\r\n";

/** What stands at an address: a server, or why there is no connection. */
export type Station = SmtpServerOptions | "timeout" | "unreachable" | "refused";

/** The certificates of a world, made once: keys take time. */
export class Authorities {
  readonly root = createAuthority("Example Root");
  readonly intermediate = createAuthority("Example CA", this.root);
  readonly key = createKey();
  readonly #made = new Map<string, Certificate>();

  /** A chain for a host: its own certificate, with the intermediate's. */
  chain(host: string, options: Partial<CertificateOptions> = {}): Certificate[] {
    const made = this.#made.get(host) ?? this.issue(host);
    if (Object.keys(options).length > 0) return [this.issue(host, options), this.intermediate];
    this.#made.set(host, made);
    return [made, this.intermediate];
  }

  /** A certificate for a host. */
  issue(host: string, options: Partial<CertificateOptions> = {}): Certificate {
    return createCertificate({
      subject: host,
      dns: [host],
      issuer: this.intermediate,
      key: this.key,
      ...options,
    });
  }
}

/** The domain, before anybody looks at it. Everything may be changed. */
export class CheckWorld {
  readonly authorities: Authorities;
  readonly dns: Record<string, FakeReply> = {
    "TXT _mta-sts.example.com": { records: ["v=STSv1; id=20260101T000000;"], secure: true },
    "A mta-sts.example.com": { records: ["192.0.2.80"], secure: true },
    "AAAA mta-sts.example.com": { records: ["2001:db8::80"], secure: true },
    "TXT _smtp._tls.example.com": ["v=TLSRPTv1; rua=mailto:tls@example.com,https://example.com/t"],
    "MX example.com": {
      records: [
        { preference: 10, exchange: "mx1.example.com" },
        { preference: 20, exchange: "mx2.backup.example.com" },
      ],
      secure: true,
    },
    "A mx1.example.com": { records: ["192.0.2.1"], secure: true },
    "AAAA mx1.example.com": { records: ["2001:db8::1"], secure: true },
    "A mx2.backup.example.com": { records: ["192.0.2.2"], secure: true },
    "AAAA mx2.backup.example.com": "nodata",
    "TLSA _25._tcp.mx1.example.com": "nxdomain",
    "TLSA _25._tcp.mx2.backup.example.com": "nxdomain",
  };
  /** What stands at the addresses. */
  readonly stations: Record<string, Station>;
  policy = POLICY;
  /** Instead of the policy. */
  outcome: FetchOutcome | undefined;
  readonly trace: Partial<FetchTrace> = { status: 200, elapsed: 120 };
  readonly refused: Record<string, string> = {};
  options: Partial<GatherOptions> = {};
  remembered: Remembered | undefined;
  dnssec: ReturnType<typeof createFakeDns>["dnssec"] = { kind: "validates" };
  /** When the findings are judged, ms; now by default. */
  now: number | undefined;

  constructor(authorities: Authorities) {
    this.authorities = authorities;
    const mx1 = { chain: authorities.chain("mx1.example.com") };
    const web = { chain: authorities.chain("mta-sts.example.com"), implicit: true };
    this.stations = {
      "192.0.2.1": mx1,
      "2001:db8::1": mx1,
      "192.0.2.2": { chain: authorities.chain("mx2.backup.example.com") },
      "192.0.2.80": web,
      "2001:db8::80": web,
    };
  }

  /** Changes what the server at an address does. */
  alter(address: string, options: SmtpServerOptions): void {
    const station = this.stations[address];
    this.stations[address] = { ...(typeof station === "object" ? station : {}), ...options };
  }

  /** Changes a certificate of mx2, which has one address. */
  certify(options: Partial<CertificateOptions>): void {
    this.alter("192.0.2.2", {
      chain: this.authorities.chain("mx2.backup.example.com", options),
    });
  }

  /** The TLSA record `3 1 1` of the key that all hosts have, or a variation of it. */
  async tlsa(change: Partial<TlsaRecord> = {}): Promise<TlsaRecord> {
    const spki = new Uint8Array(this.authorities.key.spki);
    const data = new Uint8Array(await crypto.subtle.digest("SHA-256", spki));
    return { usage: 3, selector: 1, matchingType: 1, data, ...change };
  }

  /** Checks the domain. */
  async check(): Promise<DomainReport> {
    const servers = new Map<Station, SmtpServer>();
    for (const station of Object.values(this.stations)) {
      if (typeof station === "object" && !servers.has(station)) {
        servers.set(station, startSmtpServer(station));
      }
    }
    const clock = createClock();
    const dns = createFakeDns(this.dns);
    dns.dnssec = this.dnssec;
    try {
      const [report] = await checkDomains([DOMAIN], {
        mxOnly: false,
        smtp: true,
        suggest: closest,
        smtpPort: 25,
        directHttps: true,
        ...this.options,
        clock: this.now === undefined ? clock : { ...clock, now: () => this.now ?? 0 },
        ...(this.remembered && { memory: new Map([[DOMAIN, this.remembered]]) }),
        effects: {
          dns,
          guard: (address) => this.refused[address],
          fetchPolicy: (domain, { trace } = {}) => {
            const url = `https://mta-sts.${domain}/.well-known/mta-sts.txt`;
            Object.assign(trace ?? {}, { url, ...this.trace });
            const { outcome, policy } = this;
            return Promise.resolve(
              outcome ?? { kind: "fetched", text: policy, bytes: policy.length },
            );
          },
          probeTls: (target) => this.#probe(target, servers),
        },
      });
      if (report === undefined) throw new TypeError("no report");
      return report;
    } finally {
      for (const server of servers.values()) await server[Symbol.asyncDispose]();
    }
  }

  #probe(target: TlsTarget, servers: ReadonlyMap<Station, SmtpServer>): Promise<TlsProbe> {
    const station = this.stations[target.address] ?? "unreachable";
    const server = servers.get(station);
    if (typeof station === "string" || server === undefined) {
      const how = station as Extract<TlsProbe, { kind: "unconnected" }>["how"];
      return Promise.resolve({ kind: "unconnected", how, detail: `connection ${station}` });
    }
    const probe = createTlsProbe({
      clock: hastyClock(server.silence),
      timeout: TIMEOUT_MS,
      caCerts: [this.authorities.root.certPem],
      connect: () => Deno.connect({ hostname: "127.0.0.1", port: server.port }),
    });
    return probe(target);
  }
}

/** A clock on which all time passes as soon as a server has fallen silent. */
function hastyClock(silence: Promise<void>): Clock {
  return {
    now: () => performance.now(),
    setTimer(callback) {
      let cancelled = false;
      let timer: ReturnType<typeof setTimeout> | undefined;
      function wait(turns: number): void {
        if (cancelled) return;
        if (turns === 0) return callback();
        timer = setTimeout(() => wait(turns - 1), TURN_MS);
      }
      silence.then(() => wait(SILENCE_TURNS));
      return () => {
        cancelled = true;
        clearTimeout(timer);
      };
    },
  };
}
