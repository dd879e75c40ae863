// A cell, opened

const dialog = byId("cell");
let opened = null;

function open(one) {
  if (!one?.cell) return;
  opened = one;
  byId("told").replaceChildren(...told(one.cell));
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
  byId("title").focus({ preventScroll: true });
  history.replaceState(null, "", `#${encodeURIComponent(one.cell.id ?? "")}`);
}

function beside(step) {
  const all = [...visible().flatMap((row) => row.squares), ...pairs].filter((one) => one.cell);
  const next = all[all.indexOf(opened) + step];
  if (next) open(next);
}

byId("close").addEventListener("click", () => dialog.close());
byId("previous").addEventListener("click", () => beside(-1));
byId("next").addEventListener("click", () => beside(1));
dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
dialog.addEventListener("keydown", (event) => {
  if (event.target.closest("pre")) return;
  if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
    event.preventDefault();
    beside(event.key === "ArrowLeft" ? -1 : 1);
  }
});
dialog.addEventListener("close", () => {
  history.replaceState(null, "", location.pathname + location.search);
  if (pairs.includes(opened)) opened.element.focus();
  else if (opened && !opened.element.closest("tr").hidden) go(opened.element);
});

function told(cell) {
  const says = [cell, ...(cell.then ? [cell.then] : [])]
    .map(({ trouble }) => report.troubles.find((one) => one.name === trouble)?.says ?? trouble)
    .join(", then ");
  const parts = [
    make("h2", { id: "title", tabIndex: -1, text: named(cell) }),
    make("p", { className: "faint mono", text: cell.test }),
    make("p", {}, make("span", { className: `badge ${cell.verdict}`, text: VERDICTS[cell.verdict].join(" ") }), ` ${says}`),
  ];
  if (cell.verdict === "unreached") return [...parts, make("p", { text: cell.why })];
  parts.push(
    cell.fails.includes("rules")
      ? make("p", { className: "reasons", text: `Fails the sweep: a broken retry rule (${cell.broken_rules.join(", ")})` })
      : null,
    cell.reasons.length ? make("ul", { className: "reasons" }, ...cell.reasons.map((text) => make("li", { text }))) : null,
    make("h3", { text: "What happened" }),
    ...timeline(cell.timeline),
    make("h3", { text: "Retries" }),
    facts(cell),
    make("h3", { text: "Run this cell again" }),
    command(cell.command),
  );
  if (cell.error) parts.push(make("h3", { text: "Message of the test" }), make("pre", { text: cell.error, tabIndex: 0 }));
  return parts.filter((part) => part !== null);
}

function command(text) {
  const button = make("button", { type: "button", text: "Copy" });
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(block);
    }
  });
  const block = make("pre", { className: "command", text });
  return make("div", {}, block, button);
}

function facts(cell) {
  const tried = cell.attempts;
  const lines = [["test", cell.passed ? "green" : "red"], ["took", time(cell.duration_s * 1000)]];
  if (tried) {
    const gaps = tried.gaps_ms.map((gap) => (gap === null ? "overlapping" : time(gap)));
    lines.push(
      ["tries", String(tried.tries)],
      ["it saw", tried.statuses.map((status) => status ?? "nothing").join(", ")],
      ["gaps", gaps.join(", ") || "none"],
      ["idempotency key", tried.key],
      ["Retry-After", tried.retry_after === "none" ? "not asked" : tried.retry_after],
      ["amplification", `${tried.amplification} calls for each operation`],
    );
  }
  if (cell.remarks.length) lines.push(["wrong", cell.remarks.join(", ")]);
  return make("dl", { className: "facts" }, ...lines.flatMap(([name, text]) => [make("dt", { text: name }), make("dd", { text })]));
}

// Pairs, which have no place in the grid: those that fail come first

const ranks = ["harmed", "failed_cleanly", "survived"];
const pairs = [...report.pairs]
  .sort((one, other) => ranks.indexOf(one.verdict) - ranks.indexOf(other.verdict))
  .map((cell) => {
    const element = make("button", { type: "button", className: cell.verdict, text: `${VERDICTS[cell.verdict].join(" ")}: ${cell.test}/${named(cell)}` });
    const one = { element, cell };
    element.addEventListener("click", () => open(one));
    return one;
  });
if (pairs.length) {
  const list = make("ul", {}, ...pairs.map((one) => make("li", { className: "mono" }, one.element)));
  byId("beside").prepend(make("details", { open: true }, make("summary", { text: `Pairs (${pairs.length})` }), list));
}

// A link to one cell opens it
const linked = decodeURIComponent(location.hash.slice(1));
if (linked) {
  const one = [...at.values(), ...pairs].find((other) => other.cell?.id === linked);
  if (one && !pairs.includes(one)) settle(one.element);
  if (one) open(one);
}
