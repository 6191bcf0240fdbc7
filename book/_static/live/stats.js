// Repeated runs: their mean, its interval and a verdict, as the library has them.
// tests/test_live_numbers.py holds both together.
"use strict";
(() => {
  const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;

  // P(|T| ≤ t) of Student's t, by the finite series that there is for whole numbers of
  // degrees of freedom (Abramowitz and Stegun 26.7.3 and 26.7.4).
  function within(t, freedom) {
    const angle = Math.atan(t / Math.sqrt(freedom));
    const square = Math.cos(angle) ** 2;
    const odd = freedom % 2;
    let [term, sum] = odd ? [Math.cos(angle), 0] : [1, 0];
    for (let k = odd + 2; k <= freedom; k += 2) {
      sum += term;
      term *= (square * (k - 1)) / k;
    }
    return odd ? (2 / Math.PI) * (angle + Math.sin(angle) * sum) : Math.sin(angle) * sum;
  }

  // How many standard errors an interval of some level has to either side.
  function quantile(level, freedom) {
    let [low, high] = [0, 1];
    while (within(high, freedom) < level) high *= 2;
    for (let k = 0; k < 60; k++) {
      const middle = (low + high) / 2;
      if (within(middle, freedom) < level) low = middle;
      else high = middle;
    }
    return high;
  }

  // `mean_interval`: mean and half the width of its interval; null of fewer than two.
  function interval(values, level = 0.95) {
    if (values.length < 2) return null;
    const middle = mean(values);
    const squares = values.reduce((sum, value) => sum + (value - middle) ** 2, 0);
    const error = Math.sqrt(squares / (values.length - 1)) / Math.sqrt(values.length);
    return { mean: middle, half: quantile(level, values.length - 1) * error };
  }

  // Differences seed by seed, where both have one; a run that is missing is null.
  const paired = (ours, other) =>
    ours.map((value, i) => value !== null && other[i] != null && [value, other[i]])
      .filter(Boolean).map(([a, b]) => a - b);

  // Whether an interval leaves 0 out: 1 above it, -1 below it, else 0.
  const sure = ({ mean, half }) => (mean - half > 0 ? 1 : mean + half < 0 ? -1 : 0);

  // `judge`: what differences say of a claim, where `smallest` is the least that matters.
  function judge(paper, ours, smallest, { number = true, close = false, reference = null } = {}) {
    let { mean, half } = interval(ours);
    const within = Math.abs(mean) + interval(ours, 0.9).half < smallest;
    let [low, high] = [mean - half, mean + half];
    if (reference !== null && 100 - Math.min(reference, reference + mean) < smallest) return "no room";
    if (close || (number && Math.abs(paper) <= smallest / 10)) {
      if (within) return "reproduced";
      return low > smallest || high < -smallest ? "contradicted" : "inconclusive";
    }
    if (low <= 0 && 0 <= high) return within ? "equivalent" : "inconclusive";
    if (paper < 0) [low, high, mean] = [-high, -low, -mean];
    if (high < 0) return "contradicted";
    return (number ? high >= Math.abs(paper) : mean >= smallest) ? "reproduced" : "weaker";
  }

  const stats = { mean, interval, paired, sure, judge, quantile };
  globalThis.thinMini = { ...globalThis.thinMini, stats };
})();
