import { assertEquals } from "@std/assert";
import { parseRua } from "../../src/tlsrpt/rua.ts";

Deno.test("parseRua() reads mail addresses (RFC 8460 §3, RFC 6068)", () => {
  const table: [uri: string, address: string, host: string][] = [
    ["mailto:a@example.com", "a@example.com", "example.com"],
    ["MailTo:A.b@EXAMPLE.com", "A.b@example.com", "example.com"],
    ["mailto:a%2Bb@example.com", "a+b@example.com", "example.com"],
    ["mailto:a+b@example.com", "a+b@example.com", "example.com"],
    ["mailto:a@example.com?subject=x%0D%0ABcc:y", "a@example.com", "example.com"],
    ["mailto:a%21b@example.com", "a!b@example.com", "example.com"],
    ["mailto:a%40example.com", "a@example.com", "example.com"],
    ["mailto:a@b%C3%BCcher.example", "a@xn--bcher-kva.example", "xn--bcher-kva.example"],
    ["mailto:a@example.com.", "a@example.com", "example.com"],
    [
      `mailto:${"l".repeat(64)}@example.com`,
      `${"l".repeat(64)}@example.com`,
      "example.com",
    ],
  ];
  for (const [uri, address, host] of table) {
    assertEquals(parseRua(uri), { kind: "mailto", address, host }, uri);
  }
});

Deno.test("parseRua() reads HTTPS URLs (RFC 8460 §3)", () => {
  const table: [uri: string, url: string, host: string][] = [
    ["https://example.com/r", "https://example.com/r", "example.com"],
    ["HTTPS://Example.COM/R?x=1", "https://example.com/R?x=1", "example.com"],
    ["https://example.com", "https://example.com/", "example.com"],
    ["https://example.com./r", "https://example.com/r", "example.com"],
    ["https://example.com:8443/r", "https://example.com:8443/r", "example.com"],
    ["https://example.com/r[1-5]", "https://example.com/r[1-5]", "example.com"],
    ["https://example.com/a%2Cb#part", "https://example.com/a%2Cb", "example.com"],
    ["https://example.com/u@v", "https://example.com/u@v", "example.com"],
    ["https://b%C3%BCcher.example/", "https://xn--bcher-kva.example/", "xn--bcher-kva.example"],
  ];
  for (const [uri, url, host] of table) {
    assertEquals(parseRua(uri), { kind: "https", url, host }, uri);
  }
});

Deno.test("parseRua() refuses what is neither, or may be read in two ways", () => {
  const table: [uri: string, reason: string][] = [
    ["", "not a URI"],
    ["a@example.com", "not a URI"],
    ["mailto", "not a URI"],
    ["mailto:a b@example.com", "not a URI"],
    ["mailto:a\r\nBcc:b@example.com", "not a URI"],
    ["mailto:a%2@example.com", "not a URI"],
    ["https://example.com/\\r", "not a URI"],
    ["https://example.com/`id`", "not a URI"],
    ["https://b\u00fccher.example/", "not a URI"],
    [`mailto:a@example.com?${"x".repeat(512)}`, "longer than 512 octets"],
    ["http://example.com/r", "neither mailto nor https"],
    ["ftp:a@example.com", "neither mailto nor https"],
    ["mailto:", "not a mail address"],
    ["mailto:example.com", "not a mail address"],
    ["mailto:a%FF@example.com", "not a mail address"],
    ["mailto:@example.com", "not a mail address with a plain local part"],
    ["mailto:a%20b@example.com", "not a mail address with a plain local part"],
    ["mailto:%0d%0aDATA@example.com", "not a mail address with a plain local part"],
    ["mailto:%22a%22@example.com", "not a mail address with a plain local part"],
    ["mailto:.a@example.com", "not a mail address with a plain local part"],
    ["mailto:a@b.example%2Cc@example.com", "not a mail address with a plain local part"],
    ["mailto:%C3%BC@example.com", "not a mail address with a plain local part"],
    [
      `mailto:${"l".repeat(65)}@example.com`,
      "not a mail address with a plain local part",
    ],
    ["mailto:a@localhost", "not a mail address at a domain with a dot"],
    ["mailto:a@[192.0.2.1]", "not a mail address at a domain with a dot"],
    ["mailto:a@192.0.2.1", "not a mail address at a domain with a dot"],
    ["mailto:a@example.com!10m", "not a mail address at a domain with a dot"],
    ["mailto:a@example.com%0a", "not a mail address at a domain with a dot"],
    ["mailto:a@-example.com", "not a mail address at a domain with a dot"],
    ["https:example.com/r", "not an HTTPS URL"],
    ["https:///example.com/r", "not an HTTPS URL"],
    ["https://", "not an HTTPS URL"],
    ["https://example.com:99999/", "not an HTTPS URL"],
    ["https://user@example.com/r", "a URL with a user name"],
    ["https://@example.com/r", "a URL with a user name"],
    ["https://u:p@example.com/r", "a URL with a user name"],
    ["https://localhost/r", "not a URL of a host with a dot in its name"],
    ["https://127.0.0.1:8443/r", "not a URL of a host with a dot in its name"],
    ["https://2130706433/r", "not a URL of a host with a dot in its name"],
    ["https://0x7f.1/r", "not a URL of a host with a dot in its name"],
    ["https://[::1]/r", "not a URL of a host with a dot in its name"],
  ];
  for (const [uri, reason] of table) {
    assertEquals(parseRua(uri), { kind: "invalid", reason }, uri);
  }
});
