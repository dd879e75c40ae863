/** Client of mockserver, a mock server for external services. */
export type { components, paths } from "./admin-api.js";
export type { AdminApi, NamespacePaths, ServerPaths } from "./admin.js";
export { Call, CallRequest, CallResponse, Operations, Unmatched } from "./calls.js";
export type { StartOptions } from "./child.js";
export { Clock, Pause, Scenarios, State } from "./controls.js";
export { MockServerError, type Problem, Refused, StartFailed, Unreachable, VerificationFailed } from "./errors.js";
export { type MockServerMatchers, matchers } from "./matchers.js";
export { type EffectCheck, Namespace, type OutageOptions, type Part, type Trouble, type WebhookCheck } from "./namespace.js";
export { type Grouping, Route } from "./route.js";
export { type ConnectOptions, MockServer, type NamespaceOptions } from "./server.js";
export type { AttemptWords, Check, Condition, Duration, MatchWords, NamedRoute, RouteCheck, RouteWords, Schemas, Step, Times, Waiting } from "./words.js";
