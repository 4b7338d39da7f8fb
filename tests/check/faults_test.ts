import { assertEquals, assertGreaterOrEqual } from "@std/assert";
import { createPool } from "../../src/base/pool.ts";
import { type Fault, FAULTS, findFault } from "./fault_table.ts";
import { Authorities, CheckWorld } from "./world.ts";

const authorities = new Authorities();

/** Faults looked for at once: most of the time goes by waiting for acknowledgements on loopback. */
const FAULTS_AT_ONCE = 10;

/** The names that a fault leads to and should lead to, if these differ. */
async function difference(fault: Fault) {
  const wanted = [...fault.findings];
  const found = (await findFault(fault, authorities)).filter(({ severity, id }) =>
    severity === "warning" || severity === "error" || wanted.includes(id)
  );
  const names = { found: [...new Set(found.map(({ id }) => id))].sort(), wanted: wanted.sort() };
  return names.found.join() === names.wanted.join() ? [] : [{ fault: fault.name, ...names }];
}

Deno.test("checkDomains() finds nothing wrong with a domain that is right", async () => {
  const { findings, verdict } = await new CheckWorld(authorities).check();
  const faults = findings.filter(({ severity }) => severity === "warning" || severity === "error");
  assertEquals(faults, []);
  assertEquals(verdict, "ok");
  assertEquals(findings.filter(({ id }) => id === "mx-ok").map(({ subject }) => subject), [
    "mx1.example.com [192.0.2.1]",
    "mx1.example.com [2001:db8::1]",
    "mx2.backup.example.com [192.0.2.2]",
  ]);
});

Deno.test("checkDomains() finds every fault of the table, calls it by its name, and finds no other", async () => {
  assertGreaterOrEqual(new Set(FAULTS.map(({ name }) => name)).size, FAULTS.length);
  const pool = createPool(FAULTS_AT_ONCE);
  const differences = await Promise.all(FAULTS.map((fault) => pool(() => difference(fault))));
  assertEquals(differences.flat(), []);
});
