/**
 * A rule of RFC 8461 beside the tests that hold it, and where those are.
 *
 * @module
 */

/** Where the tests are; nothing else here names a path. */
export const FILES = {
  answer: "tests/postfix/tls_policy_test.ts",
  cacheRows: "tests/cache/rows_test.ts",
  certificates: "tests/https/certificates_test.ts",
  daemon: "tests/cli/serve_test.ts",
  dane: "tests/resolver/mx_cache_test.ts",
  daneRecords: "tests/resolver/dane_test.ts",
  decision: "tests/resolver/decide_test.ts",
  defaults: "tests/config/load_test.ts",
  discovery: "tests/conformance/discovery_test.ts",
  dnsFailover: "tests/dns/failover_test.ts",
  dnsMessage: "tests/dns/message_test.ts",
  dnsRecords: "tests/dns/records_test.ts",
  domain: "tests/sts/domain_test.ts",
  failures: "tests/daemon/failure_table_test.ts",
  fetch: "tests/https/policy_fetch_test.ts",
  fetchAnswers: "tests/https/answers_test.ts",
  fetchLimits: "tests/https/fetch_limits_test.ts",
  findTxt: "tests/dns/find_txt_test.ts",
  mediaType: "tests/sts/media_type_test.ts",
  mxPattern: "tests/sts/mx_pattern_test.ts",
  observer: "tests/status/observer_test.ts",
  policy: "tests/sts/policy_test.ts",
  policyHost: "tests/conformance/policy_host_test.ts",
  property: "tests/resolver/reply_property_test.ts",
  refresher: "tests/resolver/refresher_test.ts",
  resolver: "tests/resolver/resolver_test.ts",
  responder: "tests/postfix/responder_test.ts",
  store: "tests/cache/sqlite_store_test.ts",
  tlsrpt: "tests/tlsrpt/result_type_test.ts",
  trustRoots: "tests/https/trust_roots_test.ts",
  txtRecord: "tests/sts/txt_record_test.ts",
  year: "tests/resolver/year_test.ts",
} as const;

/** A test: the key of its file, and its name. Where a loop makes the names, `…` stands for what it puts in. */
export type TestName = readonly [file: keyof typeof FILES, name: string];

/** One rule. */
export interface Requirement {
  /** The letter of its group and its number there. */
  readonly id: string;
  /** The capital keyword of RFC 2119; none where the RFC says it in other words. */
  readonly level?: "MUST" | "MUST NOT" | "SHALL" | "SHOULD" | "SHOULD NOT" | "MAY";
  /** Sections of RFC 8461, separated by commas. */
  readonly section: string;
  readonly says: string;
  readonly heldBy: readonly TestName[];
  /** Who keeps the rule, or the rest of it, and why no test here can. */
  readonly others?: string;
}
