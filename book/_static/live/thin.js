// THIN itself in the page: a digit to draw and to turn, and what each part says of it.
"use strict";
(() => {
  const { net, parts, digits } = globalThis.thinMini;
  const { make, set, signed, percent } = parts;
  const HERE = document.currentScript.src.replace(/[^/]*$/, "");
  const [R, RIM, BAR] = [84, 98, 34]; // of the sheet, of the belief, of a full bar
  const [STEP, LEVEL, EDGE, GRID, ROW] = [44, 54, 20, 276, 22]; // of the tree's drawing
  const LOGIT = 8; // that fills a cell
  const EMPTY = "The sheet is empty. Draw a digit inside the circle, or take one of the ten.";
  const OUTSIDE = "What you drew outside the circle is left out.";
  const MODELS = {
    baseline: { name: "Baseline", about: "sees the digit as it lies" },
    thin: { name: "THIN", about: "asks the experts that the tree trusts" },
    undone: { name: "Turned back", about: "a baseline on the digit turned by the expected angle" },
  };
  const LATE = "its weights are missing or of another version";

  const place = (degrees, radius) => {
    const angle = (degrees * Math.PI) / 180; // counter-clockwise from the top
    return [-radius * Math.sin(angle), -radius * Math.cos(angle)];
  };
  const turned = (degrees) => {
    const whole = Math.round(Math.abs(degrees));
    return whole ? `${whole}° to the ${degrees > 0 ? "left" : "right"}` : "upright";
  };

  // The sheet: strokes that turn with it, a knob on its rim, the belief around it.
  function sheet({ drew, turn }) {
    const beliefs = Array.from({ length: 18 }, () => make("line", { class: "live-belief" }));
    const ink = make("g", { class: "live-ink" });
    const knob = make("g", { class: "live-knob" }, make("circle", { r: 11 }), make("path", { d: "M-2 -4L-6 0L-2 4M2 -4L6 0L2 4" }));
    const hint = make("text", { class: "live-hint", y: 4 }, "draw a digit here");
    const disc = make("circle", { class: "live-disc", r: R });
    const ticks = [-90, -60, -30, 0, 30, 60, 90].map((degrees) => {
      const [[x1, y1], [x2, y2]] = [place(degrees, RIM - 3), place(degrees, RIM)];
      return make("line", { class: "live-tick", x1, y1, x2, y2 });
    });
    const ends = [-1, 1].map((side) => make("text", { class: "live-end", x: side * 112, y: 16 }, "90°"));
    const svg = make("svg", { class: "live-sheet", viewBox: "-134 -134 268 230", role: "img" }, ...beliefs, ...ticks, ...ends, disc, hint, ink, knob);

    const point = (event) => {
      const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
      return [at.x / R, at.y / R];
    };
    let doing = null;
    svg.addEventListener("pointerdown", (event) => {
      const [x, y] = point(event);
      doing = Math.hypot(x, y) > 0.86 || event.target.closest(".live-knob") ? "turning" : "drawing";
      svg.setPointerCapture(event.pointerId);
      event.preventDefault();
      if (doing === "turning") turn([x, y]);
      else drew([x, y], true);
    });
    svg.addEventListener("pointermove", (event) => {
      if (doing === "turning") turn(point(event));
      else if (doing === "drawing") drew(point(event), false);
    });
    for (const end of ["pointerup", "pointercancel"]) svg.addEventListener(end, () => (doing = null));

    const draw = (strokes, degrees) => {
      const line = (stroke) => stroke.map((p) => p.map((v) => (R * v).toFixed(1)).join(" ")).join("L");
      const lines = strokes.map((s) => make("path", { d: `M${line(s.length > 1 ? s : [...s, ...s])}` }));
      ink.replaceChildren(...lines);
      set(ink, { transform: `rotate(${-degrees})` });
      set(knob, { transform: `rotate(${-degrees}) translate(0 ${-R})` });
      hint.style.display = strokes.length ? "none" : "";
    };
    const believe = (belief) => {
      beliefs.forEach((bar, bin) => {
        const [[x1, y1], [x2, y2]] = [RIM, RIM + (belief ? 1 + BAR * belief[bin] : 1)].map((r) => place(10 * bin - 85, r));
        set(bar, { x1, y1, x2, y2 });
      });
    };
    return { svg, draw, believe };
  }

  // The tree, the weight of each leaf, the logits of each expert, and their mixture.
  function inside() {
    const tree = parts.tree(3, { step: STEP, level: LEVEL, left: EDGE });
    const foot = tree.bottom + 50;
    const text = (x, y, said, classes = "") => make("text", { x, y, class: classes }, said);
    const bar = (classes) => make("rect", { class: classes });
    const leaves = Array.from({ length: 8 }, () => bar("live-leaf"));
    const shares = leaves.map((_, l) => text(tree.x(l), foot + 16, ""));
    const rows = Array.from({ length: 10 }, (_, k) => GRID + ROW * k);
    const chosen = make("rect", { class: "live-chosen", x: 0, width: 476, height: ROW, rx: 3 });
    const cells = leaves.map(() => rows.map(() => bar("live-logit")));
    const columns = cells.map((column, l) => {
      const axis = make("line", { class: "live-axis", x1: tree.x(l), x2: tree.x(l), y1: GRID, y2: GRID + 10 * ROW });
      return make("g", {}, axis, ...column);
    });
    const mixed = rows.map(() => bar("live-mixed"));
    const middle = 428;
    const axis = make("line", { class: "live-axis", x1: middle, x2: middle, y1: GRID, y2: GRID + 10 * ROW });
    const words = [
      text(tree.x(0) - 18, 24, "tree gate", "live-start"),
      text(middle, GRID - 24, "mixture"),
      text(middle, GRID - 8, "z = Z · g"),
      text(9, GRID - 8, "leaf"),
      ...leaves.map((_, l) => text(tree.x(l), GRID - 8, l + 1)),
      text(196, GRID + 10 * ROW + 16, "logits Z of each leaf's expert, for the ten digits"),
      ...rows.map((y, k) => text(8, y + 15.5, k)),
    ];
    const svg = make("svg", { class: "live-inside", viewBox: `0 0 476 ${GRID + 22 + 10 * ROW}`, role: "img" },
      chosen, tree.group, ...leaves, ...shares, ...columns, axis, ...mixed, ...words);

    const lay = (cell, x, y, value, reach) => {
      const wide = reach * Math.min(Math.abs(value) / LOGIT, 1);
      set(cell, { x: value < 0 ? x - wide : x, y: y + 4, width: wide, height: ROW - 8 });
      cell.classList.toggle("is-negative", value < 0);
    };
    const draw = (out) => {
      svg.classList.toggle("is-empty", !out);
      if (!out) return set(svg, { "aria-label": "The tree and its experts, waiting for a digit" });
      tree.draw(out.left, out.reach);
      const most = Math.max(...out.gate);
      out.gate.forEach((g, l) => {
        set(leaves[l], { x: tree.x(l) - 13, y: tree.bottom, width: 26, height: 46 * g + 1 });
        shares[l].textContent = percent(g);
        columns[l].style.opacity = 0.25 + (0.75 * g) / most;
        out.each[l].forEach((z, k) => lay(cells[l][k], tree.x(l), rows[k], z, 20));
      });
      out.mixed.forEach((z, k) => lay(mixed[k], middle, rows[k], z, 44));
      const answer = out.mixed.indexOf(Math.max(...out.mixed));
      set(chosen, { y: rows[answer] });
      const nodes = out.left.map((d, n) => `node ${n + 1} ${signed(d)}`).join(", ");
      const counted = out.gate.map((g, l) => `leaf ${l + 1} ${percent(g)}`).join(", ");
      set(svg, { "aria-label": `Left at ${nodes}. Weights: ${counted}. The mixture's largest logit is that of ${answer}.` });
    };
    return { svg, draw };
  }

  // White ink on black, as the data have it.
  function thumbnail() {
    const canvas = make("canvas", { width: net.SIZE, height: net.SIZE, "aria-hidden": "true" });
    const draw = (picture) => {
      const image = new ImageData(net.SIZE, net.SIZE);
      for (let i = 0; i < net.SIZE ** 2; i++) {
        image.data.fill(255 * (picture ? picture[i] : 0), 4 * i, 4 * i + 3);
        image.data[4 * i + 3] = 255;
      }
      canvas.getContext("2d").putImageData(image, 0, 0);
    };
    return { canvas, draw };
  }

  // What one model answers: its picture, its digit, its ten probabilities.
  function card(model) {
    const { name, about } = MODELS[model];
    const seen = thumbnail();
    const answer = make("b", { class: "live-answer" });
    const sure = make("span", { class: "live-sure" });
    const bars = Array.from({ length: 10 }, (_, k) => make("rect", { class: "live-bar", x: 20 * k + 4, width: 12 }));
    const names = bars.map((_, k) => make("text", { x: 20 * k + 10, y: 62 }, k));
    const chart = make("svg", { viewBox: "0 0 200 66", "aria-hidden": "true" }, ...bars, ...names);
    const box = make("div", { class: `live-card live-${model}` },
      make("p", { class: "live-name" }, make("b", {}, name), ` ${about}`),
      make("div", { class: "live-says" }, seen.canvas, answer, sure), chart);
    const draw = (picture, shares, truth, wait) => {
      seen.draw(picture);
      const most = shares ? shares.indexOf(Math.max(...shares)) : null;
      const wrong = truth !== null && most !== null && most !== truth;
      answer.textContent = shares ? most : "–";
      sure.textContent = shares ? `${percent(shares[most])}${wrong ? `, but it is a ${truth}` : ""}` : wait;
      box.classList.toggle("is-wrong", wrong);
      bars.forEach((bar, k) => {
        const high = shares ? 46 * shares[k] : 0;
        set(bar, { y: 48 - high, height: high + 1 });
        bar.classList.toggle("is-most", k === most);
      });
      return shares ? `${name} ${most} (${percent(shares[most])})${wrong ? ", wrongly" : ""}` : `${name}: ${wait}`;
    };
    return { box, draw };
  }

  // A checkpoint as a classic script, since a page on a disk may fetch nothing else.
  function load(figure, model) {
    const run = figure.dataset[model];
    return new Promise((resolve, reject) => {
      const fail = () => reject(new Error(LATE));
      const script = make("script", { src: `${HERE}weights-${model}.js?${run}`, error: fail });
      script.addEventListener("load", () => {
        try {
          const read = net.checkpoint(globalThis.thinMini.weights[model]);
          if (read.about.run !== run) return fail();
          resolve(read.tensors);
        } catch {
          fail(); // damaged, or of another version
        }
      });
      document.head.append(script);
    });
  }

  function begin(figure) {
    const state = { strokes: [], truth: null, degrees: 0, outside: false, upright: null };
    const [weights, wait] = [{}, { thin: "on its way", baseline: "on its way", undone: "on its way" }];
    const said = parts.speaker();
    const tree = inside();
    const cards = Object.fromEntries(Object.keys(MODELS).map((model) => [model, card(model)]));

    const update = parts.eachFrame(() => {
      const { strokes, degrees, truth, upright } = state;
      board.draw(strokes, degrees);
      buttons.forEach((button, k) => set(button, { "aria-pressed": truth === k }));
      const picture = upright && net.rotate(upright, degrees);
      const out = picture && weights.thin ? net.thin(picture, weights.thin) : null;
      board.believe(out?.belief);
      tree.draw(out);
      const back = out && net.rotate(picture, -out.degrees).map((v) => Math.min(Math.max(v, 0), 1));
      const what = truth === null ? "your digit" : `a ${truth}`;
      set(board.svg, { "aria-label": upright ? `The sheet with ${what}, ${turned(degrees)}` : "The sheet, empty" });
      const shares = {
        baseline: picture && weights.baseline && net.softmax(net.classify(picture, weights.baseline)),
        thin: out && net.softmax(out.mixed),
        undone: back && weights.undone && net.softmax(net.classify(back, weights.undone)),
      };
      const answers = Object.keys(MODELS).map((model) => {
        const sees = model === "undone" ? back : picture;
        return cards[model].draw(sees, shares[model], truth, picture ? wait[model] : "waits for a digit");
      });
      if (!picture) return said.say(EMPTY);
      if (!out) return said.say("The networks are on their way.");
      const best = out.gate.indexOf(Math.max(...out.gate));
      const lies = `${what[0].toUpperCase()}${what.slice(1)}, ${degrees ? `turned ${turned(degrees)}` : "upright"}.`;
      said.say(`${lies} The frozen network expects ${turned(out.degrees)}. Leaf ${best + 1} counts most, with ${percent(out.gate[best])}. ` +
        `${answers.join(", ")}.${state.outside ? ` ${OUTSIDE}` : ""}`);
    });

    const show = (changes) => {
      Object.assign(state, changes);
      if (changes.strokes) state.upright = net.drawn(state.strokes);
      update();
    };
    const take = (k) => show({ truth: k, outside: false, strokes: digits[k].map((s) => s.map((p) => p.map((v) => 0.62 * v))) });
    const slider = parts.slider({
      ...{ label: "Turn the digit", min: -90, max: 90, step: 1, value: 0, classes: "live-turn" },
      words: (value) => turned(-value),
      changed: (value) => show({ degrees: -value }),
    });
    const turnTo = (degrees) => {
      slider.move(-degrees);
      show({ degrees });
    };
    const board = sheet({
      turn: ([x, y]) => {
        const degrees = Math.round((Math.atan2(-x, -y) * 180) / Math.PI);
        if (Math.abs(degrees) < 135) turnTo(Math.min(Math.max(degrees, -90), 90));
      },
      drew: ([x, y], first) => {
        if (first && state.truth !== null) show({ truth: null, strokes: [], outside: false });
        if (Math.hypot(x, y) > 1) {
          lifted = true;
          return show({ outside: true });
        }
        const angle = (state.degrees * Math.PI) / 180; // back to the sheet's own frame
        const at = [x * Math.cos(angle) - y * Math.sin(angle), x * Math.sin(angle) + y * Math.cos(angle)];
        const strokes = first || lifted ? [...state.strokes, [at]] : [...state.strokes.slice(0, -1), [...state.strokes.at(-1), at]];
        lifted = false;
        show({ strokes });
      },
    });
    let lifted = false;
    const buttons = digits.map((_, k) => make("button", { type: "button", "aria-label": `Take a ${k}`, click: () => take(k) }, k));
    const clear = make("button", { type: "button", class: "live-clear", click: () => show({ truth: null, strokes: [], outside: false }) }, "Empty the sheet");
    const choice = make("div", { class: "live-choice", role: "group", "aria-label": "A digit to begin with" }, ...buttons, clear);
    const legend = make("p", { class: "live-legend" }, make("i", { class: "live-key" }), "where the frozen network believes the top of the digit to be");
    parts.start(figure, make("div", { class: "live-hand" }, board.svg, legend, slider.box, choice), tree.svg,
      make("div", { class: "live-cards" }, ...Object.values(cards).map((own) => own.box)), said.box);
    turnTo(35);
    take(6);

    const fetch = async () => {
      for (const model of ["thin", "baseline", "undone"]) {
        try {
          weights[model] = await load(figure, model);
        } catch (error) {
          if (model === "thin") {
            return parts.still(figure, "The figure does not move here: the weights of THIN are missing or of another version than this page. This is its still form.");
          }
          wait[model] = error.message;
        }
        update();
      }
    };
    // After the first paint, and only when the reader comes near.
    new IntersectionObserver((seen, watch) => {
      if (!seen.some((each) => each.isIntersecting)) return;
      watch.disconnect();
      setTimeout(fetch);
    }, { rootMargin: "600px" }).observe(figure);
  }

  document.querySelectorAll('[data-live="thin"]').forEach(begin);
})();
