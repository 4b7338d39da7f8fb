import { assert } from "@std/assert";
import { isInstalled, run } from "./process.ts";
import { buildPrograms } from "./programs.ts";

/** What one packet takes, ms. */
const DELAY_MS = 10;

/** A machine that is busy may take so long for each of it, ms. */
const PATIENCE_MS = 2000;

/** How long it takes to be refused at the far end, µs: there and back. */
const SCRIPT = `
  exec 4< <("$0" ${DELAY_MS})
  wire=$!
  read -r _ <&4
  before=\${EPOCHREALTIME/./}
  (exec 3<>/dev/tcp/10.84.0.2/9) 2>/dev/null && exit 1
  echo $((\${EPOCHREALTIME/./} - before))
  kill $wire
`;

function hasTun(): boolean {
  try {
    return Deno.statSync("/dev/net/tun").isCharDevice === true;
  } catch {
    return false;
  }
}

Deno.test({
  name: "wire delays each packet, there and back",
  ignore: Deno.uid() !== 0 || !["cc", "unshare", "ip"].every(isInstalled) || !hasTun(),
  async fn() {
    const directory = await Deno.makeTempDir();
    try {
      const { wire } = await buildPrograms(directory, []);
      const took = parseInt(await run("unshare", "--net", "bash", "-c", SCRIPT, wire), 10) / 1000;
      assert(took >= 2 * DELAY_MS && took < PATIENCE_MS, `${took} ms`);
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  },
});
