// Ticking what stands on a bank statement: the difference follows each tick at once, in exact whole numbers of the
// smallest unit, and the server's figures take its place when they come. Without this script a button saves the ticks.
(() => {
  "use strict";

  const figures = document.getElementById("figures");
  const form = document.getElementById("ticks");
  const complete = document.getElementById("complete");
  if (!figures || !complete) return;

  const digits = Number(figures.dataset.digits);
  const token = document.querySelector("input[name=csrfmiddlewaretoken]").value;
  const said = document.getElementById("reconciliation-said");
  let difference = BigInt(figures.dataset.difference);
  let cleared = BigInt(figures.dataset.cleared);
  let count = Number(document.getElementById("cleared-count").textContent);
  // What was ticked or unticked and is not sent yet, by box.
  let waiting = new Map();
  let isSending = false;

  function show() {
    document.getElementById("difference").textContent = window.officeMinor(difference, digits);
    document.getElementById("cleared").textContent = window.officeMinor(cleared, digits);
    document.getElementById("cleared-count").textContent = count;
    document.querySelector(".difference").classList.toggle("is-zero", difference === 0n);
    complete.disabled = difference !== 0n || waiting.size > 0 || isSending;
  }

  function count_in(box) {
    const minor = BigInt(box.dataset.minor);
    const step = box.checked ? 1n : -1n;
    cleared += step * minor;
    difference -= step * minor;
    count += Number(step);
    box.closest("tr").classList.toggle("ticked", box.checked);
  }

  async function send() {
    if (isSending || !waiting.size) return;
    isSending = true;
    const sent = waiting;
    waiting = new Map();
    const fields = new URLSearchParams({ action: "set" });
    for (const [box, isTicked] of sent) fields.append(isTicked ? "tick" : "untick", box.value);
    try {
      const answer = await fetch(figures.dataset.url, {
        method: "POST",
        headers: { Accept: "application/json", "X-CSRFToken": token },
        body: fields,
      });
      const told = await answer.json().catch(() => ({}));
      if (!answer.ok) throw new Error(told.error || `The server answered ${answer.status}; load the page anew.`);
      said.textContent = waiting.size ? "" : "Saved.";
      if (!waiting.size) {
        difference = BigInt(told.difference);
        cleared = BigInt(told.cleared);
        count = told.count;
      }
    } catch (error) {
      said.textContent = error.message;
      for (const [box, isTicked] of sent) {
        if (waiting.has(box)) continue;
        box.checked = !isTicked;
        count_in(box);
      }
    }
    isSending = false;
    show();
    send();
  }

  form?.addEventListener("change", (event) => {
    const box = event.target;
    if (box.name !== "tick") return;
    count_in(box);
    if (waiting.has(box)) waiting.delete(box);
    else waiting.set(box, box.checked);
    show();
    // A moment later, so that ticking all of a list is one request.
    setTimeout(send, 0);
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== " " || event.target.closest("input, textarea, select, button, a, summary")) return;
    const box = document.querySelector("table[data-keys] tr.current input[type=checkbox]");
    if (!box) return;
    event.preventDefault();
    box.click();
  });

  for (const one of document.querySelectorAll("[data-without-script]")) one.hidden = true;
  show();
})();
