import { AssertionError } from "node:assert";

import type { Schemas } from "./words.js";

/** Problem document (RFC 9457) of the admin API. */
export type Problem = Schemas["Problem"] & { checks?: Schemas["VerdictView"][] };

/** Base class of the errors of this package, except `VerificationFailed`. Invalid arguments throw `TypeError`. */
export class MockServerError extends Error {
  override name = "MockServerError";
}

/** `MockServer.start()` could not start a server. The message has the output of the command. */
export class StartFailed extends MockServerError {
  override name = "StartFailed";
}

/** No mock server answers at this address in time. */
export class Unreachable extends MockServerError {
  override name = "Unreachable";
}

/** The admin API returned an error; nothing was changed. */
export class Refused extends MockServerError {
  override name = "Refused";

  constructor(readonly problem: Problem) {
    super(messageOf(problem));
  }

  /** Status of the answer. */
  get status(): number {
    return this.problem.status;
  }

  /** Last part of the problem's type, such as `no-such-route`. */
  get kind(): string {
    return this.problem.type.slice(this.problem.type.lastIndexOf(":") + 1);
  }

  /** Invalid fields, each with a JSON pointer. */
  get errors(): Schemas["FlawView"][] {
    return this.problem.errors ?? [];
  }
}

/** A check failed. The message is the report of the server: the relevant calls, and what is wrong with them. */
export class VerificationFailed extends AssertionError {
  override name = "VerificationFailed";

  constructor(readonly problem: Problem) {
    super({ message: messageOf(problem), operator: "fail", stackStartFn: new.target }); // for `fail`, Jest prints the message and no values
  }

  /** All checks, each as `{ok, expected, saw, text}`. */
  get checks(): Schemas["VerdictView"][] {
    return this.problem.checks ?? [];
  }
}

/** Return the error for a problem document. */
export function refusal(problem: Problem): Refused | VerificationFailed {
  return problem.checks === undefined ? new Refused(problem) : new VerificationFailed(problem);
}

function messageOf({ title, detail, checks, errors }: Problem): string {
  if (!detail) return title;
  if (checks?.length || errors?.length) return detail;
  return detail.includes("\n") || title.length + detail.length > 100 ? `${title}\n${detail}` : `${title}. ${detail}`;
}
