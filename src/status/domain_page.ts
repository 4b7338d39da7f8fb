/**
 * The page of one domain: the policy held, its MX hosts, and the last steps taken.
 *
 * @module
 */

import type { StoredFailure } from "../cache/types.ts";
import type { DomainReport } from "../resolver/resolver.ts";
import type { HeldPolicy, MxView } from "../resolver/types.ts";
import { matchingHosts } from "../sts/mx_pattern.ts";
import { type Policy, type PolicyLine, readPolicyLines } from "../sts/policy.ts";
import { answerList } from "./charts.ts";
import type { Deferral } from "./deferrals.ts";
import type { Counts } from "./history.ts";
import { breakableName, uLabels } from "./names.ts";
import { remedyOfDeferral, remedyOfFetch } from "./remedies.ts";
import { type Html, html, NOTHING } from "../http/html.ts";
import { exceptionFact } from "./exception_block.ts";
import type { Page } from "./page_frame.ts";
import type { Step } from "./recent_events.ts";
import { formatCount, formatDuration, formatTime, timeElement } from "./wording.ts";

/** Lines of a policy file that are shown; one of 64 KiB may have 30,000. */
const MAX_LINES = 200;

/** Characters of a line that are shown. */
const MAX_LINE_CHARS = 500;

/** MX hosts that are shown. */
const MAX_HOSTS = 50;

/** All that the page shows. Times in ms. */
export interface DomainFacts {
  readonly now: number;
  /** Name of this machine. */
  readonly hostname: string;
  /** Lower-case A-labels. */
  readonly domain: string;
  readonly report: DomainReport;
  /** When the policy was last asked for. */
  readonly lastUsedAt: number | undefined;
  /** The latest first. */
  readonly steps: readonly Step[];
  /** Its mail that waits, by next hop. */
  readonly deferrals: readonly Deferral[];
  /** How often each answer was given lately. */
  readonly answers: Counts | undefined;
  /** Whether other hosts may have fetched the policy. */
  readonly isShared: boolean;
}

/** What a mode means for mail. */
const MODES: Readonly<Record<Policy["mode"], string>> = {
  enforce: "mail is delivered only to MX hosts that are named here, over verified TLS",
  testing: "nothing is enforced; failures are reported where reports are wanted",
  none: "the domain says that it has no policy any more",
};

/** What the DANE state of the MX hosts means. */
const DANE: Readonly<Record<MxView["dane"], string>> = {
  usable: "usable TLSA records: DANE takes precedence over MTA-STS",
  absent: "no usable TLSA records",
  "unknown-port": "not checked, the port of the service is not known",
  insecure: "does not apply, the MX records are not signed",
  unchecked: "not checked",
};

/** Writes the page. */
export function domainPage(facts: DomainFacts): Page {
  const { domain, hostname, report, steps } = facts;
  const isKnown = report.held !== undefined || report.failure !== undefined ||
    report.mx !== undefined || report.exception !== undefined || steps.length > 0 ||
    facts.deferrals.length > 0;
  const content = isKnown ? knownDomain(facts) : unknownDomain(domain);
  return {
    title: `${domain} on ${hostname} – MTA-STS`,
    status: isKnown ? 200 : 404,
    body: html`
      <header>
        <p><a href="/">All domains</a> on <b>${breakableName(hostname)}</b></p>
        <h1>${breakableName(domain)}</h1>
        ${idn(domain)}
      </header>
      <main>
        ${content}
      </main>
    `,
  };
}

function idn(domain: string): Html {
  const shown = uLabels(domain);
  return shown === NOTHING ? NOTHING : html`<p>${shown}</p>`;
}

function unknownDomain(domain: string): Html {
  return html`
    <p>Nothing is known of this domain: no policy is cached, and no mail was sent to it lately.</p>
    <p class="soft">To look it up now, run <code>mta-sts-resolver lookup ${domain}</code>.</p>
  `;
}

function knownDomain(facts: DomainFacts): Html {
  const { report: { held, mx, failure, exception }, lastUsedAt, steps, now } = facts;
  const { deferrals, answers } = facts;
  const counts = answers && answerList(answers);
  const rows = [
    exceptionFact(exception, now),
    ...lastAnswer(facts),
    ...(counts === undefined ? [] : [fact("Answers", counts)]),
    ...policyFacts(held, now),
    ...fetchedBy(facts),
    ...(lastUsedAt === undefined ? [] : [fact("Last used", moment(lastUsedAt, now))]),
    ...(mx === undefined ? [] : [daneFact(mx, now)]),
    ...(failure === undefined ? [] : [failureFact(failure, now)]),
  ];
  return html`
    ${deferrals.map((deferral) => deferralNote(deferral, now))}
    <dl class="facts">${rows}</dl>
    ${held && policyFile(held.text)}
    ${mx?.hosts && mailHosts(mx.hosts, held?.policy)}
    ${steps.length === 0 ? NOTHING : lastSteps(steps, now)}
  `;
}

/** Says that mail waits, and what to do. */
function deferralNote(deferral: Deferral, now: number): Html {
  const { domain, nextHop, zone, cause, reason, since, lastAt, count } = deferral;
  const hop = nextHop === domain ? "this domain" : nextHop;
  const where = zone === "default" ? "" : ` in zone ${zone}`;
  const times = count === 1 ? "once" : `${formatCount(count)} times`;
  return html`
    <div class="note">
      <p>
        <b class="bad">Mail to ${hop}${where} is deferred.</b> Postfix has asked ${times}, first
        ${timeElement(since, now)}, last ${timeElement(lastAt, now)}, and got:
      </p>
      <p><code>TEMP ${reason}</code></p>
      <p>${remedyOfDeferral(cause, domain)}</p>
    </div>
  `;
}

/** What Postfix was answered last; a ready reply repeats the answer that was worked out last. */
function lastAnswer({ steps, deferrals, now }: DomainFacts): Html[] {
  const [deferral] = deferrals.toSorted((one, other) => other.lastAt - one.lastAt);
  const step = steps.find(({ topic }) => topic === "answer");
  if (deferral !== undefined && (step === undefined || deferral.lastAt >= step.at)) {
    const what = html`<b class="bad">TEMP</b> ${deferral.reason}`;
    return [fact("Last answer", html`${what}, ${timeElement(deferral.lastAt, now)}`)];
  }
  if (step === undefined) return [];
  const style = step.isProblem ? "bad" : "fine";
  const what = html`<b class="${style}">${step.what.replace(/^Answered: /, "")}</b>`;
  const why = html`<span class="soft">${step.detail}</span>`;
  return [fact("Last answer", html`${what}, ${why}, worked out ${timeElement(step.at, now)}`)];
}

function fact(name: string, value: Html): Html {
  return html`
    <dt>${name}</dt>
    <dd>${value}</dd>
  `;
}

function moment(time: number, now: number): Html {
  return html`${formatTime(time)}, ${timeElement(time, now)}`;
}

function policyFacts(held: HeldPolicy | undefined, now: number): Html[] {
  if (held === undefined) return [fact("Policy", html`none is held`)];
  const { mode, maxAge } = held.policy;
  const age = formatDuration(maxAge * 1000);
  const meaning = html`<span class="soft">${MODES[mode]}</span>`;
  return [
    fact("Mode", html`<b class="${mode}">${mode}</b> ${meaning}`),
    fact("Version id", html`<code>${held.id}</code>`),
    fact("Fetched", moment(held.fetchedAt, now)),
    fact("Next fetch", moment(held.refreshAt, now)),
    fact("Expires", html`${moment(held.expiresAt, now)} (max_age ${age})`),
  ];
}

/** Which host fetched the policy, as long as that is remembered. */
function fetchedBy({ report: { held }, steps, isShared }: DomainFacts): Html[] {
  const step = steps.find(({ topic, isProblem }) => topic === "fetch" && !isProblem);
  if (!isShared || held === undefined || step === undefined) return [];
  return [fact("Fetched by", html`${step.host ?? "this host"}`)];
}

function daneFact({ dane, checkedAt }: MxView, now: number): Html {
  return fact("DANE", html`${DANE[dane]}, seen ${timeElement(checkedAt, now)}`);
}

function failureFact(failure: StoredFailure, now: number): Html {
  const { reason, detail, count, failedAt, retryAt } = failure;
  const times = count === 1 ? "" : ` (${count} times in a row)`;
  const what = html`<span class="bad">${reason}: ${detail}</span>${times}`;
  const [ago, next] = [failedAt, retryAt].map((time) => timeElement(time, now));
  const remedy = html`<span class="soft">${remedyOfFetch(reason, failure.domain)}</span>`;
  return fact("Last failure", html`${what}, ${ago}; not fetched again before ${next}. ${remedy}`);
}

function policyFile(text: string): Html {
  const lines = readPolicyLines(text);
  const more = lines.length - MAX_LINES;
  return html`
    <section aria-labelledby="file">
      <h2 id="file">Policy file</h2>
      <ol class="file">${lines.slice(0, MAX_LINES).map(policyLine)}</ol>
      ${more > 0 ? html`<p class="soft">And ${more} more lines.</p>` : NOTHING}
    </section>
  `;
}

function policyLine({ text, problem }: PolicyLine): Html {
  const shown = text.length <= MAX_LINE_CHARS ? text : text.slice(0, MAX_LINE_CHARS) + "…";
  return html`<li>${shown}${problem && html`<em>${problem}</em>`}</li>`;
}

function mailHosts(hosts: readonly string[], policy: Policy | undefined): Html {
  const more = hosts.length - MAX_HOSTS;
  const shown = hosts.slice(0, MAX_HOSTS);
  const isBinding = policy !== undefined && policy.mode !== "none";
  const matching = new Set(isBinding ? matchingHosts(policy.mx, shown) : []);
  const items = shown.map((host) => isBinding ? mailHost(host, matching) : html`<li>${host}</li>`);
  return html`
    <section aria-labelledby="hosts">
      <h2 id="hosts">MX hosts</h2>
      <ul class="hosts">${items}</ul>
      ${more > 0 ? html`<p class="soft">And ${more} more.</p>` : NOTHING}
    </section>
  `;
}

function mailHost(host: string, matching: ReadonlySet<string>): Html {
  return matching.has(host)
    ? html`<li>${host} <span class="soft">in the policy</span></li>`
    : html`<li>${host} <span class="bad">not in the policy</span></li>`;
}

function lastSteps(steps: readonly Step[], now: number): Html {
  return html`
    <section aria-labelledby="steps">
      <h2 id="steps">Last steps</h2>
      <ol class="said">${steps.map((step) => stepItem(step, now))}</ol>
    </section>
  `;
}

function stepItem({ at, what, detail, count, isProblem }: Step, now: number): Html {
  const style = isProblem ? "bad" : "fine";
  const times = count === 1 ? "" : `; ${count} times`;
  return html`
    <li>
      ${timeElement(at, now)}
      <div><b class="${style}">${what}</b> <span>${detail}${times}</span></div>
    </li>
  `;
}
