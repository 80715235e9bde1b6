// The pages of transactions: the list remembers its order for the pages of its transactions, tables of rows grow
// and add up, and a comma of thousands is read as the server reads it.
(() => {
  "use strict";

  const KEPT = "office.transactions";

  // The list
  const list = document.querySelector("table[data-transactions]");
  if (list) {
    const links = [...list.querySelectorAll("td.what > a")].map((link) => link.pathname);
    sessionStorage.setItem(KEPT, JSON.stringify({ list: location.pathname + location.search, links }));
    const count = document.querySelector("[data-count]");
    const boxes = () => [...list.querySelectorAll("tbody input[type=checkbox]")];
    const tell = () => {
      const chosen = boxes().filter((box) => box.checked).length;
      if (count) count.textContent = chosen ? `${chosen} chosen` : "";
    };
    document.addEventListener("change", tell);
    tell();
    // A key that acts means the row where one is, unless others are chosen.
    document.addEventListener("keydown", (event) => {
      if (!["a", "c", "r"].includes(event.key) || event.target.closest("input:not([type=checkbox]), select, textarea")) return;
      const here = list.querySelector("tr.current input[type=checkbox]");
      if (here && !boxes().some((box) => box.checked)) here.click();
    }, true);
  }

  // Empty filters stay out of the address.
  for (const form of document.querySelectorAll("form[data-filters]")) {
    form.addEventListener("submit", () => {
      for (const field of form.elements) if (field.name && !field.value) field.disabled = true;
    });
    addEventListener("pageshow", () => {
      for (const field of form.elements) field.disabled = false;
    });
  }

  // The page of one: before and after it in the list that it was opened from
  const steps = document.querySelector("[data-transaction-steps]");
  if (steps) {
    let kept = null;
    try { kept = JSON.parse(sessionStorage.getItem(KEPT)); } catch { /* nothing is kept */ }
    const place = kept?.links?.indexOf(location.pathname) ?? -1;
    if (place >= 0) {
      const set = (rel, address) => {
        const link = steps.querySelector(`[rel=${rel}]`);
        if (address) [link.href, link.hidden] = [address, false];
      };
      set("prev", kept.links[place - 1]);
      set("next", kept.links[place + 1]);
      set("up", kept.list);
      steps.hidden = false;
      document.addEventListener("keydown", (event) => {
        if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select")) return;
        const rel = { j: "next", k: "prev", u: "up" }[event.key];
        const link = rel && steps.querySelector(`[rel=${rel}]:not([hidden])`);
        if (link) link.click();
      });
    }
  }

  // Tables of rows
  const form = document.querySelector("form[data-rows]");
  if (!form) return;
  const body = form.querySelector("table.entry tbody");
  const add = form.querySelector("[data-add-row]");

  // Amounts are added up as whole numbers of the fourth digit after the point: no currency has more, and floats
  // would be off by a cent now and then.
  const read = (text) => {
    const said = text.trim();
    const plain = /^\d{1,3}(,\d{3})+(\.\d*)?$/.test(said) ? said.replaceAll(",", "") : said;
    const parts = /^(\d{0,15})(?:\.(\d{0,4}))?$/.exec(plain);
    return parts && plain ? BigInt(parts[1] || "0") * 10000n + BigInt((parts[2] || "").padEnd(4, "0")) : 0n;
  };
  const digits = Math.max(2, ...[...form.querySelectorAll("input.amount")].map((field) => (field.value.split(".")[1] || "").length));
  const write = (sum, grouped = true) => {
    const whole = String(sum < 0n ? -sum : sum).padStart(5, "0");
    const after = whole.slice(-4).replace(/0+$/, "").padEnd(digits, "0");
    const before = whole.slice(0, -4);
    return `${sum < 0n ? "-" : ""}${grouped ? before.replace(/\B(?=(\d{3})+$)/g, ",") : before}.${after}`;
  };
  const sum = (name, but) =>
    [...body.querySelectorAll(`input[name=${name}]`)].reduce((total, field) => (field === but ? total : total + read(field.value)), 0n);

  const tell = () => {
    if ("balanced" in form.dataset) {
      const [debits, credits] = [sum("debit"), sum("credit")];
      form.querySelector("[data-sum=debit]").textContent = write(debits);
      form.querySelector("[data-sum=credit]").textContent = write(credits);
      const cell = form.querySelector("[data-difference]");
      const difference = debits - credits;
      cell.textContent = difference ? write(difference < 0n ? -difference : difference) : debits ? "Balanced" : write(0n);
      cell.classList.toggle("bad", difference !== 0n);
      cell.classList.toggle("good", difference === 0n && debits > 0n);
    } else {
      const left = read(form.dataset.total) - sum("amount");
      const cell = form.querySelector("[data-left]");
      cell.textContent = left ? write(left) : "Nothing";
      cell.classList.toggle("bad", left < 0n);
      cell.classList.toggle("good", left === 0n);
    }
  };

  const addRow = () => {
    if (body.rows.length >= Number(form.dataset.rows)) return;
    const row = body.rows[body.rows.length - 1].cloneNode(true);
    for (const field of row.querySelectorAll("input")) field.value = "";
    for (const fault of row.querySelectorAll(".error")) fault.remove();
    body.append(row);
    return row;
  };

  // What is missing for the whole to add up, in the field where one is.
  const missing = (field) => {
    if (!("balanced" in form.dataset)) return read(form.dataset.total) - sum("amount", field);
    const difference = sum("debit", field) - sum("credit", field);
    return field.name === "credit" ? difference : -difference;
  };

  add.hidden = false;
  add.addEventListener("click", () => addRow()?.querySelector("input")?.focus());
  form.addEventListener("input", tell);
  form.addEventListener("keydown", (event) => {
    const field = event.target;
    if (event.altKey && event.key === "n") {
      addRow()?.querySelector("input")?.focus();
    } else if (event.key === "=" && field.matches("input.amount")) {
      const wanted = missing(field);
      if (wanted > 0n) field.value = write(wanted, false);
      tell();
    } else if (event.key === "Enter" && field.matches("tbody input")) {
      // Enter goes on to the next row; it must not post half an entry.
      const row = field.closest("tr");
      (row.nextElementSibling ?? addRow())?.querySelector("input")?.focus();
    } else return;
    event.preventDefault();
  });
  // The last row is never the last one.
  form.addEventListener("focusin", (event) => {
    if (event.target.closest("tbody tr") === body.rows[body.rows.length - 1]) addRow();
  });
  tell();
})();
