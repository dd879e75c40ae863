import { VerificationFailed } from "./errors.js";
import type { Namespace } from "./namespace.js";
import type { Route } from "./route.js";
import type { AttemptWords, Check, RouteCheck, Times, Waiting } from "./words.js";

/** Matchers for `expect`. They ask the server, so they must be awaited: `await expect(route).toHaveCalls(3)`. */
export interface MockServerMatchers<R = void> {
  /** The route was called so often (default: at least once), with such requests. */
  toHaveCalls(check?: Times | RouteCheck): R extends Promise<unknown> ? R : Promise<R>;
  /** All attempts keep the rules of `assertAttempts`. */
  toHaveRetried(rules: AttemptWords & Waiting): R extends Promise<unknown> ? R : Promise<R>;
  /** There are so many effects of this kind (default: at least one). */
  toHaveEffects(kind: string, check?: Times | (Waiting & { where?: Record<string, unknown> })): R extends Promise<unknown> ? R : Promise<R>;
  /** The checks pass; without checks, every `expect` is met, no request was unmatched, and no webhook failed. */
  toPassChecks(...checks: Check[]): R extends Promise<unknown> ? R : Promise<R>;
}

interface Result {
  pass: boolean;
  message: () => string;
}

/** For `expect.extend`; `@mockserver-py/sdk/vitest` and `/jest` do that. */
export const matchers = {
  async toHaveCalls(route: Route, check: Times | RouteCheck = {}): Promise<Result> {
    requireMethod(route, "assertAttempts", "toHaveCalls", "a route");
    return verdict(`${route.id}: expected other calls`, () => route.verify(withTimes(check)));
  },

  async toHaveRetried(route: Route, rules: AttemptWords & Waiting): Promise<Result> {
    requireMethod(route, "assertAttempts", "toHaveRetried", "a route");
    return verdict(`${route.id}: expected attempts that break the rules`, () => route.assertAttempts(rules));
  },

  async toHaveEffects(mock: Namespace, kind: string, check: Times | Waiting = {}): Promise<Result> {
    requireMethod(mock, "assertEffects", "toHaveEffects", "a namespace");
    return verdict(`${mock.url}: expected other effects of kind ${kind}`, () => mock.assertEffects(kind, withTimes(check)));
  },

  async toPassChecks(mock: Namespace, ...checks: Check[]): Promise<Result> {
    requireMethod(mock, "assertEffects", "toPassChecks", "a namespace");
    return verdict(`${mock.url}: expected a failed check`, () => mock.verify(...checks));
  },
};

/** `{min: 1}` is a range, and part of no other check. */
function withTimes<C extends object>(check: Times | C): C {
  if (typeof check === "number" || "min" in check || "max" in check) return { times: check } as unknown as C;
  return check as C;
}

async function verdict(negated: string, check: () => Promise<void>): Promise<Result> {
  try {
    await check();
  } catch (error) {
    if (!(error instanceof VerificationFailed)) throw error;
    return { pass: false, message: () => error.message };
  }
  return { pass: true, message: () => `${negated}, and the check passed` };
}

function requireMethod(value: unknown, method: string, matcher: string, what: string): void {
  if (typeof (value as Record<string, unknown> | null | undefined)?.[method] !== "function") {
    throw new TypeError(`expect(…).${matcher}() needs ${what} of mockserver, got ${String(value)}. Was a promise not awaited?`);
  }
}
