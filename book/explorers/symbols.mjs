// Ten symbols, resampled: choose one and watch it among the others, and in two hundred more runs.
import { random, symbolSurvival } from "./laws.mjs";
import { Figure, format, html, range } from "./shared.mjs";

export default function (root) {
  const letters = [..."ABCDEFGHIJ"];
  const shares = [20, 12, 8, 6, 4, 3, 3, 2, 1, 1]; // of 60
  const last = 150;
  const background = 200;
  let seed = 1;
  let chosen = 3;
  let generation, counts, lost, source;
  let survival, alive;

  const figure = new Figure(root, draw, () => ({
    n: size.value, seed, generation, symbol: letters[chosen], first: first(chosen), counts,
    survival, alive,
  }));
  const size = figure.slider("Symbols drawn in a generation, n",
    { min: 60, max: 180, step: 60, value: 60 }, restart);
  figure.clock(step, { several: 10, interval: 120 });
  figure.button("New run", () => {
    seed += 1;
    restart();
  });
  const bars = letters.map((letter, i) => html("button", { type: "button", click: () => choose(i) },
    html("span", { class: "explorer-count" }), html("span", { class: "explorer-bar" }), letter));
  figure.plots.append(html("div", {
    class: "explorer-plot explorer-bars", role: "group",
    "aria-label": "The symbols and their counts; choose one",
  }, ...bars));
  const plot = figure.plot("Chance that the chosen symbol is still there, against generation: "
    + "exact, and as a share of simulated runs",
    { x: "generation k", y: "chance to be still there" });
  figure.legend([
    ["exact", "exact"], ["simulated", `share of ${background} runs`], ["moment", "now"],
  ]);
  restart();

  function first(symbol) {
    return shares[symbol] * size.value / 60;
  }

  function restart() {
    generation = 0;
    counts = letters.map((_, i) => first(i));
    lost = {};
    source = random(seed);
    choose(chosen);
  }

  function choose(symbol) {
    chosen = symbol;
    survival = undefined;
    figure.redraw();
  }

  // Draw n symbols from the last n.
  function step() {
    if (generation === last) return false;
    const text = counts.flatMap((count, i) => Array(count).fill(i));
    counts = counts.map(() => 0);
    text.forEach(() => counts[text[source.integer(text.length)]]++);
    generation += 1;
    counts.forEach((count, i) => {
      if (count === 0) lost[i] ??= generation;
    });
    return generation < last;
  }

  // The share of the runs that still have the symbol; its count alone is a binomial chain.
  function simulate() {
    const other = random(1000 * seed + chosen);
    const kept = Array(last + 1).fill(0);
    for (let run = 0; run < background; run++) {
      let count = first(chosen);
      for (let k = 0; k <= last && count > 0; k++) {
        kept[k] += 1 / background;
        count = other.binomial(size.value, count / size.value);
      }
    }
    return kept;
  }

  function draw() {
    if (!survival) {
      survival = symbolSurvival(first(chosen), size.value, last);
      alive = simulate();
    }
    const most = Math.max(size.value / 2, ...counts);
    bars.forEach((bar, i) => {
      const [count, column] = bar.children;
      count.textContent = counts[i];
      column.style.height = `${counts[i] / most * 9}rem`;
      column.hidden = counts[i] === 0;
      bar.setAttribute("aria-pressed", i === chosen);
      const fate = lost[i] ? `lost in generation ${lost[i]}` : `count ${counts[i]}`;
      bar.setAttribute("aria-label", `Symbol ${letters[i]}, ${fate}`);
    });
    plot.axes([0, last], [0, 1]);
    const k = range(0, last);
    plot.line([generation, generation], [0, 1], "moment");
    plot.line(k, alive, "simulated");
    plot.line(k, survival, "exact");
    const left = counts.filter((count) => count > 0).length;
    const fate = lost[chosen]
      ? `was lost in generation ${lost[chosen]}`
      : `has count ${counts[chosen]}`;
    figure.say(`Generation ${generation}: ${left} of ${letters.length} symbols are left. `
      + `${letters[chosen]} ${fate}. A symbol with first count ${first(chosen)} lasts as long as `
      + `this with chance ${format(survival[generation])} exactly, and in `
      + `${Math.round(alive[generation] * background)} of ${background} runs (seed ${seed}).`);
  }
}
