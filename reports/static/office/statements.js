// Statements: the period picker shows the fields of the chosen kind, and parts of a statement fold away.
(() => {
  "use strict";

  // The picker. What the chosen kind does not ask for is not sent, so that addresses stay readable.
  for (const form of document.querySelectorAll("form.period")) {
    const kind = form.elements.namedItem("period");
    kind.addEventListener("change", () => { form.dataset.kind = kind.value; });
    form.addEventListener("submit", () => {
      for (const field of form.elements) {
        const place = field.closest("[data-for]");
        if (field.name && (field.value === "" || (place && !place.dataset.for.split(" ").includes(form.dataset.kind)))) field.disabled = true;
      }
    });
  }
  // A page that is come back to from the cache has its fields again.
  window.addEventListener("pageshow", () => {
    for (const field of document.querySelectorAll("form.period :disabled")) field.disabled = false;
  });
  for (const form of document.querySelectorAll("form[data-sends]")) form.addEventListener("change", () => form.requestSubmit());

  // Folding. A row hides what is deeper right below it.
  const table = document.querySelector("table[data-folds]");
  if (!table) return;
  const rows = [...table.tBodies[0].rows];
  const foldOf = (row) => row.querySelector(".fold");

  function show() {
    let hiddenBelow = Infinity;
    for (const row of rows) {
      const depth = Number(row.dataset.depth);
      if (depth <= hiddenBelow) hiddenBelow = Infinity;
      row.hidden = depth > hiddenBelow;
      if (!row.hidden && foldOf(row)?.getAttribute("aria-expanded") === "false") hiddenBelow = depth;
    }
  }
  const set = (button, open) => button.setAttribute("aria-expanded", String(open));
  const all = table.querySelector("[data-fold-all]");
  table.addEventListener("click", (event) => {
    const button = event.target.closest(".fold");
    if (button) set(button, button.getAttribute("aria-expanded") === "false");
    else if (event.target === all) {
      const open = all.dataset.folded === "true";
      for (const row of rows) if (foldOf(row)) set(foldOf(row), open);
      all.dataset.folded = String(!open);
      all.textContent = open ? "Fold all" : "Unfold all";
    } else return;
    show();
  });
})();
