/** The replicas that share a store with this server, and whether the store can be used. */

import { h, show } from "./dom.js";
import { empty, table, View, withAttributes } from "./view.js";
import { dayAndTime } from "./words.js";

const COLUMNS = ["Replica", "Address", "Version", "Calls/s", "Owns", "Scenario files", "Heartbeat"];
const LATE_S = 3;

export class ReplicasView extends View {
  constructor(app) {
    super(app, "Replicas");
    this._place = h("section", { class: "replicas", "aria-label": "Replicas" });
    show(this.element, this._place);
  }

  async refresh() {
    this._draw(await this._app.replicas());
  }

  _draw({ store, self, replicas }) {
    if (store === null) {
      show(this._place, empty("This server shares no store. Servers that are started with --store share their namespaces, and are listed here."));
      return;
    }
    const state = store.ready ? h("span", { class: "state delivered" }, "● ready") : [h("strong", { class: "state failed" }, "■ not ready"), `: ${store.reason}`];
    const digest = replicas.find((one) => one.id === self)?.digest;
    show(this._place, h("h2", {}, "Replicas"),
      h("p", {}, `${store.kind === "valkey" ? "Valkey" : "Redis"} ${store.version}: `, state,
        store.emptied_at && h("span", { class: "quiet" }, ` · it was found empty at ${dayAndTime(store.emptied_at)}, and everything began as after a reset`)),
      table("List of replicas", COLUMNS, replicas.map((one) => withAttributes(cells(one, self, digest), { "data-replica": one.id })), { class: "stacks" }));
  }
}

function cells(one, self, digest) {
  return [
    [h("code", {}, one.id), one.id === self && h("span", { class: "quiet" }, " this one")],
    h("code", {}, one.address),
    one.version,
    one.calls_per_s.toLocaleString("en"),
    one.namespace_count > 0 ? [one.namespaces.slice(0, 5).join(", "), one.namespace_count > 5 && h("span", { class: "quiet" }, ` and ${one.namespace_count - 5} more`)] : h("span", { class: "quiet" }, "none"),
    [h("code", {}, one.digest), one.digest !== digest && h("strong", { class: "state failed" }, " ≠")],
    one.heard_s > LATE_S ? h("strong", { class: "state failed" }, `■ ${one.heard_s.toFixed(1)} s ago`) : `${one.heard_s.toFixed(1)} s ago`,
  ];
}
