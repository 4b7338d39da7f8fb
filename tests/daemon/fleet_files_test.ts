import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import type { Config } from "../../src/config/types.ts";
import { UsageError } from "../../src/config/usage_error.ts";
import { readFleetFiles } from "../../src/daemon/fleet_files.ts";
import { refuseMistakes } from "../../src/daemon/preflight.ts";
import { loadText } from "../config/load_text.ts";

const ONE = "x".repeat(31) + "1";
const TWO = "y".repeat(31) + "2";

/** A directory with one file, until the end of the test. */
function fileWith(content: string | Uint8Array, mode = 0o640) {
  const directory = Deno.makeTempDirSync();
  const path = `${directory}/secret`;
  const octets = typeof content === "string" ? new TextEncoder().encode(content) : content;
  Deno.writeFileSync(path, octets);
  Deno.chmodSync(path, mode);
  return { path, [Symbol.dispose]: () => Deno.removeSync(directory, { recursive: true }) };
}

function sharedWith(text: string): Config {
  return loadText(`cache: {file: memory, shared: {url: 'redis://h', ${text}}}`).config;
}

/** The secrets that a file comes to, as text. */
function secretsOf(content: string): string[] | undefined {
  using file = fileWith(content);
  const { secrets } = readFleetFiles(sharedWith(`secret_file: ${file.path}`).cache.shared);
  return secrets?.map((secret) => new TextDecoder().decode(secret));
}

/** The mistake in a file under a key, with FILE for its name. */
function mistakeOf(content: string | Uint8Array, mode?: number, key = "secret_file"): string {
  using file = fileWith(content, mode);
  const config = sharedWith(`${key}: ${file.path}`);
  const { message } = assertThrows(() => refuseMistakes(config), UsageError);
  const direct = assertThrows(() => readFleetFiles(config.cache.shared), UsageError);
  assertEquals(message, `test.yml: ${direct.message}`);
  return direct.message.replaceAll(file.path, "FILE");
}

Deno.test("a secret is a line of its file, and a second line is the next or the last one", () => {
  assertEquals(secretsOf(ONE), [ONE]);
  assertEquals(secretsOf(`${ONE}\n`), [ONE]);
  assertEquals(secretsOf(`${ONE}\r\n${TWO}\r\n`), [ONE, TWO]);
  assertEquals(readFleetFiles(sharedWith("prefix: a").cache.shared).secrets, undefined);
});

Deno.test("a secret that would not protect is refused in one line", () => {
  const form =
    "cache.shared.secret_file: FILE must hold a secret as one line or two of printable characters: " +
    "make one with: openssl rand -base64 48";
  assertEquals(mistakeOf(""), form);
  assertEquals(mistakeOf("\n"), form);
  assertEquals(mistakeOf(`${ONE}\n${TWO}\n${ONE}\n`), form);
  assertEquals(mistakeOf(`${ONE}\n\n`), form);
  assertEquals(mistakeOf(` ${ONE}\n`), form);
  assertEquals(mistakeOf(`\ufeff${ONE}\n`), form);
  assertEquals(mistakeOf(crypto.getRandomValues(new Uint8Array(64)).fill(0, 0, 1)), form);
  assertEquals(
    mistakeOf(`${ONE}\nshort\n`),
    "cache.shared.secret_file: line 2 of FILE has 5 characters, and a secret needs 32: " +
      "make one with: openssl rand -base64 48",
  );
  assertEquals(
    mistakeOf(`${ONE}\n`, 0o644),
    "cache.shared.secret_file: FILE is open to every user (mode 0644): run chmod o= FILE",
  );
  assertStringIncludes(mistakeOf("x".repeat(9000)), "is larger than 8192 octets");
  const gone = sharedWith("secret_file: /nowhere/secret");
  assertStringIncludes(
    assertThrows(() => refuseMistakes(gone), UsageError).message,
    "test.yml: cache.shared.secret_file: /nowhere/secret cannot be read: No such file",
  );
});

Deno.test("a password comes from its file, and is not printed when the file is wrong", () => {
  using file = fileWith("ge heim\n", 0o600);
  const read = (text: string) => readFleetFiles(sharedWith(text).cache.shared).password;
  assertEquals(read(`password_file: ${file.path}`), "ge heim");
  assertEquals(read("password: direct"), "direct");
  assertEquals(read("prefix: a"), undefined);
  assertEquals(
    mistakeOf("geheim\nzwei\n", 0o600, "password_file"),
    "cache.shared.password_file: FILE must hold a password as one line of printable characters",
  );
  assertStringIncludes(mistakeOf("geheim", 0o604, "password_file"), "is open to every user");
});

Deno.test("a file that the unit hands over is missing while the service does not run, which is its mistake alone", () => {
  const config = sharedWith("secret_file: /run/credentials/mta-sts-resolver.service/gone");
  refuseMistakes(config, { anyOwner: true });
  assertStringIncludes(
    assertThrows(() => refuseMistakes(config), UsageError).message,
    "/run/credentials/mta-sts-resolver.service/gone cannot be read",
  );
});

Deno.test("files of an engine that is not configured are not looked at", () => {
  const { config } = loadText("cache: {file: memory, shared: {password_file: /nowhere}}");
  refuseMistakes(config);
});
