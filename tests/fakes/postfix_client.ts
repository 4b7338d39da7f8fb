/**
 * Postfix's client of a socketmap (auto_clnt.c): one connection for all queries; when it ends without
 * a reply, connect and ask once more, and only then fail.
 *
 * @module
 */

import { TestClient } from "../postfix/support.ts";

/** A client of 127.0.0.1. */
export class PostfixClient implements Disposable {
  readonly #port: number;
  #client: TestClient | undefined;

  constructor(port: number) {
    this.#port = port;
  }

  /** @returns The reply; `undefined` if the second attempt failed, too, for which Postfix defers the mail. */
  async ask(payload: string): Promise<string | undefined> {
    for (let attempt = 0; attempt < 2; attempt++) {
      const reply = await this.#attempt(payload).catch(() => null);
      if (reply !== null) return reply;
      this.leave();
    }
    return undefined;
  }

  async #attempt(payload: string): Promise<string | null> {
    if (this.#client === undefined) {
      const address = { kind: "inet", hostname: "127.0.0.1", port: this.#port } as const;
      this.#client = await TestClient.connect(address);
    }
    return await this.#client.ask(payload);
  }

  /** Closes the connection, as Postfix does after ten idle seconds. */
  leave(): void {
    this.#client?.[Symbol.dispose]();
    this.#client = undefined;
  }

  [Symbol.dispose](): void {
    this.leave();
  }
}
