// What a page of the built book is where nothing moves, opens or runs: called by pages.py.
({ paper, root, pages, site, page }) => {
  const article = document.querySelector("article.bd-article");
  const all = (what) => [...article.querySelectorAll(what)];
  const slug = (name) => name.replaceAll("/", "-");

  // Formulas: MathML, or drawings on paper; with their source as words.
  for (const item of globalThis.MathJax?.startup.document.math ?? []) {
    const drawn = item.typesetRoot;
    if (!article.contains(drawn)) continue;
    if (paper) {
      drawn.querySelector("mjx-assistive-mml")?.remove();
      const svg = drawn.querySelector("svg");
      svg.removeAttribute("aria-hidden");
      svg.setAttribute("aria-label", item.math.trim());
      continue;
    }
    const told = MathJax.startup.toMML(item.root);
    const math = new DOMParser().parseFromString(told, "application/xml").documentElement;
    math.setAttribute("alttext", item.math.trim());
    for (const e of math.querySelectorAll("*"))
      for (const { name } of [...e.attributes]) if (/^data-|^id$/.test(name)) e.removeAttribute(name);
    // A numbered formula as a table in which its number comes last, which all readers know.
    for (const row of math.querySelectorAll("mlabeledtr")) {
      const plain = document.createElementNS(row.namespaceURI, "mtr");
      const space = document.createElementNS(row.namespaceURI, "mspace");
      space.setAttribute("width", "2em");
      row.firstElementChild.prepend(space);
      plain.append(...[...row.children].slice(1), row.firstElementChild);
      row.replaceWith(plain);
    }
    drawn.replaceWith(math);
  }

  // What moves is its picture; what is folded lies open, below what it is called.
  for (const box of all(".live-box")) box.replaceWith(box.querySelector("img"));
  for (const fold of all("details")) {
    const [box, head] = [document.createElement("div"), document.createElement("div")];
    const summary = fold.querySelector(":scope > summary");
    const told = summary?.querySelector(".collapsed")?.textContent.replace(/^Show (the )?/, "");
    if (told) head.textContent = told[0].toUpperCase() + told.slice(1);
    else head.append(...(summary?.childNodes ?? []));
    summary?.remove();
    box.className = fold.querySelector(":scope > p.right") ? "fold right" : "fold";
    head.className = "fold-head";
    if (fold.id) box.id = fold.id;
    box.append(head, ...fold.childNodes);
    fold.replaceWith(box);
  }
  for (const link of all("a.sd-stretched-link")) {
    const title = link.closest(".sd-card").querySelector(".sd-card-title");
    link.replaceChildren(...title.childNodes);
    title.append(link);
  }
  all("script, style, noscript, template, button, form, input, source, svg metadata, .headerlink").forEach((e) => e.remove());
  for (const e of all("*"))
    for (const { name } of [...e.attributes])
      if (/^(tabindex|border|h?align|valign|ctxtmenu.*|on.*)$/.test(name)) e.removeAttribute(name);

  // Links within the book stay within it; what it leaves out is on the site.
  const within = (url) => (url.startsWith(root) ? decodeURI(url.slice(root.length)) : null);
  for (const link of all("a[href]")) {
    const [file, place] = link.href.split("#");
    const to = within(file)?.replace(/\.html$/, "");
    if (to == null) continue;
    const known = pages.includes(to);
    const [start, join] = paper ? [`#${slug(to)}`, "--"] : [`${slug(to)}.xhtml`, "#"];
    link.setAttribute("href", (known ? start : site + within(file)) + (place ? (known ? join : "#") + place : ""));
  }
  if (paper)
    for (const e of all("[id]")) if (!e.closest("svg")) e.id = `${slug(page)}--${e.id}`;
  const images = {};
  for (const img of all("img")) {
    const from = within(img.src);
    const to = from.replace(/^_/, "");
    images[to] = from;
    img.setAttribute("src", paper ? img.src : encodeURI(to));
  }
  const body = new XMLSerializer().serializeToString(article);
  const title = article.querySelector("h1").textContent.trim();
  return { title, body, images, style: document.getElementById("MJX-SVG-styles")?.textContent ?? "" };
}
