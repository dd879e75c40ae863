/** Light, dark, or as the system has it; kept in this browser. */

const KEY = "mockserver.theme";
const ORDER = ["system", "light", "dark"];
const dark = matchMedia("(prefers-color-scheme: dark)");

export class Theme {
  /** `changed()` when what is seen is another than it was. */
  constructor(changed) {
    this.choice = ORDER.includes(localStorage.getItem(KEY)) ? localStorage.getItem(KEY) : "system";
    this._changed = changed;
    dark.addEventListener("change", () => this._apply());
    this._apply();
  }

  get seen() {
    return this.choice === "system" ? (dark.matches ? "dark" : "light") : this.choice;
  }

  next() {
    this.choice = ORDER[(ORDER.indexOf(this.choice) + 1) % ORDER.length];
    localStorage.setItem(KEY, this.choice);
    this._apply();
  }

  _apply() {
    document.documentElement.dataset.theme = this.seen;
    this._changed();
  }
}
