// A list to choose from by typing: `await window.officePicker({label, options})` gives the chosen option, or null.
// Each option has a label, and a note beside it. Arrows move, Enter chooses, Escape closes.
(() => {
  "use strict";

  const SHOWN_MAX = 50;

  function element(name, attributes = {}, text = "") {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.textContent = text;
    return made;
  }

  // Each word that was typed must be the beginning of a word of the option, in any order.
  function narrowed(options, typed) {
    const wanted = typed.toLowerCase().split(/\s+/).filter(Boolean);
    const scored = [];
    for (const one of options) {
      const words = `${one.label} ${one.note || ""}`.toLowerCase().split(/[\s/&,.()-]+/);
      if (wanted.every((part) => words.some((word) => word.startsWith(part)))) scored.push(one);
    }
    if (scored.length || !typed) return scored.slice(0, SHOWN_MAX);
    return options.filter((one) => one.label.toLowerCase().includes(typed.toLowerCase())).slice(0, SHOWN_MAX);
  }

  window.officePicker = ({ label, options, none }) => new Promise((done) => {
    const dialog = element("dialog", { class: "picker", "aria-label": label });
    const input = element("input", {
      type: "text", role: "combobox", autocomplete: "off", "aria-expanded": "true", "aria-controls": "picker-list", id: "picker-input",
    });
    const list = element("ul", { role: "listbox", id: "picker-list" });
    dialog.append(element("label", { for: "picker-input" }, label), input, list);
    (document.querySelector(".office") || document.body).append(dialog);

    let shown = [];
    let at = 0;
    let chosen = null;

    function mark(place) {
      at = Math.max(0, Math.min(shown.length - 1, place));
      [...list.children].forEach((row, number) => row.setAttribute("aria-selected", String(number === at)));
      const row = list.children[at];
      if (row?.id) {
        input.setAttribute("aria-activedescendant", row.id);
        row.scrollIntoView({ block: "nearest" });
      }
    }

    function show() {
      shown = narrowed(options, input.value.trim());
      list.replaceChildren(...shown.map((one, number) => {
        const row = element("li", { role: "option", id: `picker-${number}` });
        row.append(element("span", {}, one.label), element("small", {}, one.note || ""));
        row.addEventListener("click", () => { chosen = one; dialog.close(); });
        return row;
      }));
      if (!shown.length) list.append(element("li", { class: "none" }, options.length ? "Nothing is called so." : none || "There is none."));
      mark(0);
    }

    input.addEventListener("input", show);
    dialog.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "ArrowDown") mark(at + 1);
      else if (event.key === "ArrowUp") mark(at - 1);
      else if (event.key === "PageDown") mark(at + 8);
      else if (event.key === "PageUp") mark(at - 8);
      else if (event.key === "Enter") { chosen = shown[at] || null; dialog.close(); }
      else return;
      event.preventDefault();
    });
    dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
    dialog.addEventListener("close", () => { dialog.remove(); done(chosen); });
    show();
    dialog.showModal();
    input.focus();
  });

  // A <select data-picker> opens as such a list: what is chosen is what the form sends.
  for (const select of document.querySelectorAll("select[data-picker]")) {
    const button = element("button", { type: "button", class: "picked" });
    const say = () => { button.textContent = select.selectedOptions[0]?.textContent.trim() || "Choose"; };
    button.addEventListener("click", async () => {
      const options = [...select.options].map((one) => ({ id: one.value, label: one.textContent.trim(), note: one.dataset.note }));
      const one = await window.officePicker({ label: select.dataset.picker, options });
      if (one) {
        select.value = one.id;
        select.dispatchEvent(new Event("change", { bubbles: true }));
      }
      say();
      button.focus();
    });
    say();
    select.hidden = true;
    select.after(button);
  }
})();
