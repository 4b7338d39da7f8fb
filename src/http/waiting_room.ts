/**
 * Connections that wait for their client: for its request, or for it to read the reply. A client need
 * not hurry, so these places are what somebody can occupy who has no request at all.
 *
 * When the room is full, a newcomer takes the place of the connection that has been in its place the
 * longest, of the address that holds the most: one that fills the room displaces itself. Octets sent now and
 * then earn no stay, only the next step does. Among equals a place is kept for a moment, in which a good
 * client takes its next step, and newcomers wait for as long.
 *
 * An address has a share at most, whose places it can only take from itself, and none that it took just now:
 * what connects faster than that is turned away, and is nobody else's trouble. This machine has no
 * share, since all clients of a web server in front of this one come from here.
 *
 * @module
 */

/** What waits. */
export interface Guest {
  /** Who holds the place, from {@link addressGroup}. */
  readonly group: string;
}

/** What {@link WaitingRoom} is made with. */
export interface WaitingRoomOptions<T> {
  /** Places in all. */
  readonly places: number;
  /** Places of one address at most, but for {@link THIS_MACHINE}. */
  readonly perAddress: number;
  /** Milliseconds. */
  readonly now: () => number;
  /** Called with each guest that has lost its place to another. */
  readonly displace: (guest: T) => void;
}

/** The group of loopback addresses and unix sockets. */
export const THIS_MACHINE = "this machine";

/** For how long a place is kept, ms: a round trip around the world takes less, even to a busy machine. */
export const STAY_MS = 500;

/** IPv4 addresses inside IPv6, as a socket for both families shows them (RFC 4291 §2.5.5.2). */
const MAPPED_IPV4 = /^::ffff:([0-9]+\.[0-9]+\.[0-9]+\.[0-9]+)$/i;

/** Groups of an IPv6 address that name the network; one subscriber has all addresses of a /64, or more. */
const NETWORK_GROUPS = 4;

const LOOPBACK = /^(?:127\.[0-9.]+|::1)$/;

/** The room. */
export class WaitingRoom<T extends Guest> {
  readonly #options: WaitingRoomOptions<T>;
  /** By group, the guests in the order of their coming, with its time; no group is empty. */
  readonly #guests = new Map<string, Map<T, number>>();
  #size = 0;

  constructor(options: WaitingRoomOptions<T>) {
    this.#options = options;
  }

  get size(): number {
    return this.#size;
  }

  /**
   * How long a newcomer should wait before it enters, ms; less when somebody leaves.
   *
   * @returns `"refuse"` if its address has had its share, and just now.
   */
  delay(group: string): number | "refuse" {
    const { places, perAddress, now } = this.#options;
    const own = this.#guests.get(group);
    if (own !== undefined && own.size >= perAddress && group !== THIS_MACHINE) {
      return stayOf(own, now()) > 0 ? "refuse" : 0;
    }
    const largest = this.#largest();
    if (largest === undefined || this.#size < places) return 0;
    // Who holds more than its like makes room at once.
    return largest.size > (own?.size ?? 0) + 1 ? 0 : stayOf(largest, now());
  }

  /** Gives a guest a place, as the last that came. Not to be called for one that has a place. */
  enter(guest: T): void {
    const { places, perAddress, now } = this.#options;
    const own = this.#guests.get(guest.group);
    const hasShare = guest.group !== THIS_MACHINE && own !== undefined && own.size >= perAddress;
    if (hasShare) this.#displaceFrom(own);
    else if (this.#size >= places) this.displace();
    // The group may have lost its last guest just now.
    const group = this.#guests.get(guest.group) ?? new Map<T, number>();
    this.#guests.set(guest.group, group.set(guest, now()));
    this.#size++;
  }

  /** Frees the place of a guest. @returns Whether it had one. */
  leave(guest: T): boolean {
    const group = this.#guests.get(guest.group);
    if (group === undefined || !group.delete(guest)) return false;
    if (group.size === 0) this.#guests.delete(guest.group);
    this.#size--;
    return true;
  }

  /** Ends the stay of the quietest of the address that holds the most, if anybody is here. */
  displace(): void {
    this.#displaceFrom(this.#largest());
  }

  /** Of groups of one size the one that has been here the longest. */
  #largest(): Map<T, number> | undefined {
    let largest: Map<T, number> | undefined;
    for (const group of this.#guests.values()) {
      if (largest === undefined || group.size > largest.size) largest = group;
    }
    return largest;
  }

  #displaceFrom(group: Map<T, number> | undefined): void {
    const [quietest] = group?.keys() ?? [];
    if (quietest === undefined || !this.leave(quietest)) return;
    this.#options.displace(quietest);
  }
}

/** For how long the quietest of a group keeps its place, ms. */
function stayOf(group: ReadonlyMap<unknown, number>, now: number): number {
  const [since = 0] = group.values();
  return Math.max(0, since + STAY_MS - now);
}

/** Who a connection counts for: an IPv4 address, the /64 of an IPv6 address, or {@link THIS_MACHINE}. */
export function addressGroup(peer: Deno.Addr | undefined): string {
  if (peer === undefined || !("hostname" in peer)) return THIS_MACHINE;
  const { hostname } = peer;
  const [, address = hostname] = MAPPED_IPV4.exec(hostname) ?? [];
  if (LOOPBACK.test(address)) return THIS_MACHINE;
  return !address.includes(":")
    ? address
    : `${expandIpv6(hostname).slice(0, NETWORK_GROUPS).join(":")}::/64`;
}

/** The eight groups of an address as the system prints it, which has no dots but in mapped ones. */
function expandIpv6(hostname: string): string[] {
  const [address = ""] = hostname.split("%", 1);
  const [head = "", tail] = address.split("::", 2);
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => "0");
  return [...left, ...zeros, ...right];
}
