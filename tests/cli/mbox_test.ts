import { assertEquals } from "@std/assert";
import { splitMbox } from "../../src/cli/mbox.ts";
import { createRandom } from "../fakes/random.ts";

/** The mails of an mbox file that comes in pieces. */
async function split(
  text: string,
  { max = 1000, pieces = 1 } = {},
): Promise<(string | undefined)[]> {
  const octets = new TextEncoder().encode(text);
  async function* chunks(): AsyncGenerator<Uint8Array> {
    const size = Math.ceil(octets.length / pieces);
    for (let at = 0; at < octets.length; at += size) yield await octets.subarray(at, at + size);
  }
  const mails = await Array.fromAsync(splitMbox(chunks(), max));
  return mails.map(({ octets }) => octets && new TextDecoder().decode(octets));
}

const FROM = "From a@b.test Sat Nov 28 08:40:00 2026\n";

Deno.test("an mbox file is cut at lines 'From ' after empty lines, wherever its pieces end", async () => {
  const one = "Subject: 1\n\nFrom here on\n\n>From there\n";
  const two = "Subject: 2\r\n\r\nbody\r\n\r\n";
  for (const pieces of [1, 2, 3, 7, 1000]) {
    assertEquals(await split(FROM + one + "\n" + FROM + two + FROM, { pieces }), [
      one + "\n",
      two,
      "",
    ], `${pieces}`);
  }
  assertEquals(await split(FROM + "no line end"), ["no line end"]);
  assertEquals(await split("Subject: none\n\nbody\n"), []);
  assertEquals(await split(""), []);
});

Deno.test("a mail that is too large costs nothing but itself", async () => {
  const large = "x".repeat(50_000) + "\n";
  const lines = "y\n".repeat(2000);
  for (const pieces of [1, 9, 400]) {
    const mails = await split(FROM + large + "\n" + FROM + "ok\n\n" + FROM + lines, { pieces });
    assertEquals(mails, [undefined, "ok\n\n", undefined], `${pieces}`);
  }
});

Deno.test("when a mail of an mbox file was delivered", async () => {
  const at = async (line: string) => {
    async function* chunks(): AsyncGenerator<Uint8Array> {
      yield await new TextEncoder().encode(`${line}\n`);
    }
    const [mail] = await Array.fromAsync(splitMbox(chunks(), 100));
    return mail?.at;
  };
  assertEquals(await at("From a@b.test Sat Nov 28 08:40:00 2026"), Date.UTC(2026, 10, 28, 8, 40));
  assertEquals(
    await at("From a@b.test Mon Nov  2 08:40:00 UTC 2026"),
    Date.UTC(2026, 10, 2, 8, 40),
  );
  assertEquals(await at("From MAILER-DAEMON"), undefined, "no separator");
  assertEquals(await at("From a@b.test Sat Foo 99 99:99:99 2026"), undefined, "no separator");
});

Deno.test("any octets are mails or nothing, and none is lost between the separators", async () => {
  const random = createRandom(4155);
  for (let round = 0; round < 300; round++) {
    const text = Array.from(
      { length: random.int(30) },
      () => random.pick(["From ", "\n", "\n\n", "x", FROM, ">From ", "\r\n", "y\n"]),
    ).join("");
    const whole = await split(text, { max: 10_000 });
    assertEquals(
      await split(text, { max: 10_000, pieces: 1 + random.int(40) }),
      whole,
      JSON.stringify(text),
    );
  }
});
