/**
 * Where received reports depart from RFC 8460, or are merely odd: a word for each of the forms that senders write.
 *
 * @module
 */

/** What a kind of deviation means. */
export interface DeviationKind {
  /** A sentence without its full stop. Constant text. */
  readonly text: string;
  /** The section of the RFC that says otherwise; absent if the form is allowed, but odd. */
  readonly rule?: string;
}

/** By word. `report read` prints these. */
export const DEVIATION_KINDS = {
  // The text as a whole
  "byte-order-mark": { text: "the JSON begins with a byte order mark", rule: "RFC 8259 §8.1" },
  "not-utf-8": { text: "the JSON is not UTF-8", rule: "RFC 7493 §2.1" },
  "duplicate-name": {
    text: "an object has a name twice; the last one counts",
    rule: "RFC 7493 §2.3",
  },
  "trailing-nul": { text: "NUL octets follow the JSON", rule: "RFC 8259 §2" },
  "trailing-data": {
    text: "something follows the report, and was not read",
    rule: "RFC 8259 §2",
  },
  // Who and when
  "organization-missing": { text: "there is no organization-name", rule: "RFC 8460 §4.4" },
  "contact-missing": { text: "there is no contact-info", rule: "RFC 8460 §4.4" },
  "id-missing": { text: "there is no report-id", rule: "RFC 8460 §4.4" },
  "id-not-text": { text: "the report-id is a number", rule: "RFC 8460 §4.4" },
  "id-unfinished": { text: "the report-id ends in a separator: a part of it is empty" },
  "range-missing": { text: "there is no date-range, or it cannot be read", rule: "RFC 8460 §4.4" },
  "range-backwards": { text: "the date-range ends before it begins", rule: "RFC 8460 §4.4" },
  "range-to-midnight": { text: "the date-range ends at the next midnight, not a second before" },
  "range-shifted": { text: "the date-range is not a UTC day", rule: "RFC 8460 §4.1" },
  "range-long": { text: "the date-range is longer than a day", rule: "RFC 8460 §4.1" },
  "time-without-zone": { text: "a time has no zone; it was read as UTC", rule: "RFC 3339 §5.6" },
  "time-without-t": { text: "a time has a space instead of T" },
  "time-date-only": {
    text: "a time is only a date; it was read as midnight",
    rule: "RFC 3339 §5.6",
  },
  // Policies
  "policies-empty": { text: "there is no policy in the report", rule: "RFC 8460 §4.4" },
  "policies-not-array": { text: "policies is one object, not an array", rule: "RFC 8460 §4" },
  "policies-cut": { text: "there are more policies than are read" },
  "policy-not-object": {
    text: "an entry of policies is not an object; it was left out",
    rule: "RFC 8460 §4.4",
  },
  "policy-type-case": { text: "a policy-type is not in lower case", rule: "RFC 8460 §4.2" },
  "policy-type-unknown": { text: "a policy-type is none of the three", rule: "RFC 8460 §4.2" },
  "policy-domain-missing": { text: "a policy has no policy-domain", rule: "RFC 8460 §4.4" },
  "policy-domain-form": {
    text: "a policy-domain is not in lower-case A-labels",
    rule: "RFC 8460 §4.4",
  },
  "policy-domain-other": { text: "a policy is for another domain than the report" },
  "policy-domain-not-mx": {
    text: "the policy-domain of a tlsa policy is not the MX host",
    rule: "RFC 8460 §4.4",
  },
  "policy-string-missing": { text: "the text of the policy is missing", rule: "RFC 8460 §4.5" },
  "policy-string-order": { text: "the lines of the policy are in an unusual order" },
  "policy-string-nested": {
    text: "TLSA records are JSON inside one string",
    rule: "RFC 8460 §4.5",
  },
  "policy-string-form": { text: "policy-string is not an array of strings", rule: "RFC 8460 §4.5" },
  "mx-host-string": {
    text: "mx-host is one string, not an array",
    rule: "RFC 8460 §4.4, erratum 6241",
  },
  "mx-host-key": { text: "mx-host is called mx-host-pattern", rule: "RFC 8460 §4.4, erratum 6241" },
  // Counts
  "count-missing": { text: "a count of the summary is missing", rule: "RFC 8460 §4.4" },
  "count-form": {
    text: "a count is text, negative, too large or not whole; it was made a number",
    rule: "RFC 7493 §2.2",
  },
  // Failures
  "details-missing": {
    text: "failures are counted, but failure-details is missing",
    rule: "RFC 8460 §4.4",
  },
  "details-absent": { text: "failure-details is left out where nothing failed" },
  "details-not-array": {
    text: "failure-details is null or one object, not an array",
    rule: "RFC 8460 §4.4",
  },
  "details-cut": { text: "there are more failure details than are read" },
  "details-exceed": { text: "the details add up to more failures than the summary has" },
  "detail-not-object": {
    text: "a failure detail is not an object; it was left out",
    rule: "RFC 8460 §4.4",
  },
  "detail-bare": { text: "a failure detail has a type and a count only" },
  "result-type-case": { text: "a result-type is not in lower case", rule: "RFC 8460 §4.3" },
  "result-type-unknown": { text: "a result-type is none of the eleven", rule: "RFC 8460 §4.3" },
  "reason-form": { text: "a failure-reason-code is a sentence or in capitals, not a code" },
  "helo-lines": {
    text: "receiving-mx-helo is a whole reply to EHLO, not the name",
    rule: "RFC 8460 §4.4",
  },
  "address-form": {
    text: "an address is not an IP address; it was left out",
    rule: "RFC 8460 §4.4",
  },
  "text-form": {
    text: "a text is null, a number or the like; it was left out",
    rule: "RFC 8460 §4.4",
  },
  "text-cut": { text: "a text is too long, and was cut" },
  // The mail around the report
  "media-type": {
    text: "the media type is neither application/tlsrpt+gzip nor +json",
    rule: "RFC 8460 §5.3",
  },
  "media-type-content": {
    text: "the content is not what the media type says",
    rule: "RFC 8460 §5.3",
  },
  "not-multipart-report": {
    text: "the mail is not multipart/report with report-type=tlsrpt",
    rule: "RFC 8460 §5.3",
  },
  "headers-missing": {
    text: "TLS-Report-Domain or TLS-Report-Submitter is missing",
    rule: "RFC 8460 §5.3",
  },
  "headers-unsigned": { text: "DKIM does not sign the TLS-Report headers", rule: "RFC 8460 §5.3" },
  "dkim-missing": { text: "the mail has no DKIM signature", rule: "RFC 8460 §3" },
  "dkim-length": { text: "a DKIM signature has l=, so text can be added", rule: "RFC 8460 §3" },
  "message-id-domain": { text: "the Message-ID is under the domain of the recipient" },
  "subject-form": {
    text: "the subject has no Report-ID in the form <left@right>",
    rule: "RFC 8460 §5.3",
  },
  "subject-id-other": { text: "the subject has another report-id than the report" },
} as const satisfies Readonly<Record<string, DeviationKind>>;

/** The word of a deviation. */
export type DeviationCode = keyof typeof DEVIATION_KINDS;

/** A deviation as it was met. Each code is there once. */
export interface Deviation {
  /** Its word. */
  readonly code: DeviationCode;
  /** How often it was met. */
  readonly count: number;
  /** Where first, such as `policies[0].summary`; empty for the report as a whole. Constant text but for numbers. */
  readonly place: string;
}

/** Collects deviations; there are at most as many as codes. */
export class Deviations {
  readonly #met = new Map<DeviationCode, { count: number; place: string }>();

  /** Notes a deviation. */
  add(code: DeviationCode, place = ""): void {
    const met = this.#met.get(code);
    if (met === undefined) this.#met.set(code, { count: 1, place });
    else met.count++;
  }

  /** All that were noted, in the order of {@link DEVIATION_KINDS}. */
  list(): Deviation[] {
    const codes = Object.keys(DEVIATION_KINDS) as DeviationCode[];
    return codes.flatMap((code) => {
      const met = this.#met.get(code);
      return met === undefined ? [] : [{ code, ...met }];
    });
  }
}
