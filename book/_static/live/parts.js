// What the moving figures of the book are made of: elements, sliders, choices, words, a
// tree.
"use strict";
(() => {
  const VERSION = 1; // of the numbers, as book/_ext/live_data.py writes them
  const SPACE = "http://www.w3.org/2000/svg";
  const SVG = new Set("svg g path rect circle line polygon text tspan title".split(" "));

  // An element with attributes; what is a function is heard, what is text is said.
  function make(tag, attributes = {}, ...children) {
    const element = SVG.has(tag) ? document.createElementNS(SPACE, tag) : document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (typeof value === "function") element.addEventListener(name, value);
      else if (value !== false) element.setAttribute(name, value === true ? "" : value);
    }
    element.append(...children);
    return element;
  }

  const set = (element, attributes) =>
    Object.entries(attributes).forEach(([name, value]) => element.setAttribute(name, value));
  const signed = (value, digits = 2) => value.toFixed(digits).replace("-", "−");
  const plus = (value, digits = 2) => (value > 0 ? "+" : "") + signed(value, digits);
  const give = (mean, half, digits, sign = signed) => `${sign(mean, digits)} ± ${half.toFixed(digits)}`;
  const percent = (share) => `${Math.round(100 * share)}\u00a0%`;

  // A labelled slider with its value in words; `words` is told what the slider has.
  function slider({ label, min, max, step, value, words, changed, classes = "" }) {
    const shown = make("output", { class: "live-value", "aria-hidden": "true" });
    const input = make("input", { type: "range", min, max, step, value, "aria-label": label });
    const tell = () => {
      shown.textContent = words(Number(input.value));
      input.setAttribute("aria-valuetext", shown.textContent);
    };
    input.addEventListener("input", () => {
      tell();
      changed(Number(input.value));
    });
    tell();
    const name = make("span", { class: "live-label", "aria-hidden": "true" }, label);
    const box = make("div", { class: `live-slider ${classes}` }, name, input, shown);
    const move = (to) => {
      input.value = to;
      tell();
    };
    return { box, input, move };
  }

  const group = (label, ...inner) =>
    make("div", { class: "live-group", role: "group", "aria-label": label }, ...inner);

  // Buttons of which one is chosen; `show` says which there are, and which is.
  function choice(label, changed) {
    const name = make("span", { class: "live-label", "aria-hidden": "true" }, label);
    const row = make("div", { class: "live-row" });
    const show = (names, chosen) => {
      while (row.children.length > names.length) row.lastChild.remove();
      names.forEach((text, i) => {
        const click = () => changed(i);
        const button = row.children[i] ?? row.appendChild(make("button", { type: "button", click }));
        button.textContent = text;
        set(button, { "aria-pressed": i === chosen });
      });
    };
    return { box: group(label, name, row), show };
  }

  // Hear where a pointer drags what it took hold of, in the units of the drawing.
  function drag(svg, handle, moved) {
    const at = (event) => {
      const point = new DOMPoint(event.clientX, event.clientY);
      const { x, y } = point.matrixTransform(svg.getScreenCTM().inverse());
      moved([x, y]);
    };
    handle.addEventListener("pointerdown", (event) => {
      handle.setPointerCapture(event.pointerId);
      handle.focus?.({ preventScroll: true });
      event.preventDefault();
    });
    handle.addEventListener("pointermove", (event) => handle.hasPointerCapture(event.pointerId) && at(event));
  }

  // The numbers of a figure, which the build writes, or null and the picture instead.
  function numbers(figure, name) {
    const found = globalThis.thinMini.data?.[name];
    if (found?.version === VERSION) return found;
    still(figure, "The figure does not move here: its numbers are missing or of another version than this page. This is its still form.");
    return null;
  }

  // Words below the figure, which a screen reader hears once a change has settled.
  function speaker() {
    const box = make("p", { class: "live-said", role: "status", "aria-live": "polite" });
    let waiting;
    const say = (text) => {
      clearTimeout(waiting);
      waiting = setTimeout(() => (box.textContent = text), 250);
    };
    return { box, say };
  }

  // Once a frame at most, however often it is asked.
  function eachFrame(draw) {
    let asked = false;
    return () => {
      if (asked) return;
      asked = true;
      requestAnimationFrame(() => {
        asked = false;
        draw();
      });
    };
  }

  // A tree of some depth in a group of its own, `step` wide for each leaf: lines as thick
  // as their node is likely, and in each node the probability of going left.
  function tree(depth, { step, level, top = 18, left = 0 }) {
    const leaves = 2 ** depth;
    const row = (n) => Math.floor(Math.log2(n + 1));
    const x = (n) => {
      const wide = leaves / 2 ** row(n); // leaves below it
      return left + step * wide * (n + 1 - 2 ** row(n) + 0.5);
    };
    const y = (n) => top + level * row(n);
    const [lines, nodes] = [[], []];
    for (let n = 1; n < 2 * leaves - 1; n++) {
      const above = Math.floor((n - 1) / 2);
      const curve = `M${x(above)} ${y(above)}C${x(above)} ${y(n) - level / 3} ${x(n)} ${y(above) + level / 3} ${x(n)} ${y(n)}`;
      lines.push(make("path", { class: "live-branch", d: curve }));
    }
    for (let n = 0; n < leaves - 1; n++) {
      const said = make("text", { x: x(n), y: y(n) + 4.5 });
      nodes.push(make("g", { class: "live-node" }, make("circle", { cx: x(n), cy: y(n), r: 17 }), said));
    }
    const group = make("g", {}, ...lines, ...nodes);
    const draw = (probabilities, reach) => {
      lines.forEach((line, i) => set(line, { "stroke-width": 1 + 11 * reach[i + 1] }));
      nodes.forEach((node, n) => {
        node.lastChild.textContent = signed(probabilities[n]);
        node.style.setProperty("--reach", reach[n]);
      });
    };
    return { group, nodes, draw, x: (leaf) => x(leaves - 1 + leaf), bottom: top + level * depth };
  }

  // A figure that cannot move shows its picture, and says why.
  function still(figure, why) {
    figure.querySelector(".live-app")?.remove();
    figure.classList.remove("is-live");
    figure.querySelector(".live-why").textContent = why;
  }

  // Give a figure its moving parts, in place of its picture.
  function start(figure, ...parts) {
    figure.querySelector(".live-still").before(make("div", { class: "live-app" }, ...parts));
    figure.classList.add("is-live");
  }

  const words = { signed, plus, give, percent };
  const parts = { make, set, ...words, slider, group, choice, drag, numbers, speaker, eachFrame, tree, still, start };
  globalThis.thinMini = { ...globalThis.thinMini, parts };
})();
