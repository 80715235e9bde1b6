// The chart of accounts as a tree: rows fold, the box narrows them, closed ones show when asked.
// What is folded is remembered in this browser, by ledger. j, k and o are the list's own (office.js).
(() => {
  "use strict";

  const table = document.querySelector("table[data-chart]");
  if (!table) return;
  const rows = [...table.querySelectorAll("tr[data-depth]")];
  const byId = new Map(rows.filter((row) => row.dataset.id).map((row) => [row.dataset.id, row]));
  const parents = new Set(rows.map((row) => row.dataset.parent).filter(Boolean));
  const search = document.querySelector("[data-chart-search]");
  const closed = document.querySelector("[data-chart-closed]");
  const none = document.querySelector("[data-chart-none]");
  const fold = document.querySelector("[data-chart-fold]");
  const key = `openledger.chart.${table.dataset.chart}`;

  let folded = new Set();
  try { folded = new Set(JSON.parse(localStorage.getItem(key) ?? "[]")); } catch { /* not ours */ }

  const above = (row) => byId.get(row.dataset.parent);

  // Words that begin so come first: "rent" is no "current". Only where none does, it may stand anywhere.
  function matching(wanted, withClosed) {
    const shown = rows.filter((row) => row.dataset.find && (withClosed || !("closed" in row.dataset)));
    const begins = shown.filter((row) => (" " + row.dataset.find.replaceAll(/[-/(&,.]/g, " ")).includes(" " + wanted));
    return begins.length ? begins : shown.filter((row) => row.dataset.find.includes(wanted));
  }

  function show() {
    const wanted = search.value.trim().toLowerCase();
    const withClosed = Boolean(closed?.checked);
    const found = new Set();
    if (wanted) {
      for (const row of matching(wanted, withClosed)) {
        for (let one = row; one && !found.has(one); one = above(one)) found.add(one);
      }
    }
    for (const row of rows) {
      // Rows stand behind the one above them, so that one is settled already.
      const over = above(row);
      row.hidden = wanted
        ? !found.has(row)
        : ("closed" in row.dataset && !withClosed) || Boolean(over && (over.hidden || folded.has(over.dataset.id)));
      if (parents.has(row.dataset.id)) row.setAttribute("aria-expanded", String(Boolean(wanted) || !folded.has(row.dataset.id)));
    }
    none.hidden = !wanted || found.size > 0;
    table.hidden = !none.hidden;
    const current = table.querySelector("tr.current");
    if (current?.hidden) current.classList.remove("current");
    for (const link of document.querySelectorAll("[data-chart-file]")) {
      const url = new URL(link.href);
      url.searchParams.set("closed", withClosed ? "1" : "0");
      link.href = url;
    }
  }

  function keep() {
    try { localStorage.setItem(key, JSON.stringify([...folded])); } catch { /* private window */ }
    show();
  }

  function setFolded(row, yes) {
    if (!parents.has(row.dataset.id)) return;
    if (yes) folded.add(row.dataset.id); else folded.delete(row.dataset.id);
    keep();
  }

  function select(row) {
    table.querySelector("tr.current")?.classList.remove("current");
    row.classList.add("current");
    row.scrollIntoView({ block: "nearest" });
  }

  table.addEventListener("click", (event) => {
    const row = event.target.closest("tr[data-depth]");
    if (row && event.target.closest("[data-chart-toggle]")) setFolded(row, !folded.has(row.dataset.id));
  });

  fold.addEventListener("click", () => {
    folded = folded.size ? new Set() : new Set(rows.filter((row) => row.dataset.depth !== "0" && parents.has(row.dataset.id)).map((row) => row.dataset.id));
    keep();
  });

  search.addEventListener("input", show);
  search.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { search.value = ""; show(); search.blur(); }
    if (event.key === "Enter") {
      const [first] = matching(search.value.trim().toLowerCase(), Boolean(closed?.checked));
      if (first) { search.blur(); select(first); }
    }
  });
  closed?.addEventListener("change", show);
  document.querySelector("[data-submits]")?.addEventListener("change", (event) => event.target.form.submit());

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select")) return;
    const row = table.querySelector("tr.current");
    if (!row) return;
    if (event.key === "ArrowRight") {
      if (folded.has(row.dataset.id)) setFolded(row, false);
      else { const child = rows.find((one) => one.dataset.parent === row.dataset.id && !one.hidden); if (child) select(child); }
    } else if (event.key === "ArrowLeft") {
      if (parents.has(row.dataset.id) && !folded.has(row.dataset.id)) setFolded(row, true);
      else if (above(row)) select(above(row));
    } else {
      const action = /^[a-z]$/.test(event.key) && row.querySelector(`[data-row-key="${event.key}"]`);
      if (!action) return;
      action.click();
    }
    event.preventDefault();
  });

  show();
})();
