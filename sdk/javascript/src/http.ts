import { MockServerError, Refused, refusal, Unreachable } from "./errors.js";

/** Of the time before tests replace the global one. */
const send = globalThis.fetch;

const TIMEOUT_MS = 30_000;
const WRONG_URL = "Give the URL of a mock server and, if its admin API has a separate port, `adminUrl`";

/** Exchanges JSON with the admin API of one server. */
export class Http {
  constructor(
    /** URL of the admin API, without a slash at its end. */
    readonly url: string,
    readonly token: string | undefined,
  ) {
    if (token !== undefined && !/^[\x21-\x7e]+$/.test(token)) {
      throw new TypeError("The token is empty, or has a space, a line break or a character that is not ASCII in it");
    }
  }

  /**
   * Send a request, and return the JSON of the answer; undefined if it is empty.
   *
   * `waitMs` is additional time for the answer; Infinity waits without a limit.
   */
  async send(method: string, path: string, body?: unknown, waitMs = 0): Promise<unknown> {
    const url = `${this.url}${path}`;
    const headers: Record<string, string> = { accept: "application/json", "user-agent": "mockserver-sdk" };
    if (this.token !== undefined) headers.authorization = `Bearer ${this.token}`;
    if (body !== undefined) headers["content-type"] = "application/json";
    let status: number;
    let text: string;
    try {
      const answer = await send(url, {
        method,
        headers,
        body: body === undefined ? undefined : JSON.stringify(body),
        redirect: "error",
        signal: Number.isFinite(waitMs) ? AbortSignal.timeout(TIMEOUT_MS + waitMs) : undefined,
      });
      status = answer.status;
      text = await answer.text();
    } catch (error) {
      throw this.#unreachable(method, url, error, TIMEOUT_MS + waitMs);
    }
    const document = parsed(text);
    if (document === undefined ? text !== "" || status >= 400 : status >= 400 && !isProblem(document)) {
      const shown = JSON.stringify(text.slice(0, 80));
      throw new Unreachable(`${method} ${url} was answered with ${status} and ${shown}: that is not a mock server. ${WRONG_URL}`);
    }
    if (status < 400) return document;
    const problem = document as Refused["problem"];
    // The answer of the mock to a request that no route matches.
    if (problem.type.endsWith(":unmatched")) throw new Unreachable(`There is no admin API at ${this.url}. ${WRONG_URL}`);
    throw this.#refusal(problem);
  }

  #refusal(problem: Refused["problem"]): Error {
    if (problem.status !== 401) return refusal(problem);
    const given = this.token === undefined ? "" : ", and another one was given";
    const title = `The admin API at ${this.url} requires a token${given}`;
    return new Refused({ ...problem, title, detail: "Pass `token`, or set MOCKSERVER_ADMIN_TOKEN, to the --admin-token of the server" });
  }

  #unreachable(method: string, url: string, error: unknown, timeoutMs: number): MockServerError {
    if (error instanceof Error && error.name === "TimeoutError") {
      return new Unreachable(`${method} ${url} got no answer within ${timeoutMs / 1000} s`, { cause: error });
    }
    return new Unreachable(
      `No mock server answers at ${this.url}: ${reason(error)}. Start one with \`mockserver serve\`, or correct the URL`,
      { cause: error },
    );
  }
}

/** Return what the system said: fetch wraps it once, or twice for a name with several addresses. */
function reason(error: unknown): string {
  const { cause } = error as { cause?: { code?: string; message?: string } };
  return cause?.message || cause?.code || String(error);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isProblem(document: unknown): boolean {
  return typeof document === "object" && document !== null && ["type", "title", "status"].every((name) => name in document);
}
