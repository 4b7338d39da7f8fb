import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../src/config/usage_error.ts";
import { refuseMistakes } from "../../src/daemon/preflight.ts";
import { loadText } from "../config/load_text.ts";

function mistakes(yaml: string): string[] {
  const { config } = loadText(`cache: memory\n${yaml}`);
  try {
    refuseMistakes(config);
    return [];
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return error.message.split("\n").map((line) => line.slice(line.indexOf(": ") + 2));
  }
}

Deno.test("refuseMistakes() refuses one address under two keys", () => {
  assertEquals(mistakes("http: 127.0.0.1:8461"), [
    "http: must not share an address with 'listen', found inet:127.0.0.1:8461",
  ]);
  assertEquals(mistakes("http: 0.0.0.0:8461"), [
    "http: must not share an address with 'listen', found inet:0.0.0.0:8461 and inet:127.0.0.1:8461",
  ]);
  assertEquals(mistakes("http: unix:/run/x.sock\ncontrol: unix:/run/x.sock"), [
    "control: must not share an address with 'http', found unix:/run/x.sock",
  ]);
});

Deno.test("refuseMistakes() lets alone what two sockets can have", () => {
  for (
    const yaml of [
      "http: 127.0.0.1:8462",
      "http: 127.0.0.2:8461",
      "listen: 127.0.0.1:0\nhttp: 127.0.0.1:0",
      "listen: [127.0.0.1:8461, 127.0.0.1:8461]",
    ]
  ) assertEquals(mistakes(yaml), [], yaml);
});

Deno.test("refuseMistakes() refuses a cache where others can write, whoever owns it", async () => {
  const directory = await Deno.makeTempDir();
  try {
    await Deno.chmod(directory, 0o777);
    const { config } = loadText(`cache: { file: ${directory}/cache.db }`);
    for (const anyOwner of [false, true]) {
      assertThrows(
        () => refuseMistakes(config, { anyOwner }),
        UsageError,
        `cache.file: ${directory} can be written by others (mode 0777): run chmod go-w on it, or set`,
      );
    }
    const open = `cache: { file: ${directory}/cache.db, allow_unsafe_directory: true }`;
    refuseMistakes(loadText(open).config);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
