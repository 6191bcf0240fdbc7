// A drawn face to change, beside one that smiles: whose corners of the mouth are raised?
"use strict";
(() => {
  const { face, parts } = globalThis.thinMini;
  const { make, set, plus } = parts;
  const [SIZE, NEAR] = [96, 0.01]; // pixels, and how near the corners have to come
  const SMILE = { resting_mouth: 0.45, smile: 0.92 }; // of the other one
  const GROUPS = { // what one moves
    "at rest": ["resting_mouth", "resting_brow_tilt", "resting_brow_height", "resting_eyes"],
    head: ["head_width", "jaw", "hairline", "hair_length"],
    eyes: ["eye_distance", "eye_size", "eye_height", "brow_thickness", "brow_height"],
    "nose and mouth": ["nose_length", "nose_width", "mouth_width", "mouth_height", "lips"],
    "colours, age": ["skin", "hair_color", "age", "glasses"],
    expression: null, // all actions
    pose: ["yaw", "roll", "shift_x", "shift_y", "zoom"],
    light: ["light_x", "light_y", "brightness", "background"],
  };

  function picture(about) {
    const canvas = make("canvas", { width: SIZE, height: SIZE, role: "img" });
    const box = make("div", { class: "live-face" }, canvas, make("span", {}, about));
    const draw = (f, stops, words) => {
      const [colors, image] = [face.render(f, stops, SIZE), new ImageData(SIZE, SIZE)];
      for (let i = 0; i < SIZE * SIZE; i++) {
        image.data.set([...colors.subarray(3 * i, 3 * i + 3)].map((c) => Math.round(255 * c)), 4 * i);
        image.data[4 * i + 3] = 255;
      }
      canvas.getContext("2d").putImageData(image, 0, 0);
      set(canvas, { "aria-label": words });
    };
    return { box, draw };
  }

  function begin(figure) {
    const data = parts.numbers(figure, "faces");
    if (!data) return;
    const { traits, actions, nuisances, expressions, people, stops } = data.rows;
    const straight = Object.fromEntries(nuisances.map((name) => [name, 0.5]));
    const still = Object.fromEntries(actions.map((name) => [name, 0]));
    const person = (i) => Object.fromEntries(traits.map((name, k) => [name, people[i][k]]));
    const other = { ...straight, ...still, ...person(1), ...SMILE };
    const own = { ...straight, ...still, ...person(0), resting_mouth: SMILE.resting_mouth };
    const state = { group: "at rest", person: 0 };
    const names = Object.keys(expressions);
    const said = parts.speaker();
    const [yours, theirs] = [picture("your face"), picture("the other one, smiling")];
    theirs.draw(other, stops, `Another person, smiling: the corners of the mouth are raised by ${plus(face.curve(other))}.`);

    const sliders = {};
    const slider = (name) => {
      sliders[name] = parts.slider({
        ...{ label: name.replaceAll("_", " "), min: 0, max: 1, step: 0.01, value: own[name] },
        words: (v) => v.toFixed(2),
        changed: (v) => {
          own[name] = v;
          update();
        },
      });
      return sliders[name].box;
    };
    const boxes = Object.fromEntries(Object.entries(GROUPS).map(([title, of]) =>
      [title, parts.group(title, ...(of ?? actions).map(slider))]));
    const take = (factors) => {
      Object.assign(own, factors);
      Object.keys(factors).forEach((name) => sliders[name]?.move(own[name]));
      update();
    };
    const shown = (name) => actions.every((action) => Math.abs(own[action] - (expressions[name][action] ?? 0)) < 0.005);
    const words = () => {
      const [mine, goal] = [face.curve(own), face.curve(other)];
      const look = names.find(shown);
      const corners = `The corners of your mouth are raised by ${plus(mine)}, the other's by ${plus(goal)}.`;
      if (look !== names[0]) return `Your face shows ${look ?? "an expression of its own"}. ${corners} For the task, take it back to neutral.`;
      if (Math.abs(mine - goal) >= NEAR) return `Your face is neutral. ${corners} Its mouth at rest can raise them.`;
      return `Done. ${corners} At rest your face has the mouth of the other's smile. What is left to tell the two apart: a smile also widens the mouth, reddens the cheeks and draws a fold from nose to mouth.`;
    };
    const update = parts.eachFrame(() => {
      const text = words();
      yours.draw(own, stops, text);
      ofPeople.show(people.map((_, i) => `${i + 1}`), state.person);
      ofLooks.show(names, names.findIndex(shown));
      ofGroups.show(Object.keys(GROUPS), Object.keys(GROUPS).indexOf(state.group));
      Object.entries(boxes).forEach(([title, box]) => (box.hidden = title !== state.group));
      said.say(text);
    });
    const ofPeople = parts.choice("Whose face", (i) => {
      state.person = i;
      take(person(i));
    });
    const ofLooks = parts.choice("What it does", (i) => take({ ...still, ...expressions[names[i]] }));
    const ofGroups = parts.choice("What to move", (i) => {
      state.group = Object.keys(GROUPS)[i];
      update();
    });
    const task = make("p", { class: "live-task" }, "The task: with a neutral expression, give your face the mouth of the other's smile. ",
      make("button", { type: "button", click: () => {
        state.group = "at rest";
        take({ ...still, resting_mouth: SMILE.resting_mouth + (0.13 * SMILE.smile) / 0.24 });
      } }, "Show an answer"));
    parts.start(figure, make("div", { class: "live-side" }, make("div", { class: "live-faces" }, yours.box, theirs.box), task, ofPeople.box),
      make("div", { class: "live-side" }, ofLooks.box, ofGroups.box, ...Object.values(boxes)), said.box);
    update();
  }

  document.querySelectorAll('[data-live="faces"]').forEach(begin);
})();
