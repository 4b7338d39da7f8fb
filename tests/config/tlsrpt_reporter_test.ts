import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { convertConfig } from "../../src/config/convert.ts";
import { isTlsrptReporter } from "../../src/config/tlsrpt_reporter.ts";
import { loadText } from "./load_text.ts";

const COLLECTD = `[tlsrpt_collectd]
storage = sqlite:///var/lib/tlsrpt-reporter/collectd.sqlite
socketname = /var/spool/postfix/tlsrpt/collectd.sock
socketmode = 0660
# a comment
log_level = warning
`;

const REPORTD = `[tlsrpt_reportd]
organization_name = Example Ltd.
contact_info=tls@Example.com
sender_address = noreply@example.com
keep_days: 10
spread_out_delivery = 36000
sendmail_script = sendmail -i -t
`;

Deno.test("convertConfig() converts both files of tlsrpt-reporter", () => {
  assert(isTlsrptReporter(COLLECTD) && isTlsrptReporter(REPORTD));
  assert(!isTlsrptReporter("listen: []\n"));
  const converted = convertConfig(`${COLLECTD}\n${REPORTD}`, "collectd.cfg and reportd.cfg");
  const { report, log } = loadText(converted).config;
  assertEquals(report.collect, {
    kind: "unix",
    path: "/var/spool/postfix/tlsrpt/collectd.sock",
  });
  assertEquals(
    [report.organization, report.contact, report.keepDays, report.window, log.level],
    ["Example Ltd.", "tls@example.com", 10, 36_000_000, "warn"],
  );
  const text = converted.replaceAll("\n# ", " ");
  assertStringIncludes(text, "of tlsrpt-reporter.");
  assertStringIncludes(text, "tlsrpt_collectd.storage: is not read");
  assertStringIncludes(text, "tlsrpt_reportd.sendmail_script: has no effect");
});

Deno.test("convertConfig() remarks on values of tlsrpt-reporter that we cannot take over", () => {
  const converted = convertConfig(
    "[tlsrpt_collectd]\nsocketname = relative.sock\nsocketmode = 0220\n" +
      "[tlsrpt_reportd]\ncontact_info = https://example.com/\nkeep_days = 1\n",
    "f",
  );
  const { report } = loadText(converted).config;
  assertEquals([report.collect, report.contact, report.keepDays], [undefined, undefined, 2]);
  for (const key of ["socketname", "socketmode", "contact_info", "keep_days"]) {
    assertStringIncludes(converted, `${key}: is `);
  }
});
