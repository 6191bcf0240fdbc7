// The ledger's filter. Without it every row is shown and the form stays hidden.
"use strict";
(() => {
  const form = document.querySelector("form.ledger-filter");
  const rows = [...document.querySelectorAll("table.ledger tbody tr")];
  if (!form || !rows.length) return;
  const text = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));

  function filter() {
    const words = form.words.value.toLowerCase().split(/\s+/);
    const verdict = form.verdict.value;
    const kind = form.kind.value;
    let shown = 0;
    for (const row of rows) {
      row.hidden = !(
        words.every((word) => text.get(row).includes(word)) &&
        (!verdict || row.classList.contains(`is-${verdict}`)) &&
        (!kind || row.classList.contains(`kind-${kind}`))
      );
      shown += !row.hidden;
    }
    form.querySelector("output").value = `${shown} of ${rows.length} shown`;
  }

  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  filter();
})();
