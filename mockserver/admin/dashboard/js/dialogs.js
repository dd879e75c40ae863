/** Dialogs: the token, and what the keys do. */

import { button, field, h } from "./dom.js";

/** Asks for the admin token; `wrong`: the one that was given is not it. */
export function askToken(wrong) {
  return new Promise((done) => {
    const token = h("input", { type: "password", autocomplete: "off", required: true });
    const dialog = h("dialog", { "aria-label": "Admin token", oncancel: (event) => event.preventDefault() },
      h("form", { method: "dialog", onsubmit: () => { done(token.value.trim()); dialog.remove(); } },
        h("h2", {}, "Admin token"),
        h("p", { role: wrong ? "alert" : null }, wrong ? "The token is wrong. " : "", "This server requires its admin token. The token is kept for this tab only."),
        field("Token", token), h("div", { class: "row end" }, h("button", { type: "submit", class: "primary" }, "Open"))));
    document.body.append(dialog);
    dialog.showModal();
  });
}

export const KEYS = [
  ["1 … 9, 0", "the first ten views, from left to right"], [", .", "previous and next view"], ["/", "filter the calls"], ["j k, ↓ ↑", "next and previous call"], ["Home End", "first call; last call, and follow"],
  ["Enter", "open the call"], ["Esc", "close it"], ["p", "pause the list of calls, and resume"], ["l", "what the symbols mean"], ["n", "choose a namespace"], ["t", "colours: light, dark, system"], ["?", "these keys"],
];

export function showKeys() {
  told("Keys", h("dl", { class: "pairs" }, KEYS.map(([key, what]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, what)])));
}

const STATUSES = [
  ["good", "●", "below 300"], ["other", "→", "a redirect"], ["refused", "▲", "a client error (4xx)"], ["failed", "■", "a server error (5xx)"],
  ["broken", "✕", "a fault on the connection"], ["left", "◁", "the client disconnected"],
];
const MARKS = [["≠", "unmatched: no route answered"], ["◆", "an effect"], ["⇢", "a webhook"], ["↺", "the saved answer of an idempotency key"]];
const CHART = [
  ["▨", "the time in which an answer asked the client to wait; the line at its end is solid where it did not"], ["⚑", "a key or a field that changed since the previous attempt"],
  ["↳", "a call that belongs to the previous attempt: a redirect, or a 401 that was repeated with credentials"], ["✕", "in front of a row: a rule of retries was broken"], ["?", "the grouping is uncertain"],
];

/** What the signs of the list and the chart mean. */
export function showLegend() {
  const list = (rows) => h("dl", { class: "pairs legend" }, rows.map(([sign, what, name]) => [h("dt", { class: name ? `status ${name}` : null }, sign), h("dd", {}, what)]));
  told("Legend", h("h3", {}, "Status"), list(STATUSES.map(([name, sign, what]) => [sign, what, name])), h("h3", {}, "Step"), list(MARKS),
    h("h3", {}, "Waterfall"), h("p", {}, "Each bar is the time in which a call was in progress, within the time of the rows in sight."), h("h3", {}, "Attempts chart"), list(CHART));
}

function told(title, ...content) {
  const dialog = h("dialog", { "aria-label": title, onclose: () => dialog.remove() }, h("h2", {}, title), content,
    h("div", { class: "row end" }, button("Close", () => dialog.close(), { class: "primary" })));
  document.body.append(dialog);
  dialog.showModal();
}
