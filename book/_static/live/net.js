// The networks of the book in plain JavaScript: a checkpoint, a picture, what each says.
// Shapes and names are those of the library; tests/test_live.py holds both together.
"use strict";
(() => {
  const VERSION = 1; // of the checkpoints, as book/weights.py writes them
  const SIZE = 28;
  const MIDDLE = (SIZE - 1) / 2;

  // Half precision, all 65,536 numbers of it.
  const HALF = Float32Array.from({ length: 65536 }, (_, bits) => {
    const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
    const size = exponent ? (1024 + fraction) * 2 ** (exponent - 25) : fraction * 2 ** -24;
    return bits >> 15 ? -size : size;
  });

  // A safetensors file as base64 ↦ what it says of itself, and its tensors by name.
  function checkpoint(base64) {
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    const start = 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true));
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, start)));
    const about = JSON.parse(header.__metadata__.thin_mini);
    if (about.version !== VERSION) throw new Error(`version ${about.version}`);
    const tensors = {};
    for (const [name, { dtype, shape, data_offsets: at }] of Object.entries(header)) {
      if (name === "__metadata__") continue;
      const own = bytes.slice(start + at[0], start + at[1]).buffer;
      if (dtype === "F16") tensors[name] = new Uint16Array(own);
      else if (dtype === "F32") tensors[name] = new Float32Array(own);
      else continue; // how many batches a batch norm has seen
      if (dtype === "F16") tensors[name] = Float32Array.from(tensors[name], (b) => HALF[b]);
      tensors[name].shape = shape;
    }
    return { about, tensors };
  }

  // Batch norm in evaluation mode, of what has `each` values a channel.
  function normalise(x, t, name, each = 1) {
    const [weight, bias] = [t[`${name}.weight`], t[`${name}.bias`]];
    const [mean, variance] = [t[`${name}.running_mean`], t[`${name}.running_var`]];
    return x.map((value, i) => {
      const c = Math.floor(i / each);
      return ((value - mean[c]) / Math.sqrt(variance[c] + 1e-5)) * weight[c] + bias[c];
    });
  }

  const relu = (x) => x.map((value) => Math.max(value, 0));

  function linear(x, t, name) {
    const [weight, bias] = [t[`${name}.weight`], t[`${name}.bias`]];
    return Float64Array.from(bias, (sum, row) => {
      for (let i = 0, w = row * x.length; i < x.length; i++) sum += weight[w + i] * x[i];
      return sum;
    });
  }

  // 3×3, padded: maps of n×n values ↦ as many maps as the weight has.
  function convolve(x, weight, n) {
    const [out, channels] = weight.shape;
    const y = new Float64Array(out * n * n);
    for (let o = 0; o < out; o++) {
      for (let c = 0; c < channels; c++) {
        for (let k = 0; k < 9; k++) {
          const w = weight[(o * channels + c) * 9 + k];
          const [down, right] = [Math.floor(k / 3) - 1, (k % 3) - 1];
          for (let i = Math.max(0, -down); i < Math.min(n, n - down); i++) {
            const [to, from] = [(o * n + i) * n, (c * n + i + down) * n + right];
            for (let j = Math.max(0, -right); j < Math.min(n, n - right); j++) {
              y[to + j] += w * x[from + j];
            }
          }
        }
      }
    }
    return y;
  }

  // The largest of each 2×2 values: maps of n×n ↦ of n/2×n/2.
  function pool(x, n) {
    const half = n / 2;
    return Float64Array.from({ length: x.length / 4 }, (_, i) => {
      const row = Math.floor(i / half); // of all maps, one below the other
      const at = 2 * row * n + 2 * (i % half);
      return Math.max(x[at], x[at + 1], x[at + n], x[at + n + 1]);
    });
  }

  // ConvEncoder: a picture (784) ↦ h (784).
  function encode(picture, t, prefix) {
    let [x, n] = [picture, SIZE];
    for (const layer of [0, 4]) {
      const name = `${prefix}encoder.layers.`;
      x = convolve(x, t[`${name}${layer}.weight`], n);
      x = relu(pool(normalise(x, t, `${name}${layer + 1}`, n * n), n));
      n /= 2;
    }
    return x;
  }

  // Classifier: a picture ↦ logits.
  function classify(picture, t, prefix = "") {
    const h = linear(encode(picture, t, prefix), t, `${prefix}head.first`);
    return linear(relu(normalise(h, t, `${prefix}head.norm`)), t, `${prefix}head.last`);
  }

  const sigmoid = (z) => 1 / (1 + Math.exp(-z));

  function softmax(z) {
    const most = Math.max(...z);
    const e = Array.from(z, (value) => Math.exp(value - most));
    const sum = e.reduce((a, b) => a + b);
    return e.map((value) => value / sum);
  }

  // Eq. 4: probabilities of going left, level by level ↦ how far each node is reached,
  // the leaves last.
  function reached(left) {
    const mu = [1];
    left.forEach((d, n) => mu.push(mu[n] * d, mu[n] * (1 - d)));
    return mu;
  }

  // Experts: h (784) ↦ the logits of each, (8, 10).
  function experts(h, t) {
    const a = relu(normalise(linear(h, t, "experts.first"), t, "experts.norm"));
    const { "experts.weight": weight, "experts.bias": bias } = t;
    const [n, hidden, classes] = weight.shape;
    return Array.from({ length: n }, (_, l) =>
      Array.from({ length: classes }, (_, k) => {
        let sum = bias[l * classes + k];
        for (let i = 0; i < hidden; i++) {
          sum += a[l * hidden + i] * weight[(l * hidden + i) * classes + k];
        }
        return sum;
      }),
    );
  }

  // THIN: a picture ↦ what each of its parts says.
  function thin(picture, t) {
    const belief = softmax(classify(picture, t, "context."));
    const left = Array.from(normalise(linear(belief, t, "gate.linear"), t, "gate.norm"), sigmoid);
    const reach = reached(left);
    const gate = reach.slice(left.length); // (8,)
    const each = experts(encode(picture, t, ""), t); // Z, (8, 10)
    const mixed = each[0].map((_, k) => gate.reduce((sum, g, l) => sum + g * each[l][k], 0));
    return { belief, degrees: expected(belief), left, reach, gate, each, mixed };
  }

  // The angle to be expected, from the middles of bins from -90 to 90 degrees.
  function expected(belief) {
    const width = 180 / belief.length;
    return belief.reduce((sum, p, bin) => sum + p * (width * (bin + 0.5) - 90), 0);
  }

  // `rotate` of the library: counter-clockwise, smaller where ink would leave the frame.
  function rotate(picture, degrees) {
    const radius = (i) => Math.hypot(Math.floor(i / SIZE) - MIDDLE, (i % SIZE) - MIDDLE);
    const reach = picture.reduce((r, value, i) => (value > 0 ? Math.max(r, radius(i)) : r), 0);
    const shrink = Math.max(1, (reach + 0.5) / MIDDLE);
    const angle = (degrees * Math.PI) / 180;
    const [cos, sin] = [shrink * Math.cos(angle), shrink * Math.sin(angle)];
    const ink = (i, j) => (i >= 0 && j >= 0 && i < SIZE && j < SIZE ? picture[i * SIZE + j] : 0);
    return picture.map((_, at) => {
      const [y, x] = [Math.floor(at / SIZE) - MIDDLE, (at % SIZE) - MIDDLE];
      const [fromX, fromY] = [cos * x - sin * y + MIDDLE, sin * x + cos * y + MIDDLE];
      const [j, i] = [Math.floor(fromX), Math.floor(fromY)];
      const [right, down] = [fromX - j, fromY - i];
      return (
        (1 - down) * ((1 - right) * ink(i, j) + right * ink(i, j + 1)) +
        down * ((1 - right) * ink(i + 1, j) + right * ink(i + 1, j + 1))
      );
    });
  }

  // How far a point is from a stroke.
  function distance(x, y, stroke) {
    let least = Infinity;
    stroke.forEach(([x1, y1], i) => {
      const [x0, y0] = stroke[Math.max(i - 1, 0)];
      const [dx, dy] = [x1 - x0, y1 - y0];
      const along = ((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy || 1);
      const t = Math.min(Math.max(along, 0), 1);
      least = Math.min(least, Math.hypot(x - x0 - t * dx, y - y0 - t * dy));
    });
    return least;
  }

  // Strokes of points (x, y) ↦ a picture as MNIST has them: a digit 20 pixels large, its
  // ink's centre in the middle. Null without strokes.
  function drawn(strokes, thick = 1.35) {
    const points = strokes.flat();
    if (!points.length) return null;
    const [xs, ys] = [0, 1].map((axis) => points.map((point) => point[axis]));
    const [left, top] = [Math.min(...xs), Math.min(...ys)];
    const [width, height] = [Math.max(...xs) - left, Math.max(...ys) - top];
    const scale = (20 - 2 * thick) / Math.max(width, height, 0.2); // a dot stays one
    const fitted = ([x, y], [right, down]) => [
      (x - left - width / 2) * scale + MIDDLE + right,
      (y - top - height / 2) * scale + MIDDLE + down,
    ];
    const paint = (shift) => {
      const own = strokes.map((stroke) => stroke.map((point) => fitted(point, shift)));
      return Float64Array.from({ length: SIZE * SIZE }, (_, at) => {
        const [i, j] = [Math.floor(at / SIZE), at % SIZE];
        const near = Math.min(...own.map((stroke) => distance(j, i, stroke)));
        return Math.min(Math.max(thick + 0.5 - near, 0), 1);
      });
    };
    const first = paint([0, 0]);
    const ink = first.reduce((a, b) => a + b);
    const centre = (of) => first.reduce((sum, value, at) => sum + value * of(at), 0) / ink;
    return paint([MIDDLE - centre((at) => at % SIZE), MIDDLE - centre((at) => Math.floor(at / SIZE))]);
  }

  const net = { checkpoint, classify, thin, rotate, drawn, softmax, sigmoid, reached, SIZE };
  globalThis.thinMini = { ...globalThis.thinMini, net };
})();
