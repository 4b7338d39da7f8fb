/**
 * A Maildir under a clock of the test, with an inbox that is a table.
 *
 * @module
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { MAIL_MAX_OCTETS } from "../../src/mail/read_mime.ts";
import type { Taken } from "../../src/receive/inbox.ts";
import { BATCH, createMaildir, type Maildir } from "../../src/receive/maildir.ts";
import type { Arrival } from "../../src/receive/types.ts";
import { ManualClock } from "../fakes/manual_clock.ts";

const NOW = Date.UTC(2026, 10, 28);

/** What a test works with. */
interface Bench {
  readonly directory: string;
  readonly maildir: Maildir;
  readonly clock: ManualClock;
  /** What came, in order. */
  readonly arrivals: Arrival[];
  readonly warnings: string[];
  /** Mails in `cur` at each call that makes the store safe. */
  readonly settled: number[];
  /** What becomes of a mail, by its text; else it is kept. */
  readonly results: Map<string, Taken>;
  deliver(name: string, content: string | Uint8Array, age?: number): void;
  /** Names in `new` and in `cur`. */
  list(): { readonly unread: string[]; readonly seen: string[] };
}

async function withMaildir(
  test: (bench: Bench) => Promise<void>,
  limits: { readonly maxWaiting?: number; readonly maxListed?: number } = {},
): Promise<void> {
  const directory = Deno.makeTempDirSync();
  for (const name of ["new", "cur", "tmp"]) Deno.mkdirSync(`${directory}/${name}`);
  const clock = new ManualClock(NOW);
  const arrivals: Arrival[] = [];
  const warnings: string[] = [];
  const settled: number[] = [];
  const results = new Map<string, Taken>();
  const names = (folder: string) =>
    [...Deno.readDirSync(`${directory}/${folder}`)].map(({ name }) => name).sort();
  try {
    await test({
      ...{ directory, clock, arrivals, warnings, settled, results },
      maildir: createMaildir({
        ...{ directory, clock, ...limits },
        warnings: { warn: (_key, event, fields) => warnings.push(`${event}: ${fields?.file}`) },
        settle: () => settled.push(names("cur").length),
        inbox: (arrival) => {
          arrivals.push(arrival);
          const text = new TextDecoder().decode(arrival.octets.subarray(0, 100));
          return Promise.resolve(results.get(text) ?? { kind: "kept" });
        },
      }),
      deliver(name, content, age = 60_000): void {
        const path = `${directory}/new/${name}`;
        const octets = typeof content === "string" ? new TextEncoder().encode(content) : content;
        Deno.writeFileSync(path, octets);
        Deno.utimeSync(path, (NOW - age) / 1000, (NOW - age) / 1000);
      },
      list: () => ({ unread: names("new"), seen: names("cur") }),
    });
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

Deno.test("mail is taken in once, oldest first, and moves to cur as seen", async () => {
  await withMaildir(async ({ maildir, arrivals, settled, deliver, list }) => {
    deliver("1795000002.M2.host", "second");
    deliver("1795000001.M1.host", "first", 3_600_000);
    assertEquals(await maildir.scan(), false);
    assertEquals(list(), {
      unread: [],
      seen: ["1795000001.M1.host:2,S", "1795000002.M2.host:2,S"],
    });
    // The two are judged at the same time, and come in either order.
    arrivals.sort((one, other) => one.at - other.at);
    assertEquals(arrivals.map(({ octets, ...rest }) => [new TextDecoder().decode(octets), rest]), [
      ["first", { way: "mail", at: NOW - 3_600_000, fileName: "1795000001.M1.host" }],
      ["second", { way: "mail", at: NOW - 60_000, fileName: "1795000002.M2.host" }],
    ]);
    assertEquals(maildir.state, { scannedAt: NOW, error: undefined, waiting: 0 });
    // The store is safe before mail moves.
    assertEquals(settled, [0]);
    await maildir.scan();
    assertEquals(arrivals.length, 2);
  });
});

Deno.test("a refused mail is seen, too; one that cannot be decided is tried later and later", async () => {
  await withMaildir(async ({ maildir, clock, arrivals, results, deliver, list }) => {
    results.set("forged", { kind: "refused", refusal: "unsigned", text: "" });
    results.set("open", { kind: "later", text: "" });
    deliver("1.a", "forged");
    deliver("2.b", "open");
    await maildir.scan();
    assertEquals(list(), { unread: ["2.b"], seen: ["1.a:2,S"] });
    assertEquals(maildir.state.waiting, 1);
    const tries: number[] = [];
    for (let second = 0; second < 3 * 3600; second += 10) {
      await clock.advance(10_000);
      arrivals.length = 0;
      await maildir.scan();
      if (arrivals.length > 0) tries.push((second + 10) / 60);
    }
    assertEquals(tries, [1, 3, 7, 15, 31, 63, 123]);
    results.set("open", { kind: "later", text: "" });
    arrivals.length = 0;
    await clock.advance(3_600_000);
    await maildir.scan();
    assertEquals(arrivals.map(({ triedSince }) => triedSince), [NOW]);
    results.delete("open");
    await clock.advance(3_600_000);
    await maildir.scan();
    assertEquals(list(), { unread: [], seen: ["1.a:2,S", "2.b:2,S"] });
  });
});

Deno.test("while the store takes nothing, mail stays, and no more is read", async () => {
  await withMaildir(async ({ maildir, clock, arrivals, results, deliver, list }) => {
    results.set("x", { kind: "full" });
    for (let number = 0; number < 50; number++) deliver(`${1000 + number}`, "x");
    await maildir.scan();
    assertEquals([arrivals.length, list().unread.length], [4, 50]);
    results.clear();
    await clock.advance(60_000);
    await maildir.scan();
    assertEquals(list().unread.length, 0);
  });
});

Deno.test("a scan takes a batch, and says that there is more", async () => {
  await withMaildir(async ({ maildir, arrivals, deliver }) => {
    for (let number = 0; number < BATCH + 1; number++) deliver(`${1000 + number}`, "x");
    assertEquals(await maildir.scan(), true);
    assertEquals([arrivals.length, maildir.state.waiting], [BATCH, 1]);
    assertEquals(await maildir.scan(), false);
    assertEquals([arrivals.length, maildir.state.waiting], [BATCH + 1, 0]);
  });
});

Deno.test("mails that wait keep no others out", async () => {
  await withMaildir(async ({ maildir, results, deliver, list }) => {
    results.set("open", { kind: "later", text: "" });
    for (let number = 0; number < BATCH; number++) deliver(`${1000 + number}`, "open");
    deliver("2000", "good");
    await maildir.scan();
    await maildir.scan();
    assertEquals(list().seen, ["2000:2,S"]);
  });
});

Deno.test("mails that are tried again come after new ones, and new ones leave them a share", async () => {
  await withMaildir(async ({ maildir, clock, arrivals, results, deliver, list }) => {
    results.set("open", { kind: "later", text: "" });
    for (let number = 0; number < 2 * BATCH; number++) deliver(`${1000 + number}`, "open");
    await maildir.scan();
    await maildir.scan();
    await clock.advance(60_000);
    for (let number = 0; number < 2 * BATCH; number++) deliver(`${2000 + number}`, "good");
    arrivals.length = 0;
    await maildir.scan();
    const names = arrivals.map(({ fileName = "" }) => fileName);
    // A few are judged at the same time.
    assertEquals(names.slice(0, 70).every((name) => name.startsWith("2")), true);
    assertEquals([names.length, list().seen.length], [BATCH, 75]);
  });
});

Deno.test("mails that wait and are remembered no longer keep no others out", async () => {
  await withMaildir(async ({ maildir, results, deliver, list }) => {
    results.set("open", { kind: "later", text: "" });
    for (let number = 0; number < 3 * BATCH; number++) deliver(`${1000 + number}`, "open");
    deliver("2000", "good");
    for (let scans = 0; scans < 4; scans++) await maildir.scan();
    assertEquals(list().seen, ["2000:2,S"]);
  }, { maxWaiting: 10 });
});

Deno.test("of a flood of mails each scan looks at a part, and all have their turn", async () => {
  await withMaildir(async ({ maildir, arrivals, deliver, list }) => {
    for (let number = 0; number < 250; number++) deliver(`${1000 + number}`, "x");
    await maildir.scan();
    assertEquals([arrivals.length, maildir.state.waiting], [50, 0]);
    for (let scans = 0; scans < 4; scans++) await maildir.scan();
    assertEquals([arrivals.length, list().unread.length], [250, 0]);
  }, { maxListed: 50 });
});

Deno.test("links, directories and pipes are left alone", async () => {
  await withMaildir(async ({ directory, maildir, arrivals, warnings, deliver, list }) => {
    Deno.writeTextFileSync(`${directory}/secret`, "secret");
    Deno.symlinkSync(`${directory}/secret`, `${directory}/new/1.link`);
    Deno.mkdirSync(`${directory}/new/2.directory`);
    await new Deno.Command("mkfifo", { args: [`${directory}/new/3.pipe`] }).output();
    Deno.writeTextFileSync(`${directory}/new/.hidden`, "x");
    deliver("4.mail", "mail");
    await maildir.scan();
    assertEquals(arrivals.map(({ fileName }) => fileName), ["4.mail"]);
    assertEquals(list().unread, [".hidden", "1.link", "2.directory", "3.pipe"]);
    assertStringIncludes(warnings.join("\n"), "not a regular file in the Maildir");
    assertEquals(Deno.readTextFileSync(`${directory}/secret`), "secret");
  });
});

Deno.test("a file that was just written is left for a moment, and a huge one is cut", async () => {
  await withMaildir(async ({ maildir, clock, arrivals, deliver }) => {
    deliver("1.new", "half", 500);
    deliver("2.huge", new Uint8Array(MAIL_MAX_OCTETS + 1000));
    await maildir.scan();
    assertEquals(arrivals.map(({ octets }) => octets.length), [MAIL_MAX_OCTETS + 1]);
    await clock.advance(2000);
    await maildir.scan();
    assertEquals(arrivals.length, 2);
  });
});

Deno.test("a time of delivery in the future holds nothing up", async () => {
  await withMaildir(async ({ maildir, arrivals, deliver }) => {
    deliver("1", "x", -3_600_000);
    await maildir.scan();
    assertEquals(arrivals.map(({ at }) => at), [NOW]);
  });
});

Deno.test("no mail in cur is replaced, and flags are kept", async () => {
  await withMaildir(async ({ directory, maildir, deliver, list }) => {
    Deno.writeTextFileSync(`${directory}/cur/1.a:2,S`, "old");
    deliver("1.a", "new");
    deliver("2.b:2,FS", "flagged");
    deliver("3.c:2,T", "trashed");
    await maildir.scan();
    assertEquals(list().seen, ["1.a:2,S", "1.a_1:2,S", "2.b:2,FS", "3.c:2,ST"]);
    assertEquals(Deno.readTextFileSync(`${directory}/cur/1.a:2,S`), "old");
  });
});

Deno.test("a directory that is no Maildir is said to be none, and read when it is one", async () => {
  await withMaildir(async ({ directory, maildir, arrivals, deliver }) => {
    deliver("1", "x");
    Deno.removeSync(`${directory}/cur`);
    assertEquals(await maildir.scan(), false);
    assertStringIncludes(maildir.state.error ?? "", "No such file or directory");
    assertEquals(arrivals, []);
    Deno.mkdirSync(`${directory}/cur`);
    await maildir.scan();
    assertEquals([maildir.state.error, arrivals.length], [undefined, 1]);
  });
});
