/**
 * A program for the test of inherited sockets: serves socket 3, two clients at a time. The reply to
 * `map N` has N octets.
 *
 * @module
 */

import { createLog } from "../../src/base/log.ts";
import { createMetrics } from "../../src/base/metrics.ts";
import { adoptSocket } from "../../src/postfix/inherited.ts";
import { encodeNetstring } from "../../src/postfix/netstring.ts";
import { createServer } from "../../src/postfix/server.ts";
import { createClock } from "../../src/base/clock.ts";
import { fromText, LIMITS } from "./support.ts";

const server = createServer({
  handler: fromText((request) => encodeNetstring("x".repeat(parseInt(request.slice(4), 10)))),
  log: createLog({ level: "debug", format: "text" }),
  metrics: createMetrics(),
  clock: createClock(),
  limits: { ...LIMITS, connections: 2 },
});
server.serveListener(await adoptSocket({ fd: 3, name: "test" }));
