import { assertEquals } from "@std/assert";
import { parseEndpoint } from "../../src/base/address.ts";
import { formatMainCf, judgeMainCf, parseMainCf } from "../../src/postfix/main_cf.ts";

const LISTEN = [parseEndpoint("inet:127.0.0.1:8461")!];

const GOOD = formatMainCf({ listen: LISTEN, dane: true }).join("\n");

/** The remarks that are not "ok", with the first word that names the parameter. */
function remarks(text: string, options = { listen: LISTEN, dane: true }): string[] {
  return judgeMainCf(parseMainCf(text), options)
    .filter(({ kind }) => kind !== "ok")
    .map(({ kind, text }) => `${kind} ${text.split(" ")[0]}`);
}

Deno.test("parseMainCf() joins lines, leaves comments out, and replaces references", () => {
  const text = [
    "# a = comment",
    "ours = socketmap:inet:127.0.0.1:8461",
    "smtp_tls_policy_maps =",
    "  inline:{x=may},",
    "# between",
    "\t$ours:postfix ${ours}:b $(gone)",
    "ours_twice = 1",
    "ours_twice=2\r",
    "loop = $loop",
  ].join("\n");
  const mainCf = parseMainCf(text);
  assertEquals(
    mainCf.get("smtp_tls_policy_maps"),
    "inline:{x=may}, socketmap:inet:127.0.0.1:8461:postfix socketmap:inet:127.0.0.1:8461:b ",
  );
  assertEquals(mainCf.get("ours_twice"), "2");
  assertEquals(mainCf.get("loop"), "$loop");
});

Deno.test("judgeMainCf() has nothing to say of the lines that belong together", () => {
  assertEquals(remarks(GOOD), []);
  assertEquals(GOOD.split("\n")[0], "smtp_tls_policy_maps = socketmap:inet:127.0.0.1:8461:postfix");
});

Deno.test("judgeMainCf() names each line that is missing", () => {
  const without = (name: string) =>
    GOOD.split("\n").filter((line) => !line.startsWith(name)).join("\n");
  assertEquals(remarks(without("smtp_tls_policy_maps")), ["warning smtp_tls_policy_maps"]);
  assertEquals(remarks(without("smtp_dns_support_level")), ["warning smtp_dns_support_level"]);
  assertEquals(remarks(without("smtp_tls_CAfile")), ["warning neither"]);
  assertEquals(remarks(without("smtp_tls_security_level")), ["note smtp_tls_security_level"]);
  assertEquals(remarks(without("smtp_dns"), { listen: LISTEN, dane: false }), []);
});

Deno.test("judgeMainCf() says what each level does to mail without a policy", () => {
  const of = (level: string) => remarks(GOOD.replace("= dane", `= ${level}`));
  const name = "smtp_tls_security_level";
  assertEquals(of("DANE"), []);
  for (const level of ["may", "encrypt", "none"]) assertEquals(of(level), [`note ${name}`]);
  for (const level of ["secure", "verify", "dane-only", "fingerprint", "x"]) {
    assertEquals(of(level), [
      `warning ${name}${level === "fingerprint" || level === "x" ? ":" : ""}`,
    ]);
  }
});

Deno.test("judgeMainCf() sees a map that leads elsewhere, and a path below the queue directory", () => {
  assertEquals(remarks(GOOD.replace("8461", "8642")), ["warning smtp_tls_policy_maps"]);
  const listen = [parseEndpoint("unix:/var/spool/postfix/mta-sts/postfix.sock")!];
  const path = "smtp_tls_policy_maps = socketmap:unix:mta-sts/postfix.sock:postfix";
  assertEquals(remarks(`${GOOD}\n${path}`, { listen, dane: true }), []);
});
