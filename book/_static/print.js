// On paper nothing can be opened: answers and folded cells are printed open.
addEventListener("beforeprint", () => {
  for (const shut of document.querySelectorAll("details:not([open])")) {
    shut.dataset.forPrint = shut.getAttribute("name") ?? "";
    shut.removeAttribute("name"); // of those that share one, only one may be open
    shut.open = true;
  }
});
addEventListener("afterprint", () => {
  for (const opened of document.querySelectorAll("details[data-for-print]")) {
    opened.open = false;
    if (opened.dataset.forPrint) opened.setAttribute("name", opened.dataset.forPrint);
    delete opened.dataset.forPrint;
  }
});
