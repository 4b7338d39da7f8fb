/**
 * Connections that wait for their client: for its request, or for it to read the reply. A client may be
 * slow, so an attacker can occupy these places without any request.
 *
 * When the room is full, a newcomer displaces a connection of the address that holds the most places: the
 * one that has held its place the longest. So an address that fills the room displaces itself. Single octets
 * do not extend a stay; only the next step does. If no address holds more than the newcomer's, a place is
 * kept for a moment, in which a good client takes its next step, and the newcomer waits that long.
 *
 * Each address has a share of the places. At its limit, it can displace only its own connections, and none
 * that has just arrived: what connects faster is refused, and nobody else suffers. This machine has no
 * limit, because all clients of a web server in front of this one connect from here.
 *
 * @module
 */

/** A connection that waits. */
export interface Guest {
  /** The address that it counts for, from {@link addressGroup}. */
  readonly group: string;
}

/** What {@link WaitingRoom} is made with. */
export interface WaitingRoomOptions<T> {
  /** Places in all. */
  readonly places: number;
  /** The most places of one address, except for {@link THIS_MACHINE}. */
  readonly perAddress: number;
  /** Milliseconds. */
  readonly now: () => number;
  /** Called with each guest that loses its place to another. */
  readonly displace: (guest: T) => void;
}

/** The group of loopback addresses and unix sockets. */
export const THIS_MACHINE = "this machine";

/** How long a place is kept, ms: a round trip around the world takes less, even to a busy machine. */
export const STAY_MS = 500;

/** IPv4 addresses inside IPv6, as a socket for both families shows them (RFC 4291 §2.5.5.2). */
const MAPPED_IPV4 = /^::ffff:([0-9]+\.[0-9]+\.[0-9]+\.[0-9]+)$/i;

/** Groups of an IPv6 address that name the network; one subscriber has all addresses of a /64, or more. */
const NETWORK_GROUPS = 4;

const LOOPBACK = /^(?:127\.[0-9.]+|::1)$/;

/** Holds the guests and chooses whom a newcomer displaces. */
export class WaitingRoom<T extends Guest> {
  readonly #options: WaitingRoomOptions<T>;
  /** By group, the guests with their arrival times, in order of arrival; no group is empty. */
  readonly #guests = new Map<string, Map<T, number>>();
  #size = 0;

  constructor(options: WaitingRoomOptions<T>) {
    this.#options = options;
  }

  get size(): number {
    return this.#size;
  }

  /**
   * How long a newcomer should wait before it enters, ms; less if a guest leaves.
   *
   * @returns `"refuse"` if its address holds its whole share, and took all of it just now.
   */
  delay(group: string): number | "refuse" {
    const { places, perAddress, now } = this.#options;
    const own = this.#guests.get(group);
    if (own !== undefined && own.size >= perAddress && group !== THIS_MACHINE) {
      return stayOf(own, now()) > 0 ? "refuse" : 0;
    }
    const largest = this.#largest();
    if (largest === undefined || this.#size < places) return 0;
    // A group that holds more than the newcomer's makes room at once.
    return largest.size > (own?.size ?? 0) + 1 ? 0 : stayOf(largest, now());
  }

  /** Gives a guest a place as the latest arrival. Must not be called for one that has a place. */
  enter(guest: T): void {
    const { places, perAddress, now } = this.#options;
    const own = this.#guests.get(guest.group);
    const hasShare = guest.group !== THIS_MACHINE && own !== undefined && own.size >= perAddress;
    if (hasShare) this.#displaceFrom(own);
    else if (this.#size >= places) this.displace();
    // The group may just have lost its last guest.
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

  /** Displaces the quietest guest of the group that holds the most, if there is one. */
  displace(): void {
    this.#displaceFrom(this.#largest());
  }

  /** Of groups of equal size, the one that arrived first. */
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

/** How long the quietest guest of a group still keeps its place, ms. */
function stayOf(group: ReadonlyMap<unknown, number>, now: number): number {
  const [since = 0] = group.values();
  return Math.max(0, since + STAY_MS - now);
}

/** The address that a connection counts for: an IPv4 address, the /64 of an IPv6 address, or {@link THIS_MACHINE}. */
export function addressGroup(peer: Deno.Addr | undefined): string {
  if (peer === undefined || !("hostname" in peer)) return THIS_MACHINE;
  const { hostname } = peer;
  const [, address = hostname] = MAPPED_IPV4.exec(hostname) ?? [];
  if (LOOPBACK.test(address)) return THIS_MACHINE;
  return !address.includes(":")
    ? address
    : `${expandIpv6(hostname).slice(0, NETWORK_GROUPS).join(":")}::/64`;
}

/** The eight groups of an address as the system prints it: with dots only in mapped addresses. */
function expandIpv6(hostname: string): string[] {
  const [address = ""] = hostname.split("%", 1);
  const [head = "", tail] = address.split("::", 2);
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => "0");
  return [...left, ...zeros, ...right];
}
