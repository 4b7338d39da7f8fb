/**
 * A DNS server on loopback, TCP and UDP on one port, that answers from a table, in any
 * way a resolver may, and in some no resolver should.
 *
 * ```ts
 * await using server = await startFakeDnsServer({
 *   "TXT _mta-sts.example.com": txt("v=STSv1; id=1"),
 *   "MX signed.example": { answers: [...], ad: true },
 *   "TXT _mta-sts.broken.example": { rcode: "SERVFAIL" },
 *   "TXT _mta-sts.bogus.example": { ...txt("v=STSv1; id=1"), bogus: true },
 *   "TXT _mta-sts.mute.example": { fault: "silence" },
 * });
 * ```
 *
 * What the table does not hold is answered with NXDOMAIN and a SOA record.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import dgram from "node:dgram";
import { once } from "node:events";
import dnsPacket from "dns-packet";
import type { Answer, Packet } from "dns-packet";

/** TTL of records that name none, seconds. */
const DEFAULT_TTL = 300;

const RCODES: Record<string, number> = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
};

/** A record; its name is that of the question and its TTL 300 s unless it says otherwise. */
export interface FakeRecord {
  readonly name?: string;
  readonly type: string;
  /** Seconds. */
  readonly ttl?: number;
  readonly class?: string;
  readonly data: Answer["data"];
}

/** What a server may do instead of answering. */
export type Fault =
  /** Nothing comes. */
  | "silence"
  /** The connection is closed; over UDP nothing comes (Unbound's `deny`). */
  | "close"
  /** The connection is closed in the middle of the answer; over UDP nothing comes. */
  | "cut"
  /** Bytes that are no message, after the right id. */
  | "garbage"
  /** A message too short for a header. */
  | "runt"
  | "wrong-id"
  | "wrong-question"
  /** A question where an answer is due (QR bit off). */
  | "echo";

/** How one question is answered. */
export interface FakeDnsReply {
  readonly answers?: readonly FakeRecord[];
  readonly authorities?: readonly FakeRecord[];
  readonly additionals?: readonly Answer[];
  /** @default {"NOERROR"} */
  readonly rcode?: string;
  /** Sets the AD bit, if the query has it. */
  readonly ad?: boolean;
  /** Sets the TC bit; over UDP the records are left out. */
  readonly tc?: boolean;
  /** Sets the TC bit over UDP alone. */
  readonly long?: boolean;
  /** SERVFAIL unless the query has checking disabled. */
  readonly bogus?: boolean;
  /** Leaves the question out. */
  readonly noQuestion?: boolean;
  /** Answers when this has settled. */
  readonly after?: Promise<unknown>;
  readonly fault?: Fault;
}

/** A question as it was received. */
export interface SeenQuestion {
  /** `TYPE name` */
  readonly text: string;
  readonly via: "tcp" | "udp";
  readonly packet: Packet;
}

/** What a server is able to do. */
export interface FakeDnsServerOptions {
  /** Answers over UDP. @default {true} */
  readonly udp?: boolean;
  /** Listens for TCP connections. @default {true} */
  readonly tcp?: boolean;
  /** @default A free one. */
  readonly port?: number;
}

/** A running server. */
export interface FakeDnsServer extends AsyncDisposable {
  /** `127.0.0.1:port` */
  readonly address: string;
  readonly port: number;
  /** May be changed at any time. */
  readonly table: Record<string, FakeDnsReply>;
  /** Everything asked so far, in order. */
  readonly questions: SeenQuestion[];
  /** TCP connections accepted so far. */
  connections: number;
  /** Questions answered on one TCP connection before it is closed, as dnsmasq does after 100; more are not heard. */
  questionsPerConnection: number;
  /** Datagrams that are lost from now on, whatever is in them. */
  losses: number;
  /** Response code for questions with EDNS, from a server that knows nothing of it. */
  ednsRcode: "FORMERR" | "NOTIMP" | "BADVERS" | undefined;
  /** Questions with EDNS that are taken and never answered: those over UDP, or all. */
  dropsEdns: "udp" | "all" | undefined;
  /** Questions over TCP are taken and never answered. */
  isTcpMute: boolean;
  /** Ports from which datagrams came. */
  readonly sources: Set<number>;
  /** Settles once `count` questions have come in all. */
  asked(count: number): Promise<void>;
  /** Closes the open TCP connections and goes on listening. */
  disconnect(): void;
  close(): Promise<void>;
}

/** TXT records of one character-string each, or as many as a long text needs; characters are octets. */
export function txt(...texts: string[]): FakeDnsReply {
  return {
    answers: texts.map((text) => {
      const strings = text.match(/[^]{1,255}/g) ?? [""];
      return { type: "TXT", data: strings.map((each) => Buffer.from(each, "latin1")) };
    }),
  };
}

/** The SOA record of a negative answer. */
export function soa(ttl: number, minimum: number): FakeRecord {
  const data = { mname: "ns.example", rname: "hostmaster.example", serial: 1, minimum };
  return { name: "example", type: "SOA", ttl, data };
}

/** A link of a chain. */
export function cname(name: string, target: string, ttl: number = DEFAULT_TTL): FakeRecord {
  return { name, type: "CNAME", ttl, data: target };
}

const ABSENT: FakeDnsReply = { rcode: "NXDOMAIN", authorities: [soa(DEFAULT_TTL, 60)] };

/**
 * Starts a server.
 *
 * @param table Replies by question, `TYPE name` with the name in lower case; used, not copied.
 */
export async function startFakeDnsServer(
  table: Record<string, FakeDnsReply> = {},
  { udp = true, tcp = true, port: wanted = 0 }: FakeDnsServerOptions = {},
): Promise<FakeDnsServer> {
  const { listener, socket } = await bindBoth(wanted);
  const port = listener.addr.port;
  if (!tcp) listener.close();
  const open = new Set<Deno.TcpConn>();
  const waiting: { count: number; resolve: () => void }[] = [];

  /** @returns The reply, or `undefined` for silence. */
  async function take(bytes: Uint8Array, via: "tcp" | "udp"): Promise<
    { query: Packet; reply: FakeDnsReply } | undefined
  > {
    const query = dnsPacket.decode(Buffer.from(bytes));
    const [question] = query.questions ?? [];
    const text = `${question?.type} ${question?.name.toLowerCase()}`;
    server.questions.push({ text, via, packet: query });
    for (const { count, resolve } of waiting) if (server.questions.length >= count) resolve();
    const hasEdns = query.additionals?.some(({ type }) => type === "OPT");
    if (hasEdns && (server.dropsEdns === "all" || server.dropsEdns === via)) return undefined;
    const reply = hasEdns && server.ednsRcode !== undefined
      ? refuseEdns(server.ednsRcode)
      : table[text] ?? ABSENT;
    await reply.after;
    return reply.fault === "silence" ? undefined : { query, reply };
  }

  async function answerTcp(bytes: Uint8Array, conn: Deno.TcpConn): Promise<void> {
    const taken = await take(bytes, "tcp");
    if (taken === undefined || server.isTcpMute || !open.has(conn)) return;
    const { query, reply } = taken;
    if (reply.fault === "close") return hangUp(conn);
    const message = encodeReply(query, reply);
    const frame = Buffer.concat([
      Buffer.from([message.length >> 8, message.length & 0xff]),
      message,
    ]);
    if (reply.fault !== "cut") return await writeAll(conn, frame);
    await writeAll(conn, frame.subarray(0, frame.length - 5));
    hangUp(conn);
  }

  function hangUp(conn: Deno.TcpConn): void {
    if (open.delete(conn)) conn.close();
  }

  async function serve(conn: Deno.TcpConn): Promise<void> {
    server.connections++;
    open.add(conn);
    let left = server.questionsPerConnection;
    // Reads and writes end by an exception when either side hangs up.
    await readFrames(conn, (bytes) => {
      if (left <= 0) return;
      const last = --left === 0;
      answerTcp(bytes, conn).then(() => last && hangUp(conn), () => {});
    }).catch(() => {});
    hangUp(conn);
  }

  async function accept(): Promise<void> {
    const serving: Promise<void>[] = [];
    if (!tcp) return;
    for await (const conn of listener) serving.push(serve(conn));
    await Promise.all(serving);
  }

  let closed = false;
  socket.on("message", async (bytes, peer) => {
    if (!udp || server.losses-- > 0) return;
    server.losses = 0;
    server.sources.add(peer.port);
    const taken = await take(bytes, "udp");
    // A late answer may come after the end of the test.
    const fault = taken?.reply.fault;
    if (taken !== undefined && fault !== "close" && fault !== "cut" && !closed) {
      socket.send(encodeReply(taken.query, taken.reply, "udp"), peer.port, peer.address);
    }
  });
  const accepting = accept();

  const server: FakeDnsServer = {
    address: `127.0.0.1:${port}`,
    port,
    table,
    questions: [],
    connections: 0,
    questionsPerConnection: Infinity,
    losses: 0,
    ednsRcode: undefined,
    dropsEdns: undefined,
    isTcpMute: false,
    sources: new Set(),
    asked(count) {
      if (server.questions.length >= count) return Promise.resolve();
      return new Promise((resolve) => waiting.push({ count, resolve }));
    },
    disconnect() {
      for (const conn of [...open]) hangUp(conn);
    },
    async close() {
      if (closed) return;
      closed = true;
      if (tcp) listener.close();
      server.disconnect();
      const gone = once(socket, "close");
      socket.close();
      await Promise.all([accepting, gone]);
    },
    [Symbol.asyncDispose]: () => server.close(),
  };
  return server;
}

/** BADVERS is in the upper bits, so the answer has an OPT record (RFC 6891 §6.1.3). */
function refuseEdns(rcode: "FORMERR" | "NOTIMP" | "BADVERS"): FakeDnsReply {
  if (rcode !== "BADVERS") return { rcode };
  return { additionals: [{ type: "OPT", name: ".", extendedRcode: 1, options: [] }] };
}

/** A TCP and a UDP socket on one port, which may take more than one draw. */
async function bindBoth(
  port: number,
): Promise<{ listener: Deno.TcpListener; socket: dgram.Socket }> {
  for (;;) {
    const listener = Deno.listen({ hostname: "127.0.0.1", port });
    const socket = dgram.createSocket("udp4");
    try {
      const listening = once(socket, "listening");
      socket.bind(listener.addr.port, "127.0.0.1");
      await listening;
      return { listener, socket };
    } catch {
      listener.close();
    }
  }
}

async function readFrames(
  conn: Deno.TcpConn,
  onFrame: (bytes: Uint8Array) => void,
): Promise<void> {
  let bytes = Buffer.alloc(0);
  const chunk = new Uint8Array(16 * 1024);
  for (;;) {
    const count = await conn.read(chunk);
    if (count === null) return;
    bytes = Buffer.concat([bytes, chunk.subarray(0, count)]);
    while (bytes.length >= 2 && bytes.length >= 2 + bytes.readUInt16BE(0)) {
      const end = 2 + bytes.readUInt16BE(0);
      onFrame(bytes.subarray(2, end));
      bytes = bytes.subarray(end);
    }
  }
}

async function writeAll(conn: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
}

/**
 * Encodes a reply, and spoils it as its `fault` says.
 *
 * @param query What is answered: id, flags and question are taken from it.
 */
export function encodeReply(
  query: Packet,
  reply: FakeDnsReply,
  via: "tcp" | "udp" = "tcp",
): Buffer {
  const { fault, ad } = reply;
  const tc = reply.tc === true || (reply.long === true && via === "udp");
  const bogus = reply.bogus === true && query.flag_cd !== true;
  const empty = bogus || (tc && via === "udp");
  const [question] = query.questions ?? [];
  const name = question?.name ?? ".";
  const complete = (record: FakeRecord): Answer => ({
    ttl: DEFAULT_TTL,
    ...record,
    name: record.name ?? name,
  });
  const rcode = RCODES[bogus ? "SERVFAIL" : reply.rcode ?? "NOERROR"];
  if (rcode === undefined) throw new TypeError(`No response code: '${reply.rcode}'`);
  const flags = dnsPacket.RECURSION_DESIRED | dnsPacket.RECURSION_AVAILABLE | rcode |
    (ad && query.flag_ad ? dnsPacket.AUTHENTIC_DATA : 0) |
    (tc ? dnsPacket.TRUNCATED_RESPONSE : 0);
  const asked = fault === "wrong-question" && question !== undefined
    ? [{ ...question, name: "another.example" }]
    : [...query.questions ?? []];
  const message = Buffer.from(dnsPacket.encode({
    id: fault === "wrong-id" ? ((query.id ?? 0) + 1) & 0xffff : query.id,
    type: fault === "echo" ? "query" : "response",
    flags,
    questions: reply.noQuestion ? [] : asked,
    answers: empty ? [] : (reply.answers ?? []).map(complete),
    authorities: empty ? [] : (reply.authorities ?? []).map(complete),
    additionals: [...reply.additionals ?? []],
  }));
  if (fault === "runt") return message.subarray(0, 7);
  if (fault === "garbage") message.fill(0xff, 2);
  return message;
}
