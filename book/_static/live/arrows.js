// Two answers as arrows, each a part that all images share and one of the image's own.
"use strict";
(() => {
  const { parts } = globalThis.thinMini;
  const { make, set, signed } = parts;
  const [UNIT, X, Y] = [46, 200, 205]; // of the drawing, and where its arrows begin
  const NAMES = ["what c_σ answers about h_exo", "what c_σ answers about h_endo"];
  const SCENES = [
    ["Nothing in common", { shared: 2.5, turned: 0, between: 90 }],
    ["The same said", { shared: 2.5, turned: 77, between: 0 }],
    ["Nothing shared by all", { shared: 0, turned: 0, between: 60 }],
  ];

  const along = (degrees, length = 1) =>
    [Math.cos, Math.sin].map((part) => length * part((degrees * Math.PI) / 180));
  const add = (a, b) => a.map((value, i) => value + b[i]);
  const cosine = (a, b) => Math.abs(a[0] * b[0] + a[1] * b[1]) / (Math.hypot(...a) * Math.hypot(...b) || 1);

  // Common parts upwards, the second one turned; own parts of length 1, ↦ both answers.
  function answers({ shared, turned, between }) {
    const common = [along(90, shared), along(90 + turned, shared)];
    const own = [along(0), along(between)];
    const whole = common.map((part, i) => add(part, own[i]));
    return { common, own, whole, cos: cosine(...whole), left: cosine(...own) };
  }

  const at = ([x, y]) => [X + UNIT * x, Y - UNIT * y];

  function arrow(name) {
    const line = make("line", { class: "live-shaft" });
    const tip = make("polygon", { class: "live-tip", points: "0,0 -12,-6 -12,6" });
    const box = make("g", { class: name }, line, tip);
    const draw = (from, to) => {
      const [[x1, y1], [x2, y2]] = [at(from), at(to)];
      set(line, { x1, y1, x2, y2 });
      set(tip, { transform: `translate(${x2} ${y2}) rotate(${(Math.atan2(y2 - y1, x2 - x1) * 180) / Math.PI})` });
    };
    return { box, draw };
  }

  function meaning({ cos, left }) {
    if (left < 0.2 && cos > 0.5) return "They share only what all images share, and the cosine calls them alike.";
    if (left > 0.8 && cos < 0.2) return "They say the same of this image, and the cosine calls them unrelated.";
    if (Math.abs(cos - left) < 0.1) return "Here the cosine says what it should.";
    return "The cosine speaks of the shared part as well.";
  }

  function begin(figure) {
    const state = { ...SCENES[0][1] };
    const said = parts.speaker();
    const rings = NAMES.map((_, i) => make("circle", { class: `live-ring live-side-${i}`, r: UNIT }));
    const shared = NAMES.map((_, i) => make("path", { class: `live-shared live-side-${i}` }));
    const dots = NAMES.map((_, i) => make("circle", { class: `live-dot live-side-${i}`, r: 4.5 }));
    const arrows = NAMES.map((_, i) => arrow(`live-arrow live-side-${i}`));
    const handle = make("circle", { class: "live-handle", r: 22 });
    const drawing = make("svg", { viewBox: "0 0 320 222", role: "img" },
      ...rings, ...arrows.map((a) => a.box), ...shared, ...dots, handle);

    const update = parts.eachFrame(() => {
      const out = answers(state);
      out.whole.forEach((whole, i) => {
        const [cx, cy] = at(out.common[i]);
        set(rings[i], { cx, cy });
        set(dots[i], { cx, cy });
        set(shared[i], { d: `M${X} ${Y}L${cx} ${cy}L${at(whole)}` });
        arrows[i].draw([0, 0], whole);
      });
      const [cx, cy] = at(out.whole[1]);
      set(handle, { cx, cy });
      scenes.show(SCENES.map(([name]) => name), SCENES.findIndex(([, scene]) => Object.keys(scene).every((k) => scene[k] === state[k])));
      bars[0].draw(out.cos);
      bars[1].draw(out.left);
      const text = `|cos| of the two answers: ${signed(out.cos)}. Of their own parts, without what all images share: ${signed(out.left)}. ${meaning(out)}`;
      set(drawing, { "aria-label": text });
      said.say(text);
    });
    parts.drag(drawing, handle, ([x, y]) => {
      const [cx, cy] = at(answers(state).common[1]);
      const degrees = Math.round((Math.atan2(cy - y, x - cx) * 180) / Math.PI);
      state.between = degrees < -90 ? 180 : Math.min(Math.max(degrees, 0), 180);
      sliders.between.move(state.between);
      update();
    });
    const slider = (key, label, max, step, words) => parts.slider({
      ...{ label, min: 0, max, step, value: state[key], words },
      changed: (value) => {
        state[key] = value;
        update();
      },
    });
    const sliders = {
      shared: slider("shared", "shared part", 3, 0.1, (v) => signed(v, 1)),
      turned: slider("turned", "turned, for h_endo", 90, 1, (v) => `${v}°`),
      between: slider("between", "between own parts", 180, 1, (v) => `${v}°`),
    };
    const scenes = parts.choice("For example", (i) => {
      Object.assign(state, SCENES[i][1]);
      Object.entries(sliders).forEach(([key, own]) => own.move(state[key]));
      update();
    });
    const bars = ["|cos| of the answers", "of their own parts"].map((label) => {
      const fill = make("i", { class: "live-fill" });
      const value = make("span", { class: "live-value" });
      const box = make("div", { class: "live-meter", "aria-hidden": "true" }, label, make("span", {}, fill), value);
      const draw = (share) => {
        fill.style.width = `${100 * share}%`;
        value.textContent = signed(share);
      };
      return { box, draw };
    });
    const key = make("p", { class: "live-legend live-marks" }, ...NAMES.map((name, i) =>
      make("span", {}, make("i", { class: `live-key live-side-${i}` }), ` ${name}`)), make("span", {}, "● where the part that all images share ends, ◌ where the answers lie"));
    parts.start(figure, make("div", { class: "live-side" }, drawing, key),
      make("div", { class: "live-side" }, ...bars.map((b) => b.box),
        parts.group("The arrows", ...Object.values(sliders).map((s) => s.box)), scenes.box), said.box);
    update();
  }

  document.querySelectorAll('[data-live="arrows"]').forEach(begin);
})();
