/**
 * What the report daemon and its commands meet: DNS, a mail server and a file of an earlier process.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { createLog } from "../../src/base/log.ts";
import { createMetrics } from "../../src/base/metrics.ts";
import { dkimRecord, makeDkimKey, readDkimKey } from "../../src/mail/dkim_key.ts";
import { createReportStore } from "../../src/reports/report_store.ts";
import { ReportView } from "../../src/reports/report_view.ts";
import type { DomainCount } from "../../src/tlsrpt/session.ts";
import { session } from "../reports/support.ts";
import { type Daemon, type Outside, startDaemon, startOutside } from "./daemon.ts";
import { txt } from "./fake_dns_server.ts";
import { type MailSink, startMailSink } from "./mail_sink.ts";
import { runTool } from "./tool.ts";

const MAIN = new URL("../../main.ts", import.meta.url).pathname;
const COMMAND = [Deno.execPath(), "run", "-A", "--quiet", MAIN, "report"];
/** A day, ms. */
export const DAY_MS = 86_400_000;

/** A day that is over at any time of today: its reports are due. */
export const DAY = Math.floor(Date.now() / DAY_MS) - 2;

/** Everything that the report daemon meets. */
export class ReportBench implements AsyncDisposable {
  readonly config: string;
  readonly file: string;
  readonly record: string;
  readonly #parts: readonly AsyncDisposable[];

  private constructor(
    readonly outside: Outside,
    readonly sink: MailSink,
    given: { config: string; file: string; record: string },
  ) {
    ({ config: this.config, file: this.file, record: this.record } = given);
    this.#parts = [sink, outside];
  }

  static async start(more = ""): Promise<ReportBench> {
    const outside = await startOutside();
    const sink = startMailSink();
    const { directory, dns } = outside;
    const [file, keyFile] = [`${directory}/reports.db`, `${directory}/key.pem`];
    const pem = await makeDkimKey("rsa");
    await Deno.writeTextFile(keyFile, pem);
    const record = dkimRecord(await readDkimKey(pem));
    dns.table["TXT s1._domainkey.example.com"] = txt(record);
    const config = await outside.configure([
      `report:`,
      `  collect: "unix:${directory}/tlsrpt.sock"`,
      `  file: "${file}"`,
      `  organization: Example Ltd.`,
      `  contact: tls@example.com`,
      `  smtp: "127.0.0.1:${sink.port}"`,
      `  dkim: {selector: s1, key_file: "${keyFile}"}`,
      `  window: 0`,
      more,
    ].join("\n"));
    return new ReportBench(outside, sink, { config, file, record });
  }

  /** Counts, as an earlier process has. */
  count(...domains: DomainCount[]): void {
    const store = createReportStore({
      path: this.file,
      log: createLog({ level: "error", format: "text" }),
      metrics: createMetrics(),
      now: Date.now,
      proven: Date.now,
      onLastSeen() {},
      sender: () => ({ organization: "", contact: "" }),
    });
    assertEquals(store.count({ day: DAY, counts: domains }), 0);
    store.close();
  }

  publish(domain: string, ...uris: string[]): void {
    this.outside.dns.table[`TXT _smtp._tls.${domain}`] = txt(`v=TLSRPTv1; rua=${uris.join(",")}`);
  }

  serve(): Promise<Daemon> {
    return startDaemon({ config: this.config, args: [], command: COMMAND });
  }

  /** Runs a command about reports with this configuration. */
  async run(command: string, ...args: string[]) {
    const [program, ...first] = COMMAND;
    const result = await runTool([program!, ...first, command, "-c", this.config, ...args]);
    return result!;
  }

  /** Deliveries of {@link DAY}. */
  deliveries(): Record<string, number> {
    const view = new ReportView(this.file);
    try {
      return view.days().find(({ day }) => day === DAY)?.deliveries ?? {};
    } finally {
      view.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const part of this.#parts) await part[Symbol.asyncDispose]();
  }
}

/** Waits for something to hold, for as long as a process needs. */
export async function until(holds: () => boolean): Promise<void> {
  for (let left = 400; left > 0; left--) {
    if (holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("it does not come true");
}

/** A session that failed. */
export const FAILED = session("a.test", {
  details: [{ result: "certificate-expired", count: 1, mxHost: "mx.a.test", reason: "--=_x" }],
});
