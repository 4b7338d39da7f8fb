import { assertEquals } from "@std/assert";
import { type BodyReading, parseBodyFields, readBody } from "../../src/http/body.ts";

function head(...fields: string[]): string {
  return ["POST / HTTP/1.1", ...fields].join("\r\n");
}

/** A connection that gives `pieces`, one for each read. */
function connectionWith(pieces: readonly string[]): Pick<Deno.Conn, "read"> {
  const left = pieces.map((piece) => new TextEncoder().encode(piece));
  let at = 0;
  return {
    read: (buffer) => {
      const piece = left[at];
      if (piece === undefined) return Promise.resolve(null);
      const taken = piece.subarray(0, buffer.length);
      buffer.set(taken);
      if (taken.length < piece.length) left[at] = piece.subarray(taken.length);
      else at++;
      return Promise.resolve(taken.length);
    },
  };
}

async function read(
  pieces: readonly string[],
  length: number | "chunked",
  { rest = "", maxOctets = 100_000 } = {},
): Promise<string> {
  const options = { rest: new TextEncoder().encode(rest), length, maxOctets };
  const reading: BodyReading = await readBody(connectionWith(pieces), options);
  return reading.kind === "read" ? new TextDecoder().decode(reading.octets) : `(${reading.kind})`;
}

Deno.test("parseBodyFields() reads what a head says about the body (RFC 9112 §6)", () => {
  assertEquals(parseBodyFields(head()), {
    contentType: "",
    length: undefined,
    expectsContinue: false,
  });
  assertEquals(
    parseBodyFields(head("content-TYPE:  a/b ; c\t", "Content-Length: 0", "Expect: 100-Continue")),
    { contentType: "a/b ; c", length: 0, expectsContinue: true },
  );
  assertEquals(parseBodyFields(head("Transfer-Encoding: Chunked"))?.length, "chunked");
});

Deno.test("parseBodyFields() refuses what two readers could read in two ways (RFC 9112 §6.3)", () => {
  for (
    const fields of [
      ["Content-Length: 3", "Content-Length: 3"],
      ["Content-Length: 3, 3"],
      ["Content-Length: +3"],
      ["Content-Length: 0x3"],
      ["Content-Length: "],
      ["Content-Length: 1e1"],
      [`Content-Length: ${"9".repeat(16)}`],
      ["Content-Length: 3", "Transfer-Encoding: chunked"],
      ["Transfer-Encoding: gzip, chunked"],
      ["Transfer-Encoding: identity"],
      ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
      ["Content-Type: a/b", "Content-Type: c/d"],
    ]
  ) assertEquals(parseBodyFields(head(...fields)), undefined, fields.join());
});

Deno.test("readBody() reads a body of a known length, from what is there and what comes", async () => {
  assertEquals(await read([], 0), "");
  assertEquals(await read(["de", "fg"], 6, { rest: "abc" }), "abcdef");
  assertEquals(await read(["de"], 6, { rest: "abc" }), "(incomplete)");
  const long = "x".repeat(50_000);
  assertEquals(await read([...long], 50_000), long);
  assertEquals(await read([], 100_001), "(too-large)");
});

Deno.test("readBody() puts chunks together (RFC 9112 §7.1)", async () => {
  const text = "3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n";
  assertEquals(await read([text], "chunked"), "abc0123456789");
  assertEquals(await read([...text], "chunked"), "abc0123456789");
  assertEquals(await read([], "chunked", { rest: text }), "abc0123456789");
  const many = `${"1\r\nx\r\n".repeat(20_000)}0\r\n\r\n`;
  assertEquals((await read([many], "chunked")).length, 20_000);
});

Deno.test("readBody() refuses chunks that are too long, or in another form", async () => {
  assertEquals(await read(["5\r\nabcde\r\n0\r\n\r\n"], "chunked", { maxOctets: 4 }), "(too-large)");
  assertEquals(await read(["FFFFFFFF\r\n"], "chunked"), "(too-large)");
  for (
    const text of [
      "3\nabc\n0\n\n",
      "\r\n",
      "g\r\n",
      "-1\r\n",
      " 3\r\nabc\r\n",
      "3\r\nabcd\r\n0\r\n\r\n",
      "123456789\r\n",
      `1;${"x".repeat(300)}`,
      `0\r\n${"a: b\r\n".repeat(20)}\r\n`,
      "0\r\na: b\n\r\n",
    ]
  ) assertEquals(await read([text], "chunked"), "(malformed)", JSON.stringify(text.slice(0, 30)));
  for (const text of ["", "3", "3\r\nab", "3\r\nabc\r\n", "0\r\n"]) {
    assertEquals(await read([text], "chunked"), "(incomplete)", JSON.stringify(text));
  }
});
