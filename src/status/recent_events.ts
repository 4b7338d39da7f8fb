/**
 * The last steps taken for each domain, in words, for the page of a domain.
 *
 * Equal steps are one entry with a count and the time of the last, so that a few entries cover days: what
 * happens every five minutes does not push out what happened once.
 *
 * @module
 */

import type { Answer, HeldPolicy, ResolverEvent } from "../resolver/types.ts";
import { readKey } from "../sts/domain.ts";
import { explainOutcome } from "./outcome_text.ts";

/** Domains of which steps are kept, about 1 KB each. */
const MAX_DOMAINS = 2000;

/** Steps kept of one domain: some more than there are kinds. */
const MAX_STEPS = 12;

/** Characters of a detail that are kept. */
const MAX_DETAIL_CHARS = 300;

/** MX hosts named in a detail. A hundred long names, though cut, would stay in memory as a whole. */
const MAX_HOSTS = 5;

/** A step, or several that were equal. */
export interface Step {
  /** When it happened last, ms. */
  readonly at: number;
  /** How often. */
  readonly count: number;
  /** What it is about: of two steps on the same topic the later one holds. */
  readonly topic: "txt" | "fetch" | "policy" | "mx" | "answer";
  /** Constant text. */
  readonly what: string;
  /** May hold remote text, cut but not quoted. */
  readonly detail: string;
  readonly isProblem: boolean;
  /** The host of the fleet that fetched the policy, where another one did. */
  readonly host?: string;
}

/** A bounded map that forgets what was not used lately. */
interface StepMap {
  get(domain: string): Step[] | undefined;
  set(domain: string, steps: Step[]): void;
  entries(): Iterable<[string, Step[]]>;
}

/** What {@link createRecentEvents} needs. */
export interface RecentEventsOptions {
  /** Current time, ms. */
  readonly now: () => number;
  readonly createMap: (maxEntries: number) => StepMap;
}

/** The last steps. */
export interface RecentEvents {
  /** Takes note of an event of the resolver. Does not throw. */
  note(event: ResolverEvent): void;
  /** The steps of a domain, the latest first. */
  steps(domain: string): readonly Step[];
  /** The latest problem of a domain that no later step on its topic has ended. */
  problem(domain: string): Step | undefined;
  /** The domains with a problem, at most `limit`. */
  domainsWithProblems(limit: number): string[];
}

type Told = Omit<Step, "at" | "count">;

/** Creates an empty record. */
export function createRecentEvents(options: RecentEventsOptions): RecentEvents {
  /** The latest step first. */
  const stepsByDomain = options.createMap(MAX_DOMAINS);

  return {
    note(event: ResolverEvent): void {
      const domain = domainOf(event);
      const told = cut(describe(event));
      const known = stepsByDomain.get(domain);
      const steps = known ?? [];
      const same = steps.findIndex(({ what, detail }) =>
        what === told.what && detail === told.detail
      );
      const [before] = same < 0 ? [] : steps.splice(same, 1);
      steps.unshift({ ...told, at: options.now(), count: (before?.count ?? 0) + 1 });
      if (steps.length > MAX_STEPS) steps.pop();
      if (known === undefined) stepsByDomain.set(domain, steps);
    },
    steps: (domain) => stepsByDomain.get(domain) ?? [],
    problem: (domain) => currentProblem(stepsByDomain.get(domain) ?? []),
    domainsWithProblems(limit) {
      const domains: string[] = [];
      for (const [domain, steps] of stepsByDomain.entries()) {
        if (currentProblem(steps) === undefined) continue;
        domains.push(domain);
        if (domains.length >= limit) break;
      }
      return domains;
    },
  };
}

function currentProblem(steps: readonly Step[]): Step | undefined {
  return steps.find((step, index) =>
    step.isProblem && !steps.slice(0, index).some(({ topic }) => topic === step.topic)
  );
}

function domainOf(event: ResolverEvent): string {
  switch (event.kind) {
    case "policy":
    case "shared":
    case "kept":
      return event.held.domain;
    case "mx": {
      const reading = readKey(event.nextHop);
      return reading.kind === "next-hop" ? reading.nextHop.domain : event.nextHop;
    }
    default:
      return event.domain;
  }
}

function cut(told: Told): Told {
  return told.detail.length <= MAX_DETAIL_CHARS
    ? told
    : { ...told, detail: told.detail.slice(0, MAX_DETAIL_CHARS) + "…" };
}

function describe(event: ResolverEvent): Told {
  switch (event.kind) {
    case "txt":
      return describeTxt(event);
    case "fetch": {
      const { result } = event;
      return result.kind === "policy"
        ? fine("fetch", "Policy fetched", modeOf(result.held))
        : problem("fetch", "Policy not fetched", `${result.reason}: ${result.detail}`);
    }
    case "held-off": {
      const { reason, retryAt } = event.failure;
      const until = new Date(retryAt).toISOString().slice(11, 16);
      return problem("fetch", "Fetch held off", `${reason}; no new attempt before ${until} UTC`);
    }
    case "policy":
      return event.previous !== undefined && event.previous.text === event.held.text
        ? fine("policy", "Policy confirmed", modeOf(event.held))
        : fine("policy", "Policy took effect", modeOf(event.held));
    case "shared":
      // It is in the place of a fetch, and ends what was wrong with the last one.
      return {
        ...fine(
          "fetch",
          event.isSigned ? "Policy of the fleet taken" : "Policy of the fleet taken, unsigned",
          `${modeOf(event.held)}, fetched by ${event.host}`,
        ),
        host: event.host,
      };
    case "purged":
      return fine("policy", "Forgotten: purged at another host", "");
    case "kept": {
      // The record or the file is missing; the step that finds it ends the problem.
      const topic = event.outcome === "kept-without-record" ? "txt" : "fetch";
      return problem(topic, "Cached policy kept", event.reason);
    }
    case "mx":
      return describeMx(event);
    case "answer":
      return describeAnswer(event.answer, explainOutcome(event.outcome));
  }
}

function describeTxt({ result }: Extract<ResolverEvent, { kind: "txt" }>): Told {
  switch (result.kind) {
    case "found":
      return fine("txt", "TXT record found", `id ${result.id}`);
    case "none":
      return result.reason === "absent"
        ? fine("txt", "No TXT record", result.detail)
        : problem("txt", "TXT record not usable", `${result.reason}: ${result.detail}`);
    case "failed":
      return problem("txt", "TXT lookup failed", `${result.reason}: ${result.detail}`);
  }
}

function describeMx({ nextHop, result }: Extract<ResolverEvent, { kind: "mx" }>): Told {
  if (result.kind === "failed") {
    const detail = `${nextHop}: ${result.reason}: ${result.detail}`;
    return problem("mx", "MX lookup failed", detail);
  }
  const { dane, hosts = [] } = result.view;
  const shown = hosts.slice(0, MAX_HOSTS).join(" ");
  return fine("mx", "MX hosts looked up", `${nextHop}: DANE ${dane}; ${shown}`);
}

function describeAnswer(answer: Answer, why: string): Told {
  switch (answer.kind) {
    case "notfound":
      return fine("answer", "Answered: nothing to enforce", why);
    case "dane-only":
      return fine("answer", "Answered: DANE", why);
    case "secure":
      return answer.hosts?.length === 0
        ? problem("answer", "Answered: enforce, but no MX host is in the policy", why)
        : fine("answer", "Answered: enforce", why);
    case "temp":
      return problem("answer", "Answered: defer", answer.reason);
  }
}

function modeOf({ id, policy }: HeldPolicy): string {
  return `mode ${policy.mode}, id ${id}`;
}

function fine(topic: Told["topic"], what: string, detail: string): Told {
  return { topic, what, detail, isProblem: false };
}

function problem(topic: Told["topic"], what: string, detail: string): Told {
  return { topic, what, detail, isProblem: true };
}
