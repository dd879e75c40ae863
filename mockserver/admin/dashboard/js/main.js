/** The dashboard: its views, and the keys that lead through them. */

import { Problem } from "./api.js";
import { App } from "./app.js";
import { AttemptsView } from "./attempts.js";
import { CallsView } from "./calls.js";
import { FailureView } from "./failure.js";
import { LoadView } from "./load.js";
import { NamespacesView } from "./namespaces.js";
import { RecordingsView } from "./recordings.js";
import { ReplicasView } from "./replicas.js";
import { ScenariosView } from "./scenarios.js";
import { SweepsView } from "./sweeps.js";
import { EffectsView, ResourcesView, WebhooksView } from "./tables.js";
import { TroublesView } from "./troubles.js";
import { UnmatchedView } from "./unmatched.js";

const app = new App({
  calls: CallsView,
  unmatched: UnmatchedView,
  attempts: AttemptsView,
  load: LoadView,
  scenarios: ScenariosView,
  resources: ResourcesView,
  webhooks: WebhooksView,
  effects: EffectsView,
  troubles: TroublesView,
  recordings: RecordingsView,
  namespaces: NamespacesView,
  sweeps: SweepsView,
  replicas: ReplicasView,
  failure: FailureView,
});

const DEEDS = { ",": () => app.step(-1), ".": () => app.step(1), "/": () => app.focusFilter(), "?": () => app.showKeys(), t: () => app.nextTheme(), p: () => app.pause(), l: () => app.showLegend(), n: () => app.chooseNamespace() };

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.key === "Escape" && app.closeOpen()) return void event.preventDefault();
  if (event.target.closest("input, textarea, select")) return;
  const deed = /^\d$/.test(event.key) ? () => app.goTo((Number(event.key) + 9) % 10) : DEEDS[event.key];
  if (!deed) return;
  event.preventDefault();
  deed();
});

// A view that could not be drawn: the header says that the connection is lost, and the view is drawn when it is back.
addEventListener("unhandledrejection", (event) => {
  if (event.reason instanceof Problem && event.reason.status === 0) event.preventDefault();
});

void app.start();
