// What all pages of the back office share: lists by keyboard, boxes that narrow a list, forms that are sent once.
// A list that is used by keyboard is <table class="list" data-keys>: j and k move, o or Enter opens the row's
// first link, x ticks its box. Elements with data-key="n" are clicked by that key. Typing in a field is typing.
(() => {
  "use strict";

  const typing = (target) => target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]");

  const rows = () => [...document.querySelectorAll("table[data-keys] tbody tr:not([hidden])")];

  function move(step) {
    const all = rows();
    if (!all.length) return;
    const now = all.findIndex((row) => row.classList.contains("current"));
    const next = all[Math.max(0, Math.min(all.length - 1, now < 0 ? 0 : now + step))];
    all[now]?.classList.remove("current");
    next.classList.add("current");
    next.scrollIntoView({ block: "nearest" });
    next.dispatchEvent(new CustomEvent("office:current", { bubbles: true }));
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    const current = document.querySelector("table[data-keys] tbody tr.current");
    if (event.key === "j" || (event.key === "ArrowDown" && current)) move(1);
    else if (event.key === "k" || (event.key === "ArrowUp" && current)) move(-1);
    else if (current && (event.key === "o" || event.key === "Enter") && !event.target.closest("a, button")) current.querySelector("a")?.click();
    else if (current && event.key === "x") current.querySelector("input[type=checkbox]")?.click();
    else if (event.key === "/") document.querySelector("[data-search]")?.focus();
    else if (/^[a-zA-Z?]$/.test(event.key)) {
      const button = document.querySelector(`[data-key="${event.key}"]`);
      if (!button) return;
      button.click();
    } else return;
    event.preventDefault();
  });

  document.addEventListener("input", (event) => {
    const list = event.target.dataset?.narrows && document.getElementById(event.target.dataset.narrows);
    if (!list) return;
    const wanted = event.target.value.trim().toLowerCase();
    for (const one of list.children) one.hidden = !one.textContent.toLowerCase().includes(wanted);
  });

  // The box in a list's head ticks all of its rows that are shown.
  document.addEventListener("change", (event) => {
    if (!event.target.matches("[data-all]")) return;
    for (const box of event.target.closest("table").querySelectorAll("tbody tr:not([hidden]) input[type=checkbox]")) {
      if (box.checked !== event.target.checked) box.click();
    }
  });

  // The admin's own script expects a box for the file's name beside each file field, which these pages have not.
  document.addEventListener("change", (event) => {
    if (event.target.matches(".office input[type=file]")) event.stopPropagation();
  }, true);

  // Two clicks are one: an entry that is sent twice would stand in the books twice. On the window, after whoever
  // asks "are you sure?"; after a while it may be sent again, as the first may have got lost.
  const SENT_FOR = 10_000;
  window.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post") return;
    if (event.timeStamp - Number(form.dataset.sentAt ?? -SENT_FOR) < SENT_FOR) event.preventDefault();
    else form.dataset.sentAt = event.timeStamp;
  });
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent-at]")) delete form.dataset.sentAt;
  });

  // A menu closes when the person goes elsewhere.
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.company-switch[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });
})();
