// The map: task labels × exogenous labels × data × rival; who wins, and how sure it is.
"use strict";
(() => {
  const { parts, stats } = globalThis.thinMini;
  const { make, set, give, plus } = parts;
  const [BASE, TRUTH, FEW, TIP] = ["Baseline", "the truth", 10, 4]; // TIP: points of full colour
  const SURE = { 1: "above it by the interval", 0: "not to be told from it", "-1": "below it by the interval" };

  const unique = (rows, key) => [...new Set(rows.map((row) => row[key]))];
  const many = (n) => n.toLocaleString("en");

  // The rows of a cell: those of its exogenous labels, and those that need none.
  const inCell = (rows, { labels, exo }) =>
    rows.filter((row) => row.labels === labels && (row.exo === null || row.exo === exo));

  // Each row's difference from the baseline beside it, the highest first.
  function ranked(rows) {
    const base = rows.find((row) => row.name === BASE);
    if (!base) return [];
    return rows
      .map((row) => ({ ...row, gain: row === base ? { mean: 0, half: 0 } : stats.interval(stats.paired(row.values, base.values)) }))
      .filter((row) => row.gain)
      .sort((a, b) => b.gain.mean - a.gain.mean);
  }

  // Who is highest of those that are not told the truth, and how many may be as high.
  function winner(all) {
    const fair = all.filter((row) => row.uses !== TRUTH);
    const [best, ...others] = fair;
    const alike = others.filter((row) => {
      const less = stats.interval(stats.paired(best.values, row.values));
      return !less || stats.sure(less) < 1;
    });
    return { best, alike, of: fair.length };
  }

  function told({ best, alike, of }) {
    const lead = `Highest of the ${of} that are not told the truth: ${best.name}`;
    if (best.name === BASE) return `${lead} itself. ${alike.length} of the others cannot be told from it.`;
    const rest = alike.length === of - 1 ? "no other" : `${of - 1 - alike.length} of the others`;
    return `${lead}, ${give(best.gain.mean, best.gain.half, 2, plus)}; it is above ${rest} by the paired interval.`;
  }

  // The cells as a table of buttons: the chosen rival's gain in each.
  function grid(choose) {
    const table = make("table", { class: "live-map" });
    const draw = (rows, state) => {
      const across = unique(rows, "labels").sort((a, b) => a - b);
      const exos = unique(rows, "exo").filter((n) => n !== null).sort((a, b) => b - a);
      const down = exos.length ? exos : [null];
      const focused = table.contains(document.activeElement);
      const head = make("tr", {}, make("td", {}), ...across.map((n) => make("th", { scope: "col" }, many(n))));
      const body = down.map((exo) => make("tr", {}, make("th", { scope: "row" }, exo ? many(exo) : ""), ...across.map((labels) => {
        const own = ranked(inCell(rows, { labels, exo })).find((row) => row.name === state.name);
        if (!own) return make("td", {}, make("span", { class: "live-nothing" }, "·"));
        const { mean, half } = own.gain;
        const where = `${many(labels)} task labels${exo ? `, ${many(exo)} exogenous` : ""}`;
        const chosen = labels === state.labels && exo === state.exo;
        const button = make("button", { type: "button", "aria-pressed": chosen, "aria-label": `${where}: ${give(mean, half, 2, plus)} points`, click: () => choose({ labels, exo }) },
          make("span", { class: stats.sure(own.gain) ? "is-sure" : "" }, plus(mean, 1)));
        button.style.setProperty("--tint", mean > 0 ? "var(--ours)" : "var(--bad)");
        button.style.setProperty("--much", `${Math.round(45 * Math.min(Math.abs(mean) / TIP, 1))}%`);
        return make("td", {}, button);
      })));
      table.replaceChildren(make("caption", {}, "task labels across, exogenous labels down"), make("tbody", {}, head, ...body));
      if (focused) table.querySelector('[aria-pressed="true"]')?.focus();
    };
    return { table, draw };
  }

  // The rows of a cell with their intervals, each a button that chooses it for the map.
  function ranking(choose) {
    const list = make("div", { class: "live-group", role: "group", "aria-label": "Rivals in this cell" });
    const bar = ({ gain: { mean, half } }, x) => make("svg", { viewBox: "0 0 120 20", "aria-hidden": "true" },
      make("line", { class: "live-axis", x1: x(0), x2: x(0), y1: 0, y2: 20 }),
      make("line", { class: "live-range", x1: x(mean - half), x2: x(mean + half), y1: 10, y2: 10 }),
      make("circle", { class: "live-mean", r: 4.5, cx: x(mean), cy: 10 }));
    const draw = (all, state) => {
      const shown = state.all ? all : all.filter((row, i) => i < FEW || row.name === state.name || row.name === BASE);
      const low = Math.min(0, ...shown.map(({ gain }) => gain.mean - gain.half));
      const high = Math.max(0.1, ...shown.map(({ gain }) => gain.mean + gain.half));
      const x = (value) => 5 + (110 * (value - low)) / (high - low);
      const focused = list.contains(document.activeElement);
      const rows = shown.map((row) => make("button", { type: "button", class: "live-rival", "aria-pressed": row.name === state.name, click: () => choose({ name: row.name }) },
        make("span", {}, row.name, row.uses === TRUTH ? make("small", {}, " told the truth") : ""), bar(row, x),
        make("span", { class: `live-value ${stats.sure(row.gain) ? "is-sure" : ""}` }, row.name === BASE ? "0" : give(row.gain.mean, row.gain.half, 2, plus))));
      const rest = all.length - shown.length;
      const more = rest || state.all ? [make("button", { type: "button", click: () => choose({ all: !state.all }) }, rest ? `Show ${rest} more` : "Show fewer")] : [];
      list.replaceChildren(...rows, ...more);
      if (focused) (list.querySelector('[aria-pressed="true"]') ?? list.firstChild)?.focus();
    };
    return { list, draw };
  }

  function begin(figure) {
    const data = parts.numbers(figure, "map");
    if (!data) return;
    const places = unique(data.rows, "place");
    const state = { place: places[0], name: "THIN", labels: 1000, exo: 60000, all: false };
    const said = parts.speaker();
    const change = (what) => {
      Object.assign(state, what);
      update();
    };
    const ofPlaces = parts.choice("Data and training", (i) => change({ place: places[i], all: false }));
    const cells = grid(change);
    const rivals = ranking(change);
    const update = parts.eachFrame(() => {
      const rows = data.rows.filter((row) => row.place === state.place);
      if (!rows.some((row) => row.name === state.name)) state.name = BASE;
      const near = (key, value) => unique(rows, key).filter((n) => n !== null)
        .sort((a, b) => Math.abs(Math.log(a / value)) - Math.abs(Math.log(b / value)))[0] ?? null;
      state.labels = near("labels", state.labels);
      const exos = unique(rows.filter((row) => row.labels === state.labels), "exo").filter((n) => n !== null);
      if (!exos.includes(state.exo)) state.exo = exos.length ? Math.max(...exos.filter((n) => n <= 60000), Math.min(...exos)) : null;
      const all = ranked(inCell(rows, state));
      ofPlaces.show(places, places.indexOf(state.place));
      cells.draw(rows, state);
      rivals.draw(all, state);
      const where = `${state.place}, ${many(state.labels)} task labels${state.exo ? `, ${many(state.exo)} exogenous` : ""}.`;
      const own = all.find((row) => row.name === state.name);
      const base = all.find((row) => row.name === BASE);
      const level = base ? `The baseline has ${stats.mean(base.values.filter((v) => v !== null)).toFixed(2)}\u00a0%.` : "";
      const about = !own || own === base ? "" : `${own.name}: ${give(own.gain.mean, own.gain.half, 2, plus)} points, ${SURE[stats.sure(own.gain)]}.${own.sees ? ` Its gate sees: ${own.sees}.` : ""}`;
      said.say([where, level, about, all.length ? told(winner(all)) : ""].filter(Boolean).join(" "));
    });
    parts.start(figure, make("div", { class: "live-side" }, ofPlaces.box, cells.table,
      make("p", { class: "live-legend live-marks" }, "points of the chosen rival above the baseline; bold where the interval leaves 0 out")),
    make("div", { class: "live-side" }, rivals.list), said.box);
    update();
  }

  document.querySelectorAll('[data-live="map"]').forEach(begin);
})();
