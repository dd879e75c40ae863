"use strict";
// Everything from the report is written as text, never as markup: it came over the wire.
const report = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const VERDICTS = {
  survived: ["✓", "survived"],
  failed_cleanly: ["–", "failed cleanly"],
  harmed: ["✗", "harmed"],
  unreached: ["?", "not reached"],
  left_out: ["·", "left out by --max-cells"],
};

function make(name, { text, label, ...properties } = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  if (text !== undefined) element.textContent = text;
  if (label !== undefined) element.setAttribute("aria-label", label);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}
const named = ({ call, trouble, then }) => `${call} / ${trouble}${then ? `, then ${named(then)}` : ""}`;
const some = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;
const time = (ms) =>
  ms === 0 ? "0" : ms >= 10000 ? `${(ms / 1000).toFixed(1)} s` : ms >= 1000 ? `${(ms / 1000).toFixed(2)} s` : `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
