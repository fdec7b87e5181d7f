// Fit a Gaussian to n numbers, draw n from the fit, again and again: twelve runs in the exact fan.
import { random, stdQuantile } from "./laws.mjs";
import { Figure, format, range } from "./shared.mjs";

export default function (root) {
  const levels = [0.01, 0.1, 0.5, 0.9, 0.99];
  const last = 100;
  // The quantiles change quickly at first, then slowly.
  const places = [...range(0, 10), ...range(12, 20, 2), ...range(25, last, 5)];
  let seed = 1;
  let generation = last;
  let fan;
  let runs;

  const figure = new Figure(root, draw, () => ({
    n: size.value, ddof: ddof(), seed, generation, levels, generations: places, quantiles: fan,
    runs,
  }));
  const size = figure.slider("Samples in a generation, n", { min: 2, max: 60, value: 10 }, renew);
  const divisor = figure.choice("Divisor of the variance", [["1", "n − 1"], ["0", "n"]], renew);
  const axis = figure.choice("Axis", [["log", "logarithmic"], ["", "linear"]],
    () => figure.redraw());
  figure.clock(step, { several: 10, interval: 60 });
  figure.button("New runs", () => {
    seed += 1;
    renew();
  });
  const plot = figure.plot("Standard deviation against generation: simulated runs in a fan of "
    + "exact quantiles", { x: "generation k", y: "standard deviation Σ", height: 320 });
  figure.legend([
    ["exact", "exact median"], ["band inner-band", "exact, 80 % of runs"],
    ["band", "exact, 98 % of runs"], ["simulated", "12 simulated runs"],
  ]);

  function ddof() {
    return Number(divisor.value);
  }

  function renew() {
    fan = undefined;
    figure.redraw();
  }

  function step() {
    generation = generation < last ? generation + 1 : 1;
    return generation < last;
  }

  // A generation multiplies Σ² by a χ² of n − 1 degrees of freedom over the divisor (Cochran).
  function simulate() {
    const source = random(seed);
    const n = size.value;
    return range(1, 12).map(() => {
      let std = 1;
      const grow = () => (std *= Math.sqrt(source.chi2(n - 1) / (n - ddof())));
      return range(0, last).map((k) => k === 0 ? 1 : grow());
    });
  }

  function draw() {
    if (!fan) {
      fan = levels.map((level) => places.map((k) => stdQuantile(level, size.value, k, ddof())));
      runs = simulate();
    }
    const [lowest, highest] = [Math.min(...fan[0]), Math.max(...fan[4])];
    const decades = [Math.floor(Math.log10(lowest)), Math.ceil(Math.log10(highest))];
    plot.axes([0, last], axis.value === "log"
      ? [10 ** decades[0], 10 ** decades[1], "log"]
      : [0, 1.1 * highest]);
    plot.band(places, fan[0], fan[4], "band");
    plot.band(places, fan[1], fan[3], "band inner-band");
    for (const run of runs) plot.line(range(0, generation), run, "simulated thin");
    plot.line(places, fan[2], "exact");
    const middle = runs.map((run) => run[generation]).sort((a, b) => a - b).slice(5, 7);
    figure.say(`Generation ${generation}: the median of Σ is `
      + `${format(stdQuantile(0.5, size.value, generation, ddof()))} exactly, `
      + `${format((middle[0] + middle[1]) / 2)} in these runs (seed ${seed}).`);
  }
}
