// The form of an account: only financial types and parents of the chosen type are offered.
(() => {
  "use strict";

  const form = document.querySelector("[data-account-form]");
  const type = form?.querySelector("select[name=type]");
  if (!type) return;

  function narrow() {
    for (const one of form.querySelectorAll("optgroup[data-type], option[data-type]")) {
      const fits = one.dataset.type === type.value;
      one.hidden = one.disabled = !fits;
    }
    for (const select of form.querySelectorAll("select[name=financial_type], select[name=parent]")) {
      const chosen = select.selectedOptions[0];
      if (chosen?.disabled || chosen?.parentElement.disabled) select.value = "";
    }
  }

  type.addEventListener("change", narrow);
  narrow();
})();
