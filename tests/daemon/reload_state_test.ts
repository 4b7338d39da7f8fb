import { assertEquals } from "@std/assert";
import { createMetrics } from "../../src/base/metrics.ts";
import { createReloadState } from "../../src/daemon/reload_state.ts";
import { ManualClock } from "../fakes/manual_clock.ts";

const METRIC = "mta_sts_config_last_reload_successful";

Deno.test("createReloadState() keeps a refusal until a reload takes effect", () => {
  const clock = new ManualClock();
  const metrics = createMetrics();
  const value = () => metrics.samples(METRIC)[0]?.value;
  const state = createReloadState({ clock, metrics });
  assertEquals(state.refusal(), undefined);
  assertEquals(value(), 1);

  const at = clock.now();
  state.refuse("a.yml: 'listen' takes a list");
  assertEquals(state.refusal(), { at, message: "a.yml: 'listen' takes a list" });
  assertEquals(value(), 0);

  state.accept();
  assertEquals(state.refusal(), undefined);
  assertEquals(value(), 1);
});
