// On paper nothing can be opened: answers and folded cells are printed open.
addEventListener("beforeprint", () => {
  for (const shut of document.querySelectorAll("details:not([open])")) {
    shut.open = true;
    shut.dataset.forPrint = "";
  }
});
addEventListener("afterprint", () => {
  for (const opened of document.querySelectorAll("details[data-for-print]")) {
    opened.open = false;
    delete opened.dataset.forPrint;
  }
});
