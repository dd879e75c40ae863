/**
 * What callers write: the keys of the scenario language and of checks, typed by the OpenAPI document.
 *
 * Conditions on a request are given directly, without `match`. A duration is a text: `"200ms"`, `"5s"`, `"1h"`.
 */
import type { components } from "./admin-api.js";

/** All models of the admin API. */
export type Schemas = components["schemas"];

/** A number with a unit: `"200ms"`, `"5s"`, `"1m30s"`, `"3d"`. */
export type Duration = string;

/** A number of calls, or bounds on it. */
export type Times = number | { min?: number; max?: number };

/** A condition on a value: a regular expression, or what the scenario language has. */
export type Condition = RegExp | Schemas["MatchSpec"]["text"];

type Conditions = { [name: string]: Condition };

/** Conditions on a request. In `json`, names of operators start with a dollar: `{amount: {$gte: 100}}`. */
export interface MatchWords extends Omit<Schemas["MatchSpec"], "headers" | "query" | "query_exact" | "cookies" | "form" | "form_exact" | "text"> {
  headers?: Conditions;
  query?: Conditions;
  query_exact?: Conditions;
  cookies?: Conditions;
  form?: Conditions;
  form_exact?: Conditions;
  text?: Condition;
}

/** Keys of a route besides its request line and its reply. */
export type RouteWords = MatchWords & Partial<Omit<Schemas["RouteSpec"], "request" | "reply" | "proxy">>;

/** One reply: a status, or an object with the keys of the scenario language. */
export type Step = number | Exclude<Schemas["ReplySpec"], number>;

/** How often and how soon. */
export interface Waiting {
  /** Number of calls; default: at least one. */
  times?: Times;
  /** Wait so long for the lower bound. */
  within?: Duration;
  /** Require that no further calls arrive for this duration afterwards. */
  quiet?: Duration;
}

/** Rules on how a client retries, and how its calls are grouped into operations. */
export type AttemptWords = Schemas["AttemptsSpec"];

/** A check of the calls of one route. */
export interface RouteCheck extends Waiting, MatchWords {
  attempts?: AttemptWords;
  load?: Schemas["LoadSpec"];
}

/** A check: one subject (`route`, `request`, `in_order`, `effects`, `webhooks`, `unmatched`, …), how often, and how soon. */
export type Check = Omit<Schemas["CheckSpec"], "route" | "times" | "within" | "quiet" | "in_order"> &
  Waiting &
  MatchWords & {
    route?: string | NamedRoute;
    in_order?: (Omit<Schemas["OrderedSpec"], "route"> & MatchWords & { route?: string | NamedRoute })[];
  };

/** A route of this package, wherever a route is named. */
export interface NamedRoute {
  readonly id: string;
}

const MATCH: Record<keyof Schemas["MatchSpec"], true> = {
  headers: true,
  query: true,
  query_exact: true,
  cookies: true,
  json: true,
  json_exact: true,
  jsonpath: true,
  schema: true,
  form: true,
  form_exact: true,
  files: true,
  text: true,
  xml: true,
  xml_exact: true,
  xml_schema: true,
  graphql: true,
  message: true,
  messages: true,
  arguments: true,
  body_sha256: true,
  client_cert: true,
  jwt: true,
};

/** Move the conditions on a request below `match`, where the admin API has them. */
export function withMatch(words: object): Record<string, unknown> {
  const rest: Record<string, unknown> = {};
  const match: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(words)) {
    if (Object.hasOwn(MATCH, key)) match[key] = value;
    else rest[key] = value;
  }
  if (Object.keys(match).length > 0) rest.match = { ...(rest.match as object | undefined), ...match };
  return rest;
}

/** Return the milliseconds that a check may wait; the server reports invalid durations. */
export function waitMs(...durations: (Duration | undefined)[]): number {
  return durations.reduce((sum, duration) => sum + (duration === undefined ? 0 : milliseconds(duration)), 0);
}

const UNITS_MS: Record<string, number> = { us: 0.001, ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

function milliseconds(duration: Duration): number {
  if (typeof duration !== "string") {
    throw new TypeError(`${String(duration)} is not a duration: write a text with a unit, such as "200ms" or "5s"`);
  }
  let sum = 0;
  for (const [, number, unit] of duration.matchAll(/([\d.]+)(us|ms|s|m|h|d|w)/g)) sum += Number(number) * UNITS_MS[unit!]!;
  return sum;
}
