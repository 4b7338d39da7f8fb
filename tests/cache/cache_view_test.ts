/** Looking at a cache file changes nothing, whatever state it is in. */

import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { CacheView } from "../../src/cache/cache_view.ts";
import { FileFault } from "../../src/sqlite/fault.ts";
import { Bench, DAY, domainsOf, failureOf, listed, policyOf, START } from "./harness.ts";

const MX = { nextHop: "a.example", json: "{}", checkedAt: START };

function view(bench: Bench): CacheView & Disposable {
  const opened = new CacheView(bench.path, { now: () => bench.now });
  return Object.assign(opened, { [Symbol.dispose]: () => opened.close() });
}

function fill(bench: Bench): void {
  bench.prepare((store) => {
    for (let index = 0; index < 1200; index++) {
      store.putPolicy(policyOf(`d${index}.example`, { fetchedAt: START + index }));
    }
    store.putPolicy(policyOf("a.example"));
    store.putFailure(failureOf("a.example"));
    store.putMx(MX);
  });
}

/** Everything in the directory, octet for octet, with mode and owner. */
function snapshot(bench: Bench): string[] {
  return bench.files().map((name) => {
    const path = `${bench.directory}/${name}`;
    const { mode, uid, mtime } = Deno.statSync(path);
    const octets = Deno.readFileSync(path);
    return `${name} ${mode} ${uid} ${mtime?.getTime()} ${octets.length} ${octets.join().length}`;
  });
}

/** What an attempt to read says, in one line. */
function fault(bench: Bench): string {
  const error = assertThrows(() => {
    using opened = view(bench);
    for (const _ of listed((query) => opened.listPolicies(query)));
  }, FileFault);
  assertEquals(error.message.includes("\n"), false);
  return error.message.replaceAll(bench.path, "FILE");
}

Deno.test("CacheView reads all there is and changes nothing, nor leaves anything behind", () => {
  using bench = new Bench();
  fill(bench);
  const before = snapshot(bench);
  // Years away from the clock of the daemon.
  for (const now of [START, START - 1000 * DAY, START + 1000 * DAY]) {
    bench.now = now;
    using opened = view(bench);
    const domains = domainsOf(listed((query) => opened.listPolicies(query)));
    assertEquals([domains.length, domains.toSorted()], [1201, domains]);
    const failures = listed((query) => opened.listFailures(query));
    assertEquals(domainsOf(failures), ["a.example"]);
    assertEquals(opened.getPolicy("a.example")?.id, "20260101");
    assertEquals(opened.getPolicy("b.example"), undefined);
    assertEquals(opened.getFailure("a.example")?.reason, "certificate-expired");
    assertEquals(opened.getFailure("b.example"), undefined);
    assertEquals(opened.getMx("a.example")?.json, "{}");
    assertEquals(opened.getMx("[a.example]"), undefined);
    assertEquals(snapshot(bench), before);
  }
  assertEquals(snapshot(bench), before);
});

Deno.test("CacheView sees what a daemon has written a moment ago", () => {
  using bench = new Bench();
  const store = bench.open();
  store.putPolicy(policyOf("a.example"));
  using opened = view(bench);
  assertEquals(opened.getPolicy("a.example"), policyOf("a.example"));
  store.putPolicy(policyOf("b.example"));
  assertEquals(opened.getPolicy("b.example"), policyOf("b.example"));
});

Deno.test({
  name: "CacheView reads a file in a directory where nothing can be written, as another user",
  // Only root can become another user.
  ignore: Deno.uid() !== 0,
  fn() {
    using bench = new Bench();
    fill(bench);
    Deno.chmodSync(bench.directory, 0o555);
    Deno.chmodSync(bench.path, 0o444);
    const script = `
      const { CacheView } = await import(Deno.args[0]);
      const view = new CacheView(Deno.args[1], { now: Date.now });
      console.log("read", view.getPolicy("a.example")?.domain);
      view.close();`;
    const module = new URL("../../src/cache/cache_view.ts", import.meta.url).href;
    const home = Deno.makeTempDirSync();
    try {
      Deno.chmodSync(home, 0o777);
      const { stdout, stderr } = new Deno.Command("setpriv", {
        args: [
          "--reuid=65534",
          "--clear-groups",
          Deno.execPath(),
          "eval",
          "--no-check",
          script,
          module,
          bench.path,
        ],
        env: { HOME: home, DENO_DIR: home, NO_COLOR: "1" },
      }).outputSync();
      const said = new TextDecoder().decode(stdout).trim();
      // The source may lie where that user cannot read it; then nothing is shown here.
      if (said === "" && new TextDecoder().decode(stderr).includes("ermission denied")) return;
      assertEquals(said, "read a.example");
    } finally {
      Deno.removeSync(home, { recursive: true });
      Deno.chmodSync(bench.directory, 0o700);
    }
    assertEquals(bench.files(), ["cache.db"]);
  },
});

Deno.test("CacheView tells a damaged file in one line, and leaves it where it is", () => {
  using bench = new Bench();
  fill(bench);
  const pages = Deno.statSync(bench.path).size / 4096;
  bench.damage(4096, (pages - 1) * 4096);
  const before = snapshot(bench);
  assertEquals(
    fault(bench),
    "cannot read FILE: database disk image is malformed: it is damaged, which a running daemon repairs",
  );
  bench.damage(0, 4096);
  assertStringIncludes(fault(bench), "cannot read FILE: file is not a database");
  assertEquals(bench.files(), ["cache.db"]);
  assertEquals(before.length, 1);
});

Deno.test("CacheView refuses what is not a cache of a version it knows", () => {
  using bench = new Bench();
  bench.prepare(() => {});
  {
    using other = bench.database();
    other.exec("PRAGMA user_version = 9");
  }
  assertEquals(
    fault(bench),
    "FILE was written by a later version (schema 9, not 1): name another file or upgrade",
  );
  {
    using other = bench.database();
    other.exec("PRAGMA application_id = 7");
  }
  assertEquals(fault(bench), "FILE belongs to another program: name another file");
});

Deno.test("CacheView takes an empty file for one without policies, and names a missing one", () => {
  using bench = new Bench();
  assertStringIncludes(fault(bench), "cannot read FILE: No such file or directory");
  assertEquals(bench.files(), []);
  Deno.writeTextFileSync(bench.path, "", { mode: 0o600 });
  using opened = view(bench);
  assertEquals([...listed((query) => opened.listPolicies(query))], []);
  assertEquals(opened.getPolicy("a.example"), undefined);
  assertEquals(Deno.statSync(bench.path).size, 0);
});

Deno.test("CacheView reads a file that nobody has open with the permissions of the program", async () => {
  using bench = new Bench();
  fill(bench);
  const before = snapshot(bench);
  const module = new URL("../../src/cache/cache_view.ts", import.meta.url).href;
  const script = `${bench.directory}-script.ts`;
  Deno.writeTextFileSync(
    script,
    `import { CacheView } from ${JSON.stringify(module)};
    const view = new CacheView(${JSON.stringify(bench.path)}, { now: Date.now });
    console.log(view.getPolicy("a.example")?.domain);
    view.close();`,
  );
  // With less than -A the runtime takes the URI of a database for a path.
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-check", "--allow-read", "--allow-write", "--no-prompt", script],
    env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
  }).output();
  Deno.removeSync(script);
  assertEquals(new TextDecoder().decode(stderr), "");
  assertEquals(new TextDecoder().decode(stdout), "a.example\n");
  assertEquals(snapshot(bench), before);
});
