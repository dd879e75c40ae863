import { MockServerError, Refused, VerificationFailed } from "./errors.js";
import type { Namespace } from "./namespace.js";
import type { MockServer } from "./server.js";

/** Options of `useMock`. */
export interface MockOptions {
  /** Scenarios that are active; default: all scenario files of the server. */
  scenarios?: string[];
  /**
   * Whether a test fails if a request was unmatched, the `expect` of one of its routes was not met, or an outage or a
   * trouble affected no call; default: true.
   */
  strict?: boolean;
}

/** A server, or a function that returns it, for one that is started in `beforeAll`. */
export type ServerSource = MockServer | (() => MockServer);

/** The namespace of the current test. */
export class TestNamespace {
  /** Stands for the namespace of the current test, in every test. */
  readonly mock: Namespace;
  readonly #source: ServerSource;
  readonly #options: MockOptions;
  #current: Namespace | undefined;
  #isOwn = false;

  constructor(source: ServerSource, options: MockOptions) {
    this.#source = source;
    this.#options = options;
    this.mock = new Proxy({} as Namespace, {
      get: (_, key) => {
        // Runners and `await` look at these outside of tests, too.
        if (this.#current === undefined && typeof key === "symbol") return undefined;
        if (this.#current === undefined && key === "then") return undefined;
        const namespace = this.#namespace(String(key));
        const value: unknown = Reflect.get(namespace, key, namespace);
        return typeof value === "function" ? value.bind(namespace) : value;
      },
    });
  }

  #namespace(key: string): Namespace {
    if (this.#current === undefined) throw new MockServerError(`mock.${key} is used outside of a test: useMock() creates a namespace for each test`);
    return this.#current;
  }

  /** Create the namespace of a test. The name of the test is its seed, so random values repeat. */
  async open(test: string): Promise<void> {
    const server = typeof this.#source === "function" ? this.#source() : this.#source;
    if (server === undefined) throw new MockServerError("The server of useMock() is undefined: start it in beforeAll, and await that");
    const slug = test.replace(/[^A-Za-z0-9]+/g, "-").slice(0, 80);
    const name = `${slug}-${crypto.randomUUID().slice(0, 8)}`;
    this.#isOwn = server.isOwn;
    this.#current = await server.namespace({ name, seed: test, scenarios: this.#options.scenarios });
  }

  /**
   * Remove the namespace. If the test failed, print its report; then a server that was already running keeps the namespace.
   *
   * Throws VerificationFailed if the test passed, and a strict check fails.
   */
  async close(failed: boolean): Promise<void> {
    const namespace = this.#current;
    this.#current = undefined;
    try {
      if (namespace !== undefined) await this.#close(namespace, failed);
    } catch (error) {
      if (!(error instanceof Refused && error.status === 404)) throw error; // else the test has removed it itself
    }
  }

  async #close(namespace: Namespace, failed: boolean): Promise<void> {
    let fault: VerificationFailed | undefined;
    if (!failed && this.#options.strict !== false) fault = await strictFault(namespace);
    const lines = [];
    if (failed || fault !== undefined) lines.push(await namespace.report());
    if (lines.length === 0 || this.#isOwn) {
      await namespace.remove();
    } else {
      await namespace.keep();
      lines.push("", `Kept for an hour, while the server runs: ${namespace.dashboardUrl}`);
    }
    if (lines.length > 0) console.error(lines.join("\n"));
    if (fault !== undefined) throw fault;
  }
}

/** An expectation that is left to the test: there may be no receiver of webhooks. */
const WEBHOOKS = "no failed webhook";

async function strictFault(namespace: Namespace): Promise<VerificationFailed | undefined> {
  try {
    await namespace.admin.get("/verify", { query: { scenario: "runtime" } });
  } catch (error) {
    if (!(error instanceof VerificationFailed)) throw error;
    const failed = error.checks.filter((check) => !check.ok && check.expected !== WEBHOOKS);
    if (failed.length > 0) return new VerificationFailed({ ...error.problem, detail: failed.map((check) => check.text).join("\n") });
  }
  return undefined;
}
