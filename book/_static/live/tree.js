// A tree gate on two features: three nodes and a point to move, and the plane they divide.
"use strict";
(() => {
  const { net, parts } = globalThis.thinMini;
  const { make, set, signed, percent, group } = parts;
  const [REACH, SIDE, GRAIN] = [2, 300, 100]; // of the plane, its drawing, its cells
  const HUES = [[1, 115, 178], [222, 143, 5], [2, 158, 115], [204, 120, 188]];
  const START = [
    { w1: 1.5, w2: 0.6, b: 0 },
    { w1: 0.4, w2: -1.6, b: -0.4 },
    { w1: -0.5, w2: 1.5, b: 0.6 },
  ];

  const logit = ({ w1, w2, b }, [x, y]) => w1 * x + w2 * y + b;
  // Eqs. 3 and 4, with a temperature.
  function leaves(state, point) {
    const left = state.nodes.map((node) => net.sigmoid(logit(node, point) / state.heat));
    const reach = net.reached(left);
    return { left, reach, gate: reach.slice(left.length) };
  }

  const across = (x) => ((x + REACH) / (2 * REACH)) * SIDE;
  const down = (y) => ((REACH - y) / (2 * REACH)) * SIDE;

  // Each cell in the colour of its likeliest leaf, fainter where the tree is undecided.
  function paint(canvas, state) {
    const image = new ImageData(GRAIN, GRAIN);
    const middles = HUES.map(() => [0, 0, 0]);
    for (let i = 0; i < GRAIN ** 2; i++) {
      const [x, y] = [i % GRAIN, Math.floor(i / GRAIN)].map((at) => ((at + 0.5) / GRAIN) * 2 * REACH - REACH);
      const { gate } = leaves(state, [x, -y]);
      const most = Math.max(...gate);
      const leaf = gate.indexOf(most);
      image.data.set([...HUES[leaf], 255 * 0.85 * ((most - 0.25) / 0.75)], 4 * i);
      [x, -y, 1].forEach((value, k) => (middles[leaf][k] += value));
    }
    canvas.getContext("2d").putImageData(image, 0, 0);
    return middles;
  }

  // Where a node cuts: all along for the root, on its own side of the root for others.
  function cut(state, n) {
    const { w1, w2, b } = state.nodes[n];
    const square = w1 * w1 + w2 * w2;
    if (!square) return "";
    let [path, pen] = ["", "M"];
    for (let k = -150; k <= 150; k++) {
      const t = (k / 150) * 2 * REACH / Math.sqrt(square);
      const at = [(-b * w1) / square - w2 * t, (-b * w2) / square + w1 * t];
      const side = n === 0 || logit(state.nodes[0], at) >= 0 === (n === 1);
      const inside = Math.max(Math.abs(at[0]), Math.abs(at[1])) <= REACH;
      if (side && inside) path += `${pen}${across(at[0]).toFixed(1)} ${down(at[1]).toFixed(1)}`;
      pen = side && inside ? "L" : "M";
    }
    return path;
  }

  function plane(moved) {
    const canvas = make("canvas", { width: GRAIN, height: GRAIN, "aria-hidden": "true" });
    const lines = START.map((_, n) => make("path", { class: `live-cut live-cut-${n + 1}` }));
    const names = HUES.map((_, l) => make("text", { class: "live-region" }, `leaf ${l + 1}`));
    const point = make("circle", { class: "live-point", r: 8 });
    const svg = make("svg", { viewBox: `0 0 ${SIDE} ${SIDE}`, role: "img" }, ...lines, ...names, point);
    const move = (event) => {
      const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
      const scaled = [at.x, SIDE - at.y].map((v) => Math.min(Math.max((v / SIDE) * 2 * REACH - REACH, -REACH), REACH));
      moved(scaled.map((v) => Math.round(20 * v) / 20));
    };
    svg.addEventListener("pointerdown", (event) => {
      svg.setPointerCapture(event.pointerId);
      move(event);
    });
    svg.addEventListener("pointermove", (event) => svg.hasPointerCapture(event.pointerId) && move(event));
    const draw = (state, words) => {
      const middles = paint(canvas, state);
      middles.forEach(([x, y, n], l) => {
        names[l].style.display = n > 150 ? "" : "none";
        if (n > 150) set(names[l], { x: across(x / n), y: down(y / n) + 4 });
      });
      lines.forEach((line, n) => {
        set(line, { d: cut(state, n) });
        line.classList.toggle("is-chosen", n === state.chosen);
      });
      set(point, { cx: across(state.point[0]), cy: down(state.point[1]) });
      set(svg, { "aria-label": words });
    };
    return { box: make("div", { class: "live-plane" }, canvas, svg), draw };
  }

  function begin(figure) {
    const state = { nodes: START.map((node) => ({ ...node })), heat: 0.5, point: [0.6, 0.5], chosen: 0 };
    const said = parts.speaker();
    const tree = parts.tree(2, { step: 70, level: 52, left: 6 });
    const bars = HUES.map((hue, l) => make("rect", { x: tree.x(l) - 18, width: 36, fill: `rgb(${hue})` }));
    const shares = HUES.map((_, l) => make("text", { x: tree.x(l), y: tree.bottom + 66 }));
    const names = HUES.map((_, l) => make("text", { x: tree.x(l), y: tree.bottom + 82 }, `leaf ${l + 1}`));
    const drawing = make("svg", { viewBox: `0 0 292 ${tree.bottom + 88}`, role: "img" }, tree.group, ...bars, ...shares, ...names);

    const update = parts.eachFrame(() => {
      const { left, reach, gate } = leaves(state, state.point);
      tree.draw(left, reach);
      tree.nodes.forEach((node, n) => node.classList.toggle("is-chosen", n === state.chosen));
      gate.forEach((g, l) => {
        set(bars[l], { y: tree.bottom, height: 46 * g + 1 });
        shares[l].textContent = signed(g);
      });
      const best = gate.indexOf(Math.max(...gate));
      const first = best < 2 ? left[0] : 1 - left[0];
      const second = best % 2 ? 1 - left[best < 2 ? 1 : 2] : left[best < 2 ? 1 : 2];
      const at = `At (${state.point.map((v) => signed(v)).join(", ")})`;
      const turns = left.map((d, n) => `node ${n + 1} with ${signed(d)}`).join(", ");
      const { w1, w2, b } = state.nodes[state.chosen];
      const moving = `Node ${state.chosen + 1}, the one to move, has the weights ${signed(w1)} and ${signed(w2)} and the bias ${signed(b)}.`;
      board.draw(state, `The plane, divided by three nodes. ${at} leaf ${best + 1} counts most.`);
      set(drawing, { "aria-label": `Left at ${turns}. Leaves: ${gate.map(percent).join(", ")}.` });
      said.say(`${at} the tree goes left at ${turns}. Leaf ${best + 1} counts most: ${signed(first)} · ${signed(second)} = ${signed(gate[best])}. ${moving}`);
    });

    const board = plane((point) => {
      state.point = point;
      points.forEach((slider, axis) => slider.move(point[axis]));
      update();
    });
    const number = (label, reach, value, changed) => parts.slider({
      ...{ label, min: -reach, max: reach, step: 0.05, value, words: (v) => signed(v) },
      changed: (v) => {
        changed(v);
        update();
      },
    });
    const weights = [["w1", "weight w₁"], ["w2", "weight w₂"], ["b", "bias b"]].map(([key, label]) =>
      number(label, 3, START[0][key], (v) => (state.nodes[state.chosen][key] = v)));
    const points = ["first feature", "second feature"].map((label, axis) =>
      number(label, REACH, state.point[axis], (v) => (state.point[axis] = v)));
    const heat = parts.slider({
      ...{ label: "temperature T", min: -3, max: 2, step: 0.1, value: Math.log2(state.heat) },
      words: (v) => (2 ** v).toFixed(2),
      changed: (v) => {
        state.heat = 2 ** v;
        update();
      },
    });
    const choose = (n) => {
      state.chosen = n;
      ["w1", "w2", "b"].forEach((key, i) => weights[i].move(state.nodes[n][key]));
      buttons.forEach((button, i) => set(button, { "aria-pressed": i === n }));
      update();
    };
    const buttons = ["node 1 (root)", "node 2 (left)", "node 3 (right)"].map((name, n) =>
      make("button", { type: "button", click: () => choose(n) }, name));
    const nodes = make("div", { class: "live-nodes" }, ...buttons);
    parts.start(figure,
      make("div", { class: "live-side" }, board.box, group("The point", ...points.map((s) => s.box))),
      make("div", { class: "live-side" }, drawing,
        group("The node to move", nodes, ...weights.map((s) => s.box)),
        group("The whole tree", heat.box)), said.box);
    choose(0);
  }

  document.querySelectorAll('[data-live="tree"]').forEach(begin);
})();
