// The timeline: calls as bars over time, gaps, effects and webhooks as marks

function timeline({ calls, webhooks, more }) {
  const ends = [...calls.map((call) => call.end_ms ?? call.arrived_ms), ...webhooks.map((one) => one.at_ms)];
  const total = Math.max(1, ...ends);
  const place = (ms) => `${Math.min(100, (Math.max(0, ms) / total) * 100)}%`;
  if (!calls.length) return [make("p", { text: "No calls." })];
  const events = [
    ...calls.map((call) => [call.arrived_ms, () => row(call, total, place)]),
    ...webhooks.map((sent) => [sent.at_ms, () => hook(sent, place)]),
  ].sort(([one], [other]) => one - other);
  const list = make("ol", { className: "timeline" }, ...events.map(([, drawn]) => drawn()));
  if (more) list.append(make("li", { text: `… ${some(more, "more call")}` }));
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((part) => {
    const tick = make("span", { className: "tick", text: time(part * total) });
    tick.style.left = `${part * 100}%`;
    return tick;
  });
  const axis = make("li", {}, make("span"), make("div", { className: "axis" }, ...ticks));
  axis.setAttribute("aria-hidden", "true");
  list.append(axis);
  return [list];
}

function row(call, total, place) {
  const end = call.end_ms ?? total;
  const isBad = call.outcome !== "done" || call.status === null || call.status >= 400;
  const bar = make("div", { className: `bar-of-call${isBad ? " bad" : ""}${call.end_ms === null ? " open" : ""}` });
  bar.style.left = place(call.arrived_ms);
  bar.style.width = `calc(${place(end)} - ${place(call.arrived_ms)})`;
  const lane = make("div", { className: "lane" });
  if (call.gap_ms > 0) {
    const gap = make("div", { className: "gap" });
    gap.style.left = place(call.arrived_ms - call.gap_ms);
    gap.style.width = `calc(${place(call.arrived_ms)} - ${place(call.arrived_ms - call.gap_ms)})`;
    lane.append(gap);
  }
  lane.append(bar);
  call.effects.forEach((effect, i) => {
    const mark = make("span", { className: "mark", text: "◆", title: JSON.stringify(effect) });
    mark.style.left = `min(calc(${place(call.claimed_ms ?? call.arrived_ms)} + ${6 + i * 10}px), calc(100% - 6px))`;
    lane.append(mark);
  });
  const words = said(call);
  const caption = make("div", { className: "caption" }, words.join(" · "));
  for (const effect of call.effects) {
    caption.append(" ", make("span", { className: "effect", text: `◆ ${effect.kind ?? "effect"}` }));
  }
  const track = under(lane, caption, call.arrived_ms / total);
  const effects = call.effects.map((effect) => `effect ${JSON.stringify(effect)}`);
  const spoken = [`${call.request} at ${time(call.arrived_ms)}`, ...words, ...effects].join(", ");
  const what = make("span", { className: "what mono", text: call.route ?? call.request, title: call.request });
  what.setAttribute("aria-hidden", "true");
  return make("li", {}, make("span", { className: "spoken", text: spoken }), what, track);
}

function said(call) {
  const words = [];
  if (call.struck) words.push("⚡ fault");
  words.push(call.status === null ? "no status" : String(call.status));
  if (call.outcome !== "done") words.push(call.outcome.replaceAll("_", " "));
  if (call.replayed) words.push("replayed");
  if (call.end_ms !== null) words.push(`took ${time(call.end_ms - call.arrived_ms)}`);
  if (call.gap_ms !== null) words.push(call.gap_ms < 0 ? "overlaps the try before" : `gap ${time(call.gap_ms)}`);
  return words;
}

function hook(sent, place) {
  const mark = make("span", { className: "mark", text: "▼" });
  mark.style.left = place(sent.at_ms);
  const text = `webhook · ${sent.status === null ? "nobody answered" : sent.status}`;
  const caption = make("div", { className: "caption", text });
  const track = under(make("div", { className: "lane" }, mark), caption, parseFloat(mark.style.left) / 100);
  const spoken = make("span", { className: "spoken", text: `${text}, at ${time(sent.at_ms)}` });
  const what = make("span", { className: "what mono", text: "webhook" });
  what.setAttribute("aria-hidden", "true");
  return make("li", {}, spoken, what, track);
}

/** A lane with its caption, which begins at its bar, or ends at the right edge where the bar is far to the right. */
function under(lane, caption, part) {
  if (part > 0.45) caption.classList.add("far");
  else caption.style.paddingLeft = `${part * 100}%`;
  const track = make("div", {}, lane, caption);
  track.setAttribute("aria-hidden", "true");
  return track;
}
