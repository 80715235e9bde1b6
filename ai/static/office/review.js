// The review queue by keyboard: what was decided is sent while the next row is current already. Without this
// script each row has its form and its page.
(() => {
  "use strict";

  const body = document.getElementById("review-rows");
  const bar = document.querySelector(".decide");
  if (!body || !bar) return;

  const url = body.dataset.url;
  const token = document.querySelector("input[name=csrfmiddlewaretoken]").value;
  const accounts = JSON.parse(document.getElementById("review-accounts").textContent);
  const said = document.getElementById("review-said");
  const waiting = document.getElementById("review-waiting");
  const undoButton = bar.querySelector("[data-does=undo]");
  const REFILL_AT = 10;
  // What may be taken back, the newest last: what to send, and the row with where it stood.
  const decided = [];
  // Decisions go one after the other, in the order in which they were made.
  let queue = Promise.resolve();
  let underWay = 0;
  let refilling = null;

  bar.hidden = false;

  const current = () => body.querySelector("tr.current");

  function say(text, isBad = false) {
    said.textContent = text;
    said.classList.toggle("bad", isBad);
  }

  function makeCurrent(row) {
    current()?.classList.remove("current");
    if (!row) return;
    row.classList.add("current");
    row.scrollIntoView({ block: "nearest" });
    show();
  }

  // Only what fits the current row is offered.
  function show() {
    const row = current();
    const may = {
      accept: row && (row.dataset.offer || row.dataset.account),
      choose: row,
      match: row && "hasLine" in row.dataset,
      record: row && "line" in row.dataset,
      ignore: row && "line" in row.dataset,
      rule: row,
      skip: row,
      undo: decided.length,
    };
    for (const button of bar.querySelectorAll("[data-does]")) button.disabled = !may[button.dataset.does];
    for (const name of ["record", "ignore"]) bar.querySelector(`[data-does=${name}]`).hidden = !may[name];
  }

  async function ask(fields) {
    const sent = new URLSearchParams();
    for (const [name, value] of Object.entries(fields)) for (const one of [value].flat()) sent.append(name, one);
    const answer = await fetch(url, {
      method: "POST",
      headers: { Accept: "application/json", "X-CSRFToken": token },
      body: sent,
    });
    const told = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error(told.error || `The server answered ${answer.status}; load the page anew.`);
    return told;
  }

  function decide(row, fields) {
    const next = row.nextElementSibling || row.previousElementSibling;
    const before = row.nextElementSibling;
    row.remove();
    makeCurrent(next);
    underWay += 1;
    queue = queue.then(async () => {
      try {
        const told = await ask({ row: row.id, ...fields });
        waiting.textContent = told.waiting;
        say(told.message);
        if (told.undo?.row) decided.push({ fields: told.undo, row, before });
      } catch (error) {
        // It was not done: the row waits where it was, and says so.
        put(row, before);
        say(error.message, true);
      }
      underWay -= 1;
      show();
      await refill();
    });
  }

  function put(row, before) {
    if (before?.isConnected) before.before(row);
    else body.append(row);
    makeCurrent(row);
  }

  async function refill() {
    const next = document.querySelector(".pages a[rel=next]");
    if (body.rows.length > REFILL_AT || refilling || underWay) return;
    if (!next) {
      if (!body.rows.length && !decided.length) location.reload();
      else if (!body.rows.length) say("All of them are decided.");
      return;
    }
    refilling = fetch(next.href);
    try {
      const page = new DOMParser().parseFromString(await (await refilling).text(), "text/html");
      for (const row of page.querySelectorAll("#review-rows > tr")) {
        if (!document.getElementById(row.id)) body.append(document.adoptNode(row));
      }
      const behind = page.querySelector(".pages a[rel=next]");
      if (behind) next.href = behind.href;
      else next.remove();
    } finally {
      refilling = null;
    }
    if (!current()) makeCurrent(body.rows[0]);
  }

  const does = {
    accept(row) {
      if (row.dataset.offer) decide(row, { action: "accept", transaction: row.dataset.offer });
      else if (row.dataset.account) decide(row, { action: "accept", account: row.dataset.account });
    },
    async choose(row) {
      const one = await window.officePicker({ label: "Which account?", options: accounts });
      if (one) decide(row, { action: "line" in row.dataset ? "record" : "choose", account: one.id });
    },
    async match(row) {
      if (!("hasLine" in row.dataset)) return;
      const answer = await fetch(`${url}${row.id}/`, { headers: { Accept: "application/json" } });
      const told = await answer.json();
      if (!answer.ok) { say(told.error, true); return; }
      const one = await window.officePicker({
        label: "Which transaction is it?",
        options: told.candidates,
        none: "The books have none of this amount near that day.",
      });
      if (one) decide(row, { action: "match", transaction: one.id });
    },
    record(row) { decide(row, { action: "record" }); },
    ignore(row) { decide(row, { action: "ignore" }); },
    rule(row) {
      const query = new URLSearchParams({ from: row.id, next: "review" });
      if (row.dataset.account) query.set("account", row.dataset.account);
      location.assign(`${body.dataset.ruleUrl}?${query}`);
    },
    skip(row) {
      row.classList.add("skipped");
      makeCurrent(row.nextElementSibling || row);
    },
    undo() {
      const last = decided.pop();
      if (!last) return;
      queue = queue.then(async () => {
        try {
          const told = await ask({ action: "undo", ...last.fields });
          waiting.textContent = told.waiting;
          put(last.row, last.before);
          say(told.message);
        } catch (error) {
          say(error.message, true);
        }
        show();
      });
    },
  };

  bar.addEventListener("click", (event) => {
    const button = event.target.closest("[data-does]");
    if (!button || button.disabled) return;
    const row = current();
    if (row || button.dataset.does === "undo") does[button.dataset.does](row);
    button.blur();
  });

  body.addEventListener("submit", (event) => {
    event.preventDefault();
    const row = event.target.closest("tr");
    makeCurrent(row);
    does.accept(row);
  });

  body.addEventListener("click", (event) => {
    const row = event.target.closest("tr");
    const other = event.target.closest("[data-other]");
    if (other) decide(row, { action: "choose", account: other.dataset.other });
    else if (row && !event.target.closest("a, button")) makeCurrent(row);
  });

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, dialog")) return;
    const row = current();
    const other = row && /^[12]$/.test(event.key) && row.querySelectorAll("[data-other]")[Number(event.key) - 1];
    if (!other) return;
    event.preventDefault();
    other.click();
  });

  document.addEventListener("office:current", show);
  makeCurrent(body.rows[0]);
  refill();
})();
