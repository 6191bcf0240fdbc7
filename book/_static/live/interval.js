// Five pairs of results to drag: their differences, the mean, its interval, the verdict.
"use strict";
(() => {
  const { parts, stats } = globalThis.thinMini;
  const { make, set, signed, plus, give } = parts;
  const [TOP, TALL, LEFT, STEP, GRIP] = [14, 190, 44, 50, 14]; // of the drawing, in its units
  const [MIDDLE, WIDE, GRAIN] = [165, 132, 0.05]; // of the differences; a step in points
  const CLAIMS = ["higher by so much", "higher", "as high"];
  const WHY = {
    "no room": "Both err too seldom for a difference of Δ.",
    reproduced: ["The interval lies above 0 and reaches the claim.", "The interval lies above 0, and the mean reaches Δ.", "The 90 % interval lies within ±Δ."],
    weaker: ["The interval lies above 0 and ends below the claim.", "The interval lies above 0, and the mean falls short of Δ."],
    equivalent: "The interval holds 0, and the 90 % interval lies within ±Δ: whatever there is, it does not matter.",
    inconclusive: "The interval is too wide to say.",
    contradicted: ["The interval lies below 0.", "The interval lies below 0.", "The interval lies beyond Δ."],
  };

  const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
  const rounded = (value) => Math.round(value / GRAIN) * GRAIN;

  function judged(state) {
    const gaps = stats.paired(state.ours, state.other);
    const own = stats.interval(gaps);
    const close = state.claim === 2 || (state.claim === 0 && state.paper <= state.smallest / 10);
    const how = { number: state.claim === 0, close: state.claim === 2, reference: stats.mean(state.other) };
    const verdict = stats.judge(state.claim === 0 ? state.paper : 1, gaps, state.smallest, how);
    const why = WHY[verdict];
    return { gaps, ...own, verdict, why: Array.isArray(why) ? why[close ? 2 : state.claim] : why };
  }

  // Two results for each seed, which one drags up and down or moves by the arrow keys.
  function board(state, changed) {
    const y = (value) => TOP + TALL * (1 - (value - state.low) / (state.high - state.low));
    const lines = state.ours.map(() => make("line", { class: "live-pair" }));
    const ends = [0, 1].map((i) => make("text", { class: "live-end live-stop", x: LEFT - 18, y: TOP + TALL * i + 4 }));
    const names = state.ours.map((_, i) => make("text", { class: "live-end", x: LEFT + STEP * i, y: TOP + TALL + 32 }, `seed ${i}`));
    const svg = make("svg", { viewBox: `0 0 280 ${TOP + TALL + 40}`, role: "group", "aria-label": "Two results for each of five seeds" }, ...lines, ...ends, ...names);
    const grips = ["other", "ours"].map((side) => state.ours.map((_, i) => {
      const look = side === "ours" ? make("circle", { r: 7.5 }) : make("rect", { x: -6.5, y: -6.5, width: 13, height: 13 });
      const grip = make("g", { class: `live-grip live-of-${side}`, role: "slider", tabindex: 0, "aria-orientation": "vertical" },
        make("circle", { class: "live-hold", r: GRIP }), look);
      const move = (value) => {
        state[side][i] = rounded(clamp(value, state.low, state.high));
        state.taken = -1;
        changed();
      };
      grip.addEventListener("keydown", (event) => {
        const steps = { ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1, PageUp: 10, PageDown: -10 };
        const to = { Home: state.low, End: state.high }[event.key] ?? state[side][i] + GRAIN * (steps[event.key] ?? NaN);
        if (Number.isNaN(to)) return;
        event.preventDefault();
        move(to);
      });
      parts.drag(svg, grip, ([, at]) => move(state.low + (1 - (at - TOP) / TALL) * (state.high - state.low)));
      svg.append(grip);
      return grip;
    }));
    const draw = () => {
      [state.high, state.low].forEach((end, i) => (ends[i].textContent = `${end}\u00a0%`));
      ["other", "ours"].forEach((side, k) => grips[k].forEach((grip, i) => {
        const value = state[side][i];
        // Side by side, so that neither hides the other.
        set(grip, { transform: `translate(${LEFT + STEP * i + (k ? 8 : -8)} ${y(value)})`, "aria-label": `${state.names[k]}, seed ${i}` });
        set(grip, { "aria-valuemin": state.low, "aria-valuemax": state.high, "aria-valuenow": value.toFixed(2), "aria-valuetext": `${value.toFixed(2)} %` });
      }));
      lines.forEach((line, i) => set(line, { x1: LEFT + STEP * i - 8, x2: LEFT + STEP * i + 8, y1: y(state.other[i]), y2: y(state.ours[i]) }));
    };
    return { svg, draw };
  }

  // The differences on a line of their own, with their mean and its interval.
  function line() {
    const x = (value) => MIDDLE + WIDE * clamp(value / 4, -1, 1); // points, from -4 to 4
    const band = make("rect", { class: "live-band", y: 8, height: 62 });
    const zero = make("line", { class: "live-axis", x1: x(0), x2: x(0), y1: 4, y2: 74 });
    const claim = make("polygon", { class: "live-claim", points: "0,0 6,-8 0,-16 -6,-8" });
    const range = make("line", { class: "live-range", y1: 56, y2: 56 });
    const mean = make("circle", { class: "live-mean", r: 6, cy: 56 });
    const dots = Array.from({ length: 5 }, () => make("circle", { class: "live-gap", r: 4.5, cy: 30 }));
    const ticks = [-4, -2, 0, 2, 4].map((v) => make("text", { class: "live-end", x: x(v), y: 90 }, v ? plus(v, 0) : "0"));
    const svg = make("svg", { viewBox: "0 0 330 96", role: "img" }, band, zero, claim, ...dots, range, mean, ...ticks);
    const draw = (state, own, words) => {
      set(band, { x: x(-state.smallest), width: x(state.smallest) - x(-state.smallest) });
      set(claim, { transform: `translate(${x(state.paper)} 76)` });
      claim.style.display = state.claim === 0 ? "" : "none";
      dots.forEach((dot, i) => set(dot, { cx: x(own.gaps[i]) }));
      set(range, { x1: x(own.mean - own.half), x2: x(own.mean + own.half) });
      set(mean, { cx: x(own.mean) });
      set(svg, { "aria-label": words });
    };
    return { svg, draw };
  }

  function begin(figure) {
    const data = parts.numbers(figure, "interval");
    if (!data) return;
    const state = { claim: 0 };
    const take = (i) => {
      const { names, ours, other, paper, smallest } = data.rows[i];
      const all = [...ours, ...other];
      const room = smallest < 1 ? 0.5 : 2;
      const [low, high] = [Math.floor(Math.min(...all) - room), Math.min(100, Math.ceil(Math.max(...all) + room))];
      const claim = paper === null ? 1 : 0;
      Object.assign(state, { names, ours: [...ours], other: [...other], smallest, low, high, claim, paper: paper ?? 1, taken: i });
      ofPaper?.move(state.paper);
      update?.();
    };
    let [update, ofPaper] = [null, null];
    take(0);
    const said = parts.speaker();
    const verdict = make("b", { class: "verdict" });
    const mean = make("span", { class: "live-sum" });
    const gaps = line();
    const change = (what) => {
      Object.assign(state, what);
      update();
    };
    const pairs = board(state, () => update());
    const taken = parts.choice("Results to begin with", take);
    const claims = parts.choice("The claim: ours is", (claim) => change({ claim }));
    const sizes = parts.choice("Δ, the least that matters", (i) => change({ smallest: [1, 0.2][i] }));
    ofPaper = parts.slider({
      ...{ label: "claimed", min: 0, max: 4, step: 0.05, value: state.paper },
      words: (v) => plus(v),
      changed: (paper) => change({ paper }),
    });
    update = parts.eachFrame(() => {
      const own = judged(state);
      pairs.draw();
      const [other, ours] = state.names;
      const sum = `${give(own.mean, own.half, 2, plus)} points`;
      gaps.draw(state, own, `Differences ${own.gaps.map((v) => plus(v)).join(", ")}; mean and interval ${sum}.`);
      mean.textContent = sum;
      verdict.textContent = own.verdict;
      verdict.className = `verdict verdict-${own.verdict.replace(" ", "-")}`;
      taken.show(data.rows.map((row) => row.title), state.taken);
      claims.show(CLAIMS, state.claim);
      sizes.show(["1 (few labels)", "0.2 (many)"], [1, 0.2].indexOf(state.smallest));
      ofPaper.box.style.display = state.claim === 0 ? "" : "none";
      said.say(`${ours} less ${other}: ${own.gaps.map((v) => plus(v)).join(", ")}. Mean ${plus(own.mean)}, 95 % interval ${signed(own.mean - own.half)} to ${signed(own.mean + own.half)}. Verdict: ${own.verdict}. ${own.why}`);
    });
    const key = make("p", { class: "live-legend live-marks" }, ...[`□ ${state.names[0]}`, `● ${state.names[1]}`, "shaded: ±Δ", "◇ the claim"].map((text) => make("span", {}, text)));
    parts.start(figure, make("div", { class: "live-side" }, pairs.svg, key, taken.box),
      make("div", { class: "live-side" }, make("p", { class: "live-verdict" }, mean, verdict), gaps.svg, claims.box, ofPaper.box, sizes.box), said.box);
    take(0);
  }

  document.querySelectorAll('[data-live="interval"]').forEach(begin);
})();
