// The drawn faces of thin_mini/data/faces.py, with its formulas and its names for them.
// tests/test_live_face.py holds both together.
"use strict";
(() => {
  const REACH = 1.12;
  // From the back to the front, and from where to where each part can be, whatever the pose.
  const PARTS = {
    hairBehind: [-2, 2, 2], body: [0.7, 1.4, 2], ears: [-0.25, 0.4, 1],
    head: [-0.85, 0.9, 0.72], cheeks: [0.05, 0.55, 0.8], eyes: [-0.25, 0.1, 0.48],
    brows: [-0.58, -0.1, 0.52], nose: [-0.08, 0.32, 0.22],
    mouth: [0.15, 0.72, 0.4], glasses: [-0.25, 0.1, 0.52],
  };
  const { abs, cos, exp, hypot, max, min, sin, sqrt } = Math;
  const clamp = (value, low, high = Infinity) => min(max(value, low), high);
  const grey = (value) => [value, value, value];
  const times = (color, by) => color.map((c, i) => c * (by[i] ?? by));
  const mix = (one, other, t) => one.map((c, i) => c + t * (other[i] - c));

  // About the distance to an ellipse of half axes a and b around 0.
  function ellipse(x, y, a, b) {
    const shorter = min(a, b);
    return hypot((x * shorter) / a, (y * shorter) / b) - shorter;
  }

  // A colour between the stops of a part.
  function tint(stops, t) {
    const place = t * (stops.length - 1);
    const low = clamp(Math.floor(place), 0, stops.length - 2);
    return mix(stops[low], stops[low + 1], place - low);
  }

  // Where the corners of the mouth are, in units of the face.
  const curve = (f) => 0.24 * (f.resting_mouth - 0.5) - 0.05 * f.upper_lip + 0.13 * (f.smile - f.droop);

  // What each part paints on a point: a colour, a distance and how far it covers, or a
  // colour and an alpha. `o` is where the point lies: u to the right, v down, s = |u|.
  const painters = (f, stops) => {
    const skin = tint(stops.skin, f.skin);
    const dark = times(skin, 0.62);
    const hair = mix(tint(stops.hair, f.hair_color), grey(0.78), 3 * max(f.age - 0.75, 0));
    const [iris, cloth] = [tint(stops.iris, f.hair_color), tint(stops.cloth, f.hair_color)];
    const width = 0.56 + 0.14 * f.head_width;
    const eyeX = 0.22 + 0.10 * f.eye_distance;
    const eyeY = -0.10 + 0.08 * (f.eye_height - 0.5);
    const tip = 0.17 + 0.10 * f.nose_length - 0.03 * f.nose_wrinkle;
    const wing = 0.07 + 0.06 * f.nose_width + 0.02 * f.nose_wrinkle;
    const red = times(skin, [0.86, 0.55, 0.53]);
    const line = (paint, distance, alpha, within = -Infinity) =>
      paint(dark, max(abs(distance) - 0.009, within), alpha);

    return {
      hairBehind({ u, v }, paint) {
        const crown = ellipse(u, v + 0.18, width + 0.13, 0.86);
        const sides = max(abs(u) - (width + 0.09), -0.2 - v);
        paint(times(hair, 0.8), max(min(crown, sides), v - (0.15 + 0.75 * f.hair_length)));
      },
      body({ u, v }, paint) {
        paint(cloth, ellipse(u, v - 1.42, 1.0, 0.48));
        paint(times(skin, 0.82), max(abs(u) - 0.26, v - 1.05, 0.5 - v));
      },
      ears({ u, v }, paint) {
        paint(times(skin, 0.9), ellipse(abs(u) - (width + 0.02), v - 0.06, 0.09, 0.16));
      },
      head({ u, v }, paint) {
        const below = max(v, 0);
        const narrow = width - width * (0.30 - 0.26 * f.jaw) * sqrt(below) * below;
        const along = v / 0.80 + below * (1 / (0.80 + 0.07 * f.open) - 1 / 0.80);
        const skull = (hypot(u / narrow, along) - 1) * width;
        paint(skin, skull);
        const fringe = v - 0.5 * (u - 0.1) ** 2 + 0.62 - 0.30 * f.hairline;
        paint(hair, max(fringe, min(ellipse(u, v + 0.14, width + 0.07, 0.76), skull)));
      },
      cheeks({ s, v }, paint, blend) {
        const [x, y] = [(s - 0.36) / 0.16, (v - (0.30 - 0.05 * f.squint)) / 0.12];
        blend(times(skin, [1.0, 0.72, 0.70]), exp(-x * x - y * y) * (0.20 + 0.20 * f.smile));
      },
      eyes({ s, v }, paint) {
        const wide = 0.10 + 0.05 * f.eye_size;
        const opening = 0.45 + 0.30 * f.resting_eyes + 0.40 * f.wide_eyes - 0.33 * f.squint;
        const high = wide * max(opening, 0.12);
        const [x, y] = [s - eyeX, v - eyeY];
        const eye = ellipse(x, y, wide, high);
        paint(grey(0.97), eye);
        const [radius, ring] = [hypot(x, y), 0.062 + 0.014 * f.eye_size];
        paint(iris, max(eye, radius - ring));
        paint(grey(0.05), max(eye, radius - 0.5 * ring));
        paint(times(dark, 0.5), max(abs(eye) - 0.018, y), 0.9);
        const deep = 0.6 * max(f.age - 0.35, 0) + 0.5 * f.squint;
        line(paint, ellipse(x, y - 0.035, 1.05 * wide, high + 0.03), min(deep, 0.8), 0.02 - y);
      },
      brows({ s, v }, paint) {
        const t = (s - eyeX) / 0.17; // -1 at the inner end, 1 at the outer
        const tilt = 0.10 * (f.resting_brow_tilt - 0.5);
        const lift = 0.06 * (f.brow_height - 0.5) + 0.08 * (f.resting_brow_height - 0.5);
        const inner = 0.11 * f.frown + 0.05 * f.nose_wrinkle - 0.13 * f.inner_brow + tilt;
        const outer = -0.13 * f.outer_brow - 0.02 * f.frown - tilt;
        const middle = eyeY - 0.240 - lift + (inner + outer) / 2;
        const height = (0.035 * t + (outer - inner) / 2) * t + middle;
        const along = t + 0.18 * f.frown; // drawn together
        const thick = 0.022 + 0.028 * f.brow_thickness;
        const brow = abs(height - v) - thick * (1 - 0.35 * clamp(along, -1, 1));
        paint(times(hair, 0.75), max(brow, (abs(along) - 1) * 0.17));
        const furrow = min(0.75 * f.frown + 0.4 * f.nose_wrinkle, 0.8);
        line(paint, s - 0.045, furrow, abs(v - (eyeY - 0.17)) - 0.07);
        const nearer = abs(v + 0.02 * cos(9 * s) + 0.475) - 0.045; // of two lines
        const old = min(1.2 * max(f.age - 0.5, 0) + 0.5 * f.inner_brow * f.outer_brow, 0.6);
        line(paint, nearer, old, s - 0.30);
      },
      nose({ s, v }, paint) {
        paint(times(skin, 0.86), ellipse(s, v - (tip - 0.03), wing, 0.075), 0.5);
        paint(times(dark, 0.8), ellipse(s - 0.55 * wing, v - (tip + 0.005), 0.030, 0.018));
        const bridge = s - 0.10 * max(v + 0.1, 0) - 0.035;
        line(paint, bridge, 0.35, abs(v - (tip / 2 - 0.04)) - 0.11);
        const crease = v - 0.05 * abs(sin(20 * (s - 0.05))) - 0.02;
        line(paint, crease, 0.7 * f.nose_wrinkle, s - 0.085);
      },
      mouth({ s, v }, paint) {
        const reach = 0.15 + 0.07 * f.mouth_width + 0.05 * f.smile + 0.08 * f.stretch
          - 0.03 * f.open * (1 - f.smile) - 0.015 * f.press;
        const height = 0.44 + 0.05 * (f.mouth_height - 0.5) + 0.02 * f.open;
        const w = s / reach; // 0 in the middle, 1 at the corners
        const bow = max(1 - w * w, 0);
        const middle = height + curve(f) * (0.4 - min(w, 1.2) ** 2);
        const half = sqrt(bow) * (0.008 + (0.135 + 0.03 * f.stretch) * f.open);
        const lip = bow * (0.022 + 0.030 * f.lips) * (1 - 0.75 * f.press);
        const [above, below] = [middle - v - half, v - middle - half]; // what is open
        const ends = s - reach;
        paint(red, max(above - 0.9 * lip - 0.02 * f.upper_lip, below - 1.25 * lip, ends));
        const gap = max(above, below, ends);
        paint(times(red, 0.30), gap);
        const teeth = -(above + 0.06 + 0.03 * f.stretch);
        paint(grey(0.95), max(gap, teeth) + 0.012, min(4 * f.open, 1));
        const fold = s - 0.55 * max(v - tip, 0) - (wing + 0.05);
        const deep = min(0.6 * f.smile + 0.7 * f.upper_lip + 0.6 * max(f.age - 0.4, 0), 0.42);
        line(paint, fold, deep, abs(v - ((tip + height) / 2 + 0.02)) - 0.10);
      },
      glasses({ s, v }, paint) {
        const rim = abs(ellipse(s - eyeX, v - (eyeY + 0.01), 0.19, 0.155)) - 0.016;
        const bridge = max(abs(v - eyeY) - 0.014, s - (eyeX - 0.18));
        paint(grey(0.12), min(rim, bridge), clamp(20 * (f.glasses - 0.75), 0, 1));
      },
    };
  };

  // Factors by name, 0..1 ↦ red, green and blue of size×size pixels, 0..1, row by row.
  // Nothing stands before the face, and there is no grain.
  function render(f, stops, size) {
    const zoom = 1 / (0.92 + 0.16 * f.zoom);
    const roll = 0.5 * (f.roll - 0.5);
    const steep = (-6 * size) / (2 * REACH * zoom); // edges are one pixel wide
    const turn = 0.22 * (f.yaw - 0.5); // features slide over a head that turns
    const gain = 0.80 + 0.30 * f.brightness;
    const ground = tint(stops.background, f.background);
    const pixel = (v) => Math.trunc(((v / REACH + 1) / 2) * size);
    const within = ([low, high], i) => i >= max(0, pixel(low)) && i < min(size, pixel(high) + 1);
    const drawn = painters(f, stops);
    const parts = Object.entries(PARTS).map(([name, [top, bottom, side]]) =>
      ({ paint: drawn[name], rows: [top - 0.26, bottom + 0.26], columns: [-side - 0.30, side + 0.30] }));
    const image = new Float64Array(3 * size * size);
    for (let row = 0; row < size; row++) {
      const here = parts.filter(({ rows }) => within(rows, row));
      for (let column = 0; column < size; column++) {
        const [across, down] = [column, row].map((i) => ((2 * (i + 0.5)) / size - 1) * REACH);
        const x = (across - 0.12 * (f.shift_x - 0.5)) * zoom;
        const y = (down - 0.12 * (f.shift_y - 0.5) - 0.02) * zoom;
        const [u, v] = [x * cos(roll) + y * sin(roll), y * cos(roll) - x * sin(roll)];
        const at = { u, v, s: abs(u - turn) };
        let color = ground;
        const blend = (other, alpha) => alpha && (color = mix(color, other, alpha));
        // From 1 at -3 to 0 at 3 in a straight line, and flat beyond: antialiased.
        const paint = (other, distance, alpha = 1) =>
          blend(other, clamp((distance * steep + 3) / 6, 0, 1) * alpha);
        for (const { paint: own, columns } of here) {
          if (within(columns, column)) own(at, paint, blend);
        }
        const light = gain * (1 + 0.35 * ((f.light_x - 0.5) * u + (f.light_y - 0.5) * v));
        image.set(times(color, light).map((c) => clamp(c, 0, 1)), 3 * (row * size + column));
      }
    }
    return image;
  }

  globalThis.thinMini = { ...globalThis.thinMini, face: { render, curve } };
})();
