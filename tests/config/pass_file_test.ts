import { assertEquals } from "@std/assert";
import { findPassword } from "../../src/config/pass_file.ts";

const inet = (hostname: string, port = 5432) => ({ kind: "inet", hostname, port }) as const;
const unix = (path: string) => ({ kind: "unix", path }) as const;

Deno.test("findPassword() takes the first line that fits", () => {
  const find = (text: string, endpoint: Parameters<typeof findPassword>[1]["endpoint"]) =>
    findPassword(text, { endpoint, database: "d:b", user: "fleet" });
  const text = [
    "# a comment",
    "",
    "db1:5432:other:fleet:no",
    "db1:5433:*:fleet:port",
    "db1:5432:d\\:b:fleet:se\\:cr\\\\et",
    "db1:*:*:*:late",
    "::1:5432:*:fleet:never",
    "localhost:*:*:fleet:socket",
    "/srv/pg:*:*:fleet:directory",
    "short:5432",
  ].join("\n");
  assertEquals(find(text, inet("db1")), "se:cr\\et");
  assertEquals(find(text, inet("db1", 5433)), "port");
  assertEquals(find(text, inet("db1", 1)), "late");
  assertEquals(find(text, inet("db2")), undefined);
  assertEquals(find(text, unix("/run/postgresql/.s.PGSQL.5432")), "socket");
  assertEquals(find("/srv/pg:5433:*:fleet:x", unix("/srv/pg/.s.PGSQL.5433")), "x");
  assertEquals(find("/srv/pg:5432:*:fleet:x", unix("/srv/pg/.s.PGSQL.5433")), undefined);
  assertEquals(find("*:*:*:fleet:\r\n", inet("x")), "");
});
