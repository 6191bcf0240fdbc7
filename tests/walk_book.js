// What walk_book.py asks of a page.
globalThis.walk = (() => {
  const article = document.querySelector("article.bd-article") ?? document.body;
  const all = (what, within = article) => [...within.querySelectorAll(what)];
  const start = (e) => e.outerHTML.slice(0, 140);
  const wide = () => document.documentElement.clientWidth;
  const right = (e) => e.getBoundingClientRect().right;
  const A_FILE = /\.(svg|png|jpe?g)$|^_?images?\/|^[0-9a-f]{20}/; // in place of words
  const ids = () => all("[id]", document).map((e) => e.id);
  const links = () => all("a[href]", document).map((e) => e.getAttribute("href"));

  // [check, element] of all that needs no change of theme or width.
  function failures() {
    const found = [];
    const fail = (check, elements, about = start) => elements.forEach((e) => found.push([check, about(e)]));
    fail("formula", all("span.math, div.math").filter((e) => !e.querySelector("mjx-container")));
    fail("formula", all("mjx-merror, [data-mjx-error]"));
    fail("formula", all("p, li, td, dd").filter((e) => [...e.childNodes].some((n) =>
      n.nodeType === 3 && /\\\(|\\\[|\$\$/.test(n.data))));
    fail("image", all("img", document).filter((e) => e.complete && !e.naturalWidth));
    fail("words for an image", all("img", document).filter((e) =>
      !e.closest("[aria-hidden=true]") && (!e.alt.trim() || A_FILE.test(e.alt))));
    fail("words for an image", all("svg[role=img], canvas[role=img]").filter((e) =>
      !e.closest("mjx-container, [aria-hidden=true]") && !e.getAttribute("aria-label") && !e.querySelector("title")));
    fail("an error in an output", all(".output.stderr, .traceback"), (e) => e.textContent.slice(0, 140));
    fail("a link's name", all("a[href]", document).filter((e) =>
      !(e.textContent.trim() || e.ariaLabel || e.title || e.querySelector("img[alt]"))));
    const headings = all("h1, h2, h3, h4, h5, h6");
    const level = (e) => (e ? +e.tagName[1] : 0);
    fail("heading", headings.filter((e, i) => level(e) > level(headings[i - 1]) + 1));
    if (headings.filter((e) => level(e) === 1).length !== 1) found.push(["heading", "not one h1"]);
    const seen = new Set();
    fail("id", ids().filter((id) => seen.size === seen.add(id).size), (id) => `twice: ${id}`);
    return found;
  }

  // What makes the page scroll sideways, if anything does.
  function sideways() {
    const by = document.documentElement.scrollWidth - wide();
    if (by <= 0) return "";
    const worst = all("*").filter((e) => right(e) > wide() + 1).at(-1);
    return `by ${by} px: ${worst ? start(worst) : "outside the article"}`;
  }

  // What is lost in print: the right end of wide things, what is folded, what moves.
  function onPaper() {
    const cut = all("table, pre, img, mjx-container").filter((e) => right(e) > wide() + 2);
    const lost = all("pre, div.cell_output").filter((e) =>
      e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflowX !== "visible");
    const shut = all("details:not([open])");
    const still = all("figure.live").filter((e) => !e.querySelector("img")?.getClientRects().length);
    const about = { "cut off": cut, "ends of lines lost": lost, shut, "no still picture": still };
    return Object.entries(about).flatMap(([what, own]) => own.map((e) => `${what}: ${start(e)}`));
  }

  // axe-core's violations, less its contrast, which takes minutes: see unreadable().
  async function violations(tags) {
    const rules = { "color-contrast": { enabled: false } };
    const how = { runOnly: tags, rules, preload: false, resultTypes: ["violations"] };
    const { violations: found } = await axe.run(document, how);
    return found.flatMap((rule) => rule.nodes.map((node) => [rule.id, node.html.slice(0, 140)]));
  }

  // ---- Contrast. Colours are [r, g, b, opacity], as a canvas understands them.
  const brush = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const known = new Map();
  function rgba(color) {
    if (!known.has(color)) {
      brush.clearRect(0, 0, 1, 1);
      brush.fillStyle = color;
      brush.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = brush.getImageData(0, 0, 1, 1).data;
      known.set(color, [r, g, b, a / 255]);
    }
    return known.get(color);
  }
  const over = ([r, g, b, a], ground) => [...[r, g, b].map((c, i) => a * c + (1 - a) * ground[i]), 1];
  function luminance(color) {
    const [r, g, b] = color.map((c) => (c / 255 <= 0.04045 ? c / 3294.6 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }
  function contrast(one, other) {
    const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  }
  const up = (e) => (e ? [e, ...up(e.parentElement)] : []);
  const faded = ([r, g, b, a], e, until) => [r, g, b, up(e).reduce((left, x) =>
    left * (until?.contains(x) === false ? 1 : getComputedStyle(x).opacity), a)];
  // What lies behind an element of the page, or null if that is a picture.
  function ground(e) {
    const behind = up(e).map((x) => getComputedStyle(x));
    if (behind.some((style) => style.backgroundImage !== "none")) return null;
    return behind.reverse().reduce((under, style) => over(rgba(style.backgroundColor), under), [255, 255, 255, 1]);
  }
  // What lies behind a text in a drawing: the shapes before it that hold its middle.
  function groundIn(drawing, text) {
    const box = text.getBoundingClientRect();
    const middle = new DOMPoint(box.x + box.width / 2, box.y + box.height / 2);
    return all("path, rect, circle, polygon, image", drawing).filter((e) =>
      !e.closest("defs, clipPath, [id^=text_]") && e.compareDocumentPosition(text) & Node.DOCUMENT_POSITION_FOLLOWING,
    ).reduce((under, shape) => {
      const style = getComputedStyle(shape);
      if (shape.localName === "image") return null; // and no shape after it tells
      if (!under || style.fill === "none" || style.display === "none") return under;
      if (!shape.isPointInFill(middle.matrixTransform(shape.getScreenCTM().inverse()))) return under;
      const [r, g, b, a] = rgba(style.fill);
      return over(faded([r, g, b, a * style.fillOpacity], shape, drawing), under);
    }, ground(drawing));
  }
  const tooFaint = (color, behind, least) => behind && contrast(over(color, behind), behind) < least - 0.05;
  const told = (e, color, behind) => `${contrast(over(color, behind), behind).toFixed(2)} : 1 ${start(e)}`;

  // Text whose contrast is below 4.5 : 1, or 3 : 1 where it is large (WCAG 1.4.3).
  function unreadable() {
    const found = [];
    const texts = all("*", document.body).filter((e) =>
      !e.closest("svg, script, style, noscript, mjx-container, .visually-hidden, .sr-only, :disabled")
      && [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) && e.checkVisibility({ visibilityProperty: true }));
    for (const e of texts) {
      const style = getComputedStyle(e);
      const size = parseFloat(style.fontSize);
      const least = size >= 24 || (size >= 18.66 && style.fontWeight >= 700) ? 3 : 4.5;
      const [color, behind] = [faded(rgba(style.color), e), ground(e)];
      if (tooFaint(color, behind, least)) found.push(["contrast", told(e, color, behind)]);
    }
    for (const drawing of all("svg").filter((e) => !e.closest("mjx-container, button, a, i") && e.checkVisibility()))
      for (const text of all("text, g[id^=text_]", drawing)) {
        const inks = [text, ...text.querySelectorAll("text, use, path")].slice(+(text.localName !== "text"));
        const ink = inks.find((e) => !e.closest("[id^=patch_]")); // which is the box around it
        if (!ink || ink.closest("defs") || (text !== ink && text.querySelector("text"))) continue;
        const [color, behind] = [faded(rgba(getComputedStyle(ink).fill), ink, drawing), groundIn(drawing, text)];
        if (tooFaint(color, behind, 4.5)) found.push(["contrast in a figure", told(text, color, behind)]);
      }
    return found;
  }
  // Pictures that are drawings, in the page itself, where their texts have colours.
  const drawings = () => all("img").map((e) => e.src).filter((src) => src.startsWith("file:") && src.endsWith(".svg"));
  function unfold(texts) {
    for (const img of all("img")) if (texts[img.src]) {
      const box = document.createElement("div");
      box.innerHTML = texts[img.src];
      box.className = img.className;
      img.replaceWith(box);
    }
  }

  // Where the keyboard is, if nothing shows it.
  const LOOK = ["outline", "boxShadow", "border", "backgroundColor", "color", "textDecoration", "fill", "stroke"];
  function unseen() {
    const e = document.activeElement;
    if (e === document.body) return "";
    const near = [e, e.parentElement, ...e.children];
    const look = () => JSON.stringify(near.map((x) => LOOK.map((k) => getComputedStyle(x)[k])));
    const box = [e, ...e.children].map((x) => x.getClientRects()[0]).find((b) => b?.width);
    if (!box || box.right < 0 || box.bottom < 0 || box.top > innerHeight) return `off the screen: ${start(e)}`;
    const on = look();
    e.blur();
    const off = look();
    e.focus({ preventScroll: true });
    return on === off ? start(e) : "";
  }
  return { failures, ids, links, sideways, onPaper, violations, unreadable, drawings, unfold, unseen };
})();
