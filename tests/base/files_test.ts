import { assert, assertEquals } from "@std/assert";
import { createFiles } from "../../src/base/files.ts";

Deno.test("createFiles() writes files as a whole, for all to read, and leaves nothing behind", async () => {
  const directory = await Deno.makeTempDir();
  await using cleanUp = new AsyncDisposableStack();
  cleanUp.defer(() => Deno.remove(directory, { recursive: true }));
  const path = `${directory}/a.txt`;
  const files = createFiles();
  const encode = (text: string) => new TextEncoder().encode(text);
  assertEquals(await files.read(path, 10), { kind: "absent" });
  assertEquals(await files.stamp(path), undefined);
  assertEquals(await files.write(path, encode("one")), { kind: "written" });
  const stamp = await files.stamp(path);
  assertEquals(await files.write(path, encode("other")), { kind: "written" });
  assert(stamp !== undefined && stamp !== await files.stamp(path));
  assertEquals(await files.read(path, 5), { kind: "read", bytes: encode("other") });
  assertEquals((await files.read(path, 4)).kind, "failed");
  assertEquals((await files.read(directory, 4)).kind, "failed");
  assertEquals(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o644);
  assertEquals((await files.write(`${directory}/x/a.txt`, encode(""))).kind, "failed");
  await Deno.mkdir(`${directory}/d`);
  assertEquals((await files.write(`${directory}/d`, encode(""))).kind, "failed");
  assertEquals((await files.list(directory))?.toSorted(), ["a.txt", "d"]);
  assertEquals(await files.list(`${directory}/none`), undefined);
});
