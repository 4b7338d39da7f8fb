// Types of the parts of dns-packet that are used here; the package has none of its own.

declare module "dns-packet" {
  export interface Question {
    name: string;
    type: string;
    class?: string;
  }
  export interface Answer {
    name: string;
    type: string;
    class?: string;
    ttl?: number;
    // deno-lint-ignore no-explicit-any
    data?: any;
    // deno-lint-ignore no-explicit-any
    [key: string]: any;
  }
  export interface Packet {
    id?: number;
    type?: "query" | "response";
    flags?: number;
    opcode?: string;
    rcode?: string;
    flag_qr?: boolean;
    flag_aa?: boolean;
    flag_tc?: boolean;
    flag_rd?: boolean;
    flag_ra?: boolean;
    flag_ad?: boolean;
    flag_cd?: boolean;
    questions?: Question[];
    answers?: Answer[];
    authorities?: Answer[];
    additionals?: Answer[];
  }
  const dnsPacket: {
    encode(packet: Packet, buffer?: Uint8Array, offset?: number): Uint8Array;
    decode: {
      /** @param buffer A node `Buffer`; other arrays lack the methods that are called. */
      (buffer: Uint8Array, offset?: number): Packet;
      /** Octets read by the last call. */
      bytes: number;
    };
    streamEncode(packet: Packet): Uint8Array;
    streamDecode(buffer: Uint8Array): Packet;
    AUTHORITATIVE_ANSWER: number;
    TRUNCATED_RESPONSE: number;
    RECURSION_DESIRED: number;
    RECURSION_AVAILABLE: number;
    AUTHENTIC_DATA: number;
    CHECKING_DISABLED: number;
    DNSSEC_OK: number;
  };
  export default dnsPacket;
}
