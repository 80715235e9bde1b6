// Choosing the parts of a bank line: what they come to is shown as they are chosen, and only what comes to the line's
// amount is sent.
(() => {
  "use strict";

  const form = document.getElementById("parts");
  const chosen = document.getElementById("chosen");
  const match = document.getElementById("match");
  if (!form || !match) return;
  const wanted = BigInt(form.dataset.wanted);
  const digits = Number(form.dataset.digits);

  function show() {
    let sum = 0n;
    for (const box of form.querySelectorAll("input[name=transaction]:checked")) sum += BigInt(box.dataset.minor);
    const left = wanted - sum;
    chosen.textContent = left === 0n ? `${window.officeMinor(sum, digits)}, just right`
      : `${window.officeMinor(sum, digits)}, ${window.officeMinor(left < 0n ? -left : left, digits)} too ${left > 0n ? "little" : "much"}`;
    match.disabled = left !== 0n;
  }

  form.addEventListener("change", show);
  show();
})();
