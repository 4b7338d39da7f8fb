/**
 * One failure detail of a received report (RFC 8460 §4.4).
 *
 * @module
 */

import { isMapping } from "../base/mapping.ts";
import { toDomainName } from "../sts/domain.ts";
import { ehloName, plainAddress, plainText } from "./plain_text.ts";
import { type Place, readCount, readText } from "./read_value.ts";
import type { ReceivedDetail } from "./received.ts";
import { RESULT_TYPES, type ResultType } from "./result_type.ts";

/** What a failure reason code is made of: words of letters and digits. */
const CODE = /^[a-z0-9]+(?:[-_.:\/][a-z0-9]+)*$/;

/**
 * Reads a failure detail.
 *
 * @returns `undefined` if it is no object, which is noted. `count` is `undefined` if there is none. Never throws.
 */
export function readDetail(
  entry: unknown,
  { deviations, place }: Place,
): Omit<ReceivedDetail, "count"> & { readonly count: number | undefined } | undefined {
  if (!isMapping(entry)) {
    deviations.add("detail-not-object", place);
    return undefined;
  }
  const at = (name: string) => ({ deviations, place: `${place}.${name}` });
  const text = (name: string) => {
    const value = readText(entry[name], at(name));
    return value === "" ? undefined : value;
  };
  const address = (name: string) => {
    const written = text(name);
    const found = written === undefined ? undefined : plainAddress(written);
    if (written !== undefined && found === undefined) {
      deviations.add("address-form", at(name).place);
    }
    return found;
  };
  const host = text("receiving-mx-hostname");
  const reason = text("failure-reason-code");
  if (reason !== undefined && !CODE.test(reason)) {
    deviations.add("reason-form", at("failure-reason-code").place);
  }
  const rest = {
    sendingIp: address("sending-mta-ip"),
    mxHost: host === undefined ? undefined : toDomainName(host) ?? plainText(host),
    mxHelo: readHelo(text("receiving-mx-helo"), at("receiving-mx-helo")),
    receivingIp: address("receiving-ip"),
    additional: text("additional-information"),
    reason,
  };
  const given = Object.entries(rest).filter(([, value]) => value !== undefined);
  if (given.length === 0) deviations.add("detail-bare", place);
  return {
    ...readResult(entry["result-type"], at("result-type")),
    count: readCount(entry["failed-session-count"], at("failed-session-count")),
    ...Object.fromEntries(given),
  };
}

function readHelo(helo: string | undefined, { deviations, place }: Place): string | undefined {
  if (helo === undefined) return undefined;
  if (/^[0-9]{3}[ -]|[ \r\n]/.test(helo)) {
    deviations.add("helo-lines", place);
    return ehloName(helo);
  }
  return plainText(helo);
}

function readResult(
  value: unknown,
  { deviations, place }: Place,
): { readonly result: ResultType | "unknown"; readonly written?: string } {
  const written = typeof value === "string" ? value : "";
  const result = RESULT_TYPES.find((type) => type === written.toLowerCase().replaceAll("_", "-"));
  if (result === undefined) {
    deviations.add("result-type-unknown", place);
    return { result: "unknown", written: readText(written, { deviations, place }) ?? "" };
  }
  if (result !== written) deviations.add("result-type-case", place);
  return { result };
}
