// λ from 0 on: accuracy, |cos| and what is read of the angle, from committed runs.
"use strict";
(() => {
  const { parts, stats } = globalThis.thinMini;
  const { make, set, plus, give } = parts;
  const MEASURES = [ // of a result: key, title, how it is said, digits, and its scale
    ["accuracy", "accuracy on digits (%)", ["accuracy", "\u00a0%"], 2, null],
    ["cosine", "|cos| of Eq. 7", ["|cos|", ""], 2, [0, 1]],
    ["read", "angle read by c_σ (%)", ["angle read by c_σ", "\u00a0%"], 1, [0, 100]],
    ["linear", "angle read by a linear probe (%)", ["by a linear probe", "\u00a0%"], 1, [0, 100]],
    ["mlp", "angle read by an MLP probe (%)", ["by an MLP", "\u00a0%"], 1, [0, 100]],
  ];
  const STARTS = { apart: "a random start", together: "the random weights that γ_τ started from", network: "the weights of γ_τ" };
  const [LEFT, WIDTH, BLOCK, ROW] = [8, 172, 88, 20];

  const same = (one, other, ...keys) => keys.every((key) => one[key] === other[key]);
  const unique = (rows, key) => [...new Set(rows.map((row) => row[key]))];

  // A measure under some λ, and its paired difference from λ = 0.
  function found(rows, start, lambda, key) {
    const of = (value) => rows.find((row) => same(row, { start, lambda: value }, "start", "lambda"))?.values[key];
    const [own, first] = [of(lambda), of(0)];
    if (!own) return null;
    const less = lambda && first ? stats.interval(stats.paired(own, first)) : null;
    return { ...stats.interval(own.filter((v) => v !== null)), less, from: first && stats.mean(first) };
  }

  // The scale of the accuracy: wide enough for all that is drawn on it.
  function reach(rows) {
    const ends = rows.map((row) => stats.interval(row.values.accuracy));
    const low = Math.floor(Math.min(...ends.map(({ mean, half }) => mean - half)));
    return [low, Math.ceil(Math.max(...ends.map(({ mean, half }) => mean + half)))];
  }

  // A block: the measure's name, its scale, and a row for each start.
  function block([key, name, , digits, scale], top) {
    const line = make("line", { class: "live-axis", x1: LEFT, x2: LEFT + WIDTH, y1: top + 10, y2: top + 10 });
    const ends = ["live-start", "live-stop"].map((side, i) =>
      make("text", { class: `live-end ${side}`, x: LEFT + i * WIDTH, y: top + 68 }));
    const rows = [0, 1].map((i) => {
      const y = top + 22 + ROW * i;
      const parts = {
        rail: make("line", { class: "live-rail", x1: LEFT, x2: LEFT + WIDTH, y1: y, y2: y }),
        from: make("line", { class: "live-from", y1: y - 7, y2: y + 7 }),
        bar: make("line", { class: "live-range", y1: y, y2: y }),
        mark: i ? make("polygon", { points: "0,-6.5 6,5 -6,5" }) : make("circle", { r: 5 }),
        text: make("text", { class: "live-start live-number", x: LEFT + WIDTH + 12, y: y + 4.5 }),
      };
      return { box: make("g", { class: `live-from-${i}` }, ...Object.values(parts)), y, ...parts };
    });
    const title = make("text", { class: "live-start", x: LEFT, y: top + 4 }, name);
    const box = make("g", {}, title, line, ...ends, ...rows.map((row) => row.box));
    const draw = (all, lambda, starts) => {
      const [low, high] = scale ?? reach(all);
      const x = (value) => LEFT + WIDTH * Math.min(Math.max((value - low) / (high - low), 0), 1);
      [low, high].forEach((end, i) => (ends[i].textContent = end));
      const there = all.some((row) => row.values[key]);
      set(box, { visibility: there ? "visible" : "hidden" });
      return rows.map((row, i) => {
        const start = starts[i];
        const own = found(all, start, lambda, key);
        const never = !all.some((each) => each.start === start);
        row.box.classList.toggle("is-empty", !own);
        row.text.textContent = own ? give(own.mean, own.half, digits) : never ? "" : "not measured";
        if (own?.less) row.text.append(make("tspan", { class: stats.sure(own.less) ? "is-sure" : "is-unsure", dx: 7 }, give(own.less.mean, own.less.half, digits, plus)));
        if (own) {
          set(row.bar, { x1: x(own.mean - own.half), x2: x(own.mean + own.half) });
          set(row.mark, { transform: `translate(${x(own.mean)} ${row.y})` });
          if (own.from) set(row.from, { x1: x(own.from), x2: x(own.from) });
        }
        return own;
      });
    };
    return { box, draw };
  }

  function told(measures, slot, start) {
    const all = MEASURES.map(([, , [name, unit], digits], i) => {
      const own = measures[i][slot];
      if (!own) return null;
      const less = own.less && (stats.sure(own.less) ? plus(own.less.mean, digits) : "no change that shows");
      return `${name} ${own.mean.toFixed(digits)}${unit}${less ? ` (${less})` : ""}`;
    }).filter(Boolean);
    return all.length ? `From ${STARTS[start]}: ${all.join(", ")}.` : "";
  }

  function begin(figure) {
    const data = parts.numbers(figure, "lambda");
    if (!data) return;
    const models = unique(data.rows, "model");
    const first = figure.dataset.first;
    const state = { model: models.includes(first) ? first : models[0], confounded: 0, lambda: 0.5 };
    const said = parts.speaker();
    const blocks = MEASURES.map((measure, i) => block(measure, 12 + BLOCK * i));
    const drawing = make("svg", { viewBox: `0 0 350 ${BLOCK * MEASURES.length + 12}`, role: "img" }, ...blocks.map((b) => b.box));

    const pick = () => data.rows.filter((row) => same(row, state, "model", "confounded"));
    const update = parts.eachFrame(() => {
      const ofModel = data.rows.filter((row) => row.model === state.model);
      const strengths = unique(ofModel, "confounded").sort((a, b) => a - b);
      if (!strengths.includes(state.confounded)) state.confounded = 0;
      const rows = pick();
      const lambdas = unique(rows, "lambda").sort((a, b) => a - b);
      const at = lambdas.includes(state.lambda) ? lambdas.indexOf(state.lambda) : lambdas.length - 1;
      state.lambda = lambdas[at];
      ofLambda.input.max = lambdas.length - 1;
      ofLambda.move(at);
      ofModels.show(models, models.indexOf(state.model));
      ofStrengths.show(strengths.map((s) => (s ? `strength ${s}` : "no")), strengths.indexOf(state.confounded));
      const starts = [unique(rows, "start").find((start) => start !== "network"), "network"];
      const measures = blocks.map((own) => own.draw(rows, state.lambda, starts));
      const about = state.confounded ? `, training digits that tell their angle with strength ${state.confounded}` : "";
      const text = [`${state.model}${about}, λ = ${state.lambda}.`, ...starts.map((start, slot) => told(measures, slot, start)),
        state.lambda ? "In brackets: against λ = 0, paired by seed." : ""].filter(Boolean).join(" ");
      set(drawing, { "aria-label": text });
      said.say(text);
    });
    const ofLambda = parts.slider({
      ...{ label: "λ of Eq. 8", min: 0, max: 1, step: 1, value: 1 },
      words: (at) => `${unique(pick(), "lambda").sort((a, b) => a - b)[at] ?? ""}`,
      changed: (at) => {
        state.lambda = unique(pick(), "lambda").sort((a, b) => a - b)[at];
        update();
      },
    });
    const ofModels = parts.choice("What is trained", (i) => {
      state.model = models[i];
      update();
    });
    const ofStrengths = parts.choice("Do training digits tell their angle?", (i) => {
      const all = unique(data.rows.filter((row) => row.model === state.model), "confounded");
      state.confounded = all.sort((a, b) => a - b)[i];
      update();
    });
    const key = make("p", { class: "live-legend live-marks" },
      ...["● from a random start", "▲ from the weights of γ_τ", "| with λ = 0"].map((text) => make("span", {}, text)));
    const controls = make("div", { class: "live-side" }, parts.group("λ", ofLambda.box), ofModels.box, ofStrengths.box, key);
    parts.start(figure, controls, make("div", { class: "live-side" }, drawing), said.box);
    update();
  }

  document.querySelectorAll('[data-live="lambda"]').forEach(begin);
})();
