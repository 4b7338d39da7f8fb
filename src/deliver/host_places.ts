/**
 * How often we post to one web host: one report at a time, five a second, and none for a minute after nobody
 * answered there.
 *
 * @module
 */

/** Between the beginnings of two POSTs to a host, ms. */
const PAUSE_MS = 200;

/** A host that did not answer is left alone for this time, ms. */
const REST_MS = 60_000;

interface Host {
  isBusy: boolean;
  nextAt: number;
  rest: { readonly until: number; readonly error: string } | undefined;
}

/** What is known of the hosts written to within the last minute. Times are in ms since the epoch. */
export class HostPlaces {
  readonly #hosts = new Map<string, Host>();

  /** Whether a POST may begin now. */
  isFree(name: string, now: number): boolean {
    const host = this.#hosts.get(name);
    return host === undefined || !host.isBusy && host.nextAt <= now;
  }

  /** Why nobody needs to try the host now. */
  restingSince(name: string, now: number): string | undefined {
    const rest = this.#hosts.get(name)?.rest;
    return rest !== undefined && now < rest.until ? rest.error : undefined;
  }

  /** A POST begins. */
  begin(name: string, now: number): void {
    this.#hosts.set(name, { isBusy: true, nextAt: now + PAUSE_MS, rest: undefined });
  }

  /** It has ended. @param error Why nobody answered; `undefined` if somebody did. */
  end(name: string, { now, error }: { now: number; error: string | undefined }): void {
    const host = this.#hosts.get(name);
    if (host === undefined) return;
    host.isBusy = false;
    if (error !== undefined) host.rest = { until: now + REST_MS, error };
  }

  /** Forgets hosts about which nothing needs to be known any more. */
  prune(now: number): void {
    for (const [name, { isBusy, nextAt, rest }] of this.#hosts) {
      if (!isBusy && nextAt <= now && (rest?.until ?? 0) <= now) this.#hosts.delete(name);
    }
  }
}
