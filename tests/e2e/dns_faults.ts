/**
 * A DNS forwarder with faults, for the bench: passes questions on to the authoritative
 * server, but answers SERVFAIL to those named in a file of `NAME TYPE` lines. The file is
 * read again for each question, so that a fault can begin in the middle of a run.
 *
 * Run as: dns_faults.ts LISTEN_ADDRESS SERVER_ADDRESS PORT FAULTS_FILE
 *
 * UDP only: the answers of the bench's zones fit.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createSocket } from "node:dgram";
import dnsPacket from "dns-packet";

const RCODE_SERVFAIL = 2;

/** A question that the server has not answered by then is forgotten, ms; unbound asks again by itself. */
const UPSTREAM_TIMEOUT_MS = 2000;

function isFaulty(query: Uint8Array, faultsFile: string): boolean {
  const question = dnsPacket.decode(query).questions?.[0];
  if (question === undefined) return false;
  const line = `${question.name.toLowerCase()} ${question.type}`;
  return Deno.readTextFileSync(faultsFile).split("\n").includes(line);
}

function servfail(query: Uint8Array): Uint8Array {
  const { id, questions } = dnsPacket.decode(query);
  return dnsPacket.encode({ type: "response", id, flags: RCODE_SERVFAIL, questions });
}

function main([listen, server, portText, faultsFile]: string[]): void {
  if (!listen || !server || !portText || !faultsFile) throw new Error("Four arguments are needed");
  const port = parseInt(portText, 10);
  const front = createSocket("udp4");
  front.on("message", (query: Buffer, client) => {
    const reply = (bytes: Uint8Array) => front.send(bytes, client.port, client.address);
    if (isFaulty(query, faultsFile)) return reply(servfail(query));
    const back = createSocket("udp4");
    const timer = setTimeout(() => back.close(), UPSTREAM_TIMEOUT_MS);
    back.on("message", (answer: Buffer) => {
      clearTimeout(timer);
      reply(answer);
      back.close();
    });
    back.send(query, port, server);
  });
  front.bind(port, listen);
}

main(Deno.args);
