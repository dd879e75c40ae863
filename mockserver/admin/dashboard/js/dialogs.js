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
  ["1 … 7", "the views, from left to right"], ["/", "filter the calls"], ["j k, ↓ ↑", "next and previous call"], ["Home End", "first call; last call, and follow"],
  ["Enter", "open the call"], ["Esc", "close it"], ["n", "choose a namespace"], ["t", "colours: light, dark, system"], ["?", "these keys"],
];

export function showKeys() {
  const dialog = h("dialog", { "aria-label": "Keys", onclose: () => dialog.remove() },
    h("h2", {}, "Keys"), h("dl", { class: "pairs" }, KEYS.map(([key, what]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, what)])),
    h("div", { class: "row end" }, button("Close", () => dialog.close(), { class: "primary" })));
  document.body.append(dialog);
  dialog.showModal();
}
