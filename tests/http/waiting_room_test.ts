import { assertEquals } from "@std/assert";
import { addressGroup, STAY_MS, THIS_MACHINE, WaitingRoom } from "../../src/http/waiting_room.ts";

/** A room of six places, three for an address. */
function open() {
  const displaced: string[] = [];
  const time = { now: 0 };
  const room = new WaitingRoom<{ readonly group: string; readonly name: string }>({
    places: 6,
    perAddress: 3,
    now: () => time.now,
    displace: ({ name }) => displaced.push(name),
  });
  const guests = new Map<string, { group: string; name: string }>();
  /** `a1` is the first of the address `a`; `@` is this machine. */
  const enter = (...names: string[]) => {
    for (const name of names) {
      const group = name.startsWith("@") ? THIS_MACHINE : name.slice(0, 1);
      const guest = { name, group };
      guests.set(name, guest);
      room.enter(guest);
    }
  };
  return { room, displaced, time, enter, leave: (name: string) => room.leave(guests.get(name)!) };
}

Deno.test("WaitingRoom lets an address that has its share take a place from itself alone", () => {
  const { room, displaced, time, enter } = open();
  enter("a1", "a2", "a3", "b1");
  assertEquals([room.delay("a"), room.delay("b"), room.delay("c")], ["refuse", 0, 0]);
  time.now = STAY_MS;
  assertEquals(room.delay("a"), 0);
  enter("a4");
  assertEquals([displaced, room.size], [["a1"], 4]);
  // The one that is the quietest now has come just before.
  enter("a5", "a6");
  assertEquals([displaced, room.delay("a")], [["a1", "a2", "a3"], "refuse"]);
});

Deno.test("WaitingRoom displaces the quietest of the address that holds the most", () => {
  const { room, displaced, enter } = open();
  enter("b1", "a1", "a2", "a3", "c1", "d1");
  assertEquals(room.delay("e"), 0, "the address that fills the room has no claim to a stay");
  enter("e1");
  assertEquals([displaced, room.size], [["a1"], 6]);
});

Deno.test("WaitingRoom keeps places among equals for a moment, then displaces the first", () => {
  const { room, displaced, time, enter, leave } = open();
  enter("a1", "b1", "c1", "d1", "e1", "f1");
  assertEquals(room.delay("g"), STAY_MS);
  time.now = 100;
  assertEquals(room.delay("g"), STAY_MS - 100);
  leave("d1");
  assertEquals(room.delay("g"), 0, "somebody left");
  enter("d2");
  time.now = STAY_MS;
  assertEquals(room.delay("g"), 0);
  enter("g1");
  assertEquals(displaced, ["a1"]);
});

Deno.test("WaitingRoom gives this machine no share, but takes its places first", () => {
  const { room, displaced, time, enter } = open();
  enter("@1", "@2", "@3", "@4", "@5", "@6");
  assertEquals(room.delay(THIS_MACHINE), STAY_MS);
  assertEquals(room.delay("a"), 0);
  time.now = STAY_MS;
  enter("@7");
  enter("a1");
  assertEquals([displaced, room.size], [["@1", "@2"], 6]);
});

Deno.test("WaitingRoom gives a place that was left to the next, and lets nobody leave twice", () => {
  const { room, displaced, enter, leave } = open();
  enter("a1");
  assertEquals([leave("a1"), leave("a1"), room.size], [true, false, 0]);
  room.displace();
  enter("a2", "a3");
  room.displace();
  assertEquals([displaced, room.size], [["a2"], 1]);
});

Deno.test("addressGroup() takes a /64 for one, and all of this machine", () => {
  const tcp = (hostname: string): Deno.Addr => ({ transport: "tcp", hostname, port: 1 });
  const cases: [Deno.Addr | undefined, string][] = [
    [tcp("192.0.2.1"), "192.0.2.1"],
    [tcp("::ffff:192.0.2.1"), "192.0.2.1"],
    [tcp("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64"],
    [tcp("2001:db8:1:2::9"), "2001:db8:1:2::/64"],
    [tcp("2001:db8::9"), "2001:db8:0:0::/64"],
    [tcp("fe80::1%eth0"), "fe80:0:0:0::/64"],
    [tcp("127.0.0.1"), THIS_MACHINE],
    [tcp("127.8.9.1"), THIS_MACHINE],
    [tcp("::ffff:127.0.0.1"), THIS_MACHINE],
    [tcp("::1"), THIS_MACHINE],
    [{ transport: "unix", path: "/x" }, THIS_MACHINE],
    [undefined, THIS_MACHINE],
  ];
  for (const [address, group] of cases) assertEquals(addressGroup(address), group);
});
