// Samples that grow like a power: eight walks, their exact error, and the sum that decides.
import { noiseSum, random, sampleSizes } from "./laws.mjs";
import { Figure, format, range } from "./shared.mjs";

export default function (root) {
  const last = 300;
  const far = 10000;
  const walks = 8;
  let seed = 1;
  let sums, error, limit, runs;

  const figure = new Figure(root, draw, () => ({
    n: size.value, exponent: exponent.value, seed, sums: sums.slice(0, last + 1), error, limit,
    runs,
  }));
  const exponent = figure.slider("Exponent of growth, s",
    { min: 0, max: 2, step: 0.05, value: 0.5, show: format }, renew);
  const size = figure.slider("Real data, n", { min: 5, max: 100, step: 5, value: 20 }, renew);
  figure.button("New runs", () => {
    seed += 1;
    renew();
  });
  const walk = figure.plot("Error of the estimate against generation: simulated walks between plus "
    + "and minus the exact root mean square error",
    { x: "generation T", y: "estimate − truth, in σ" });
  const sum = figure.plot("The sum of the noise against the number of generations",
    { x: "generation T", y: "S, the sum of the noise" });
  figure.legend([
    ["exact", "exact: ± root mean square error, S"], ["simulated", `${walks} simulated walks`],
    ["limit", "limit of S, if there is one"],
  ]);

  function renew() {
    sums = undefined;
    figure.redraw();
  }

  // S with infinitely many terms: the first ones, and the rest by its integral.
  function total() {
    const s = exponent.value;
    if (s <= 1) return Infinity;
    return sums[far] + far ** (1 - s) / (s - 1) + far ** -s / 2;
  }

  function simulate() {
    const source = random(seed);
    const sizes = sampleSizes(size.value, exponent.value, last);
    return range(1, walks).map(() => {
      const places = [0];
      sizes.forEach((size, t) => places.push(places[t] + source.normal() / Math.sqrt(size)));
      return places;
    });
  }

  function inWords() {
    const s = exponent.value;
    if (s > 1) {
      return `S tends to ${format(limit)}: the error stays below `
        + `${format(Math.sqrt(limit / size.value))} σ for ever, the smaller the more real data. `
        + "No collapse.";
    }
    const power = `a multiple of T to the power ${format(1 - s)}`;
    const like = s === 1 ? "the logarithm of T" : s === 0 ? "T" : power;
    return `S grows without limit, like ${like}: the walk leaves every neighbourhood of the truth, `
      + "however much real data there is. Collapse.";
  }

  function draw() {
    const T = range(0, last);
    if (!sums) {
      sums = noiseSum(size.value, exponent.value, far);
      error = T.map((t) => Math.sqrt(sums[t] / size.value));
      limit = total();
      runs = simulate();
    }
    const width = 2.5 * error[last];
    walk.axes([0, last], [-width, width]);
    for (const run of runs) walk.line(T, run, "simulated thin");
    walk.line(T, error, "exact");
    walk.line(T, error.map((x) => -x), "exact");
    const logarithmic = range(0, 120).map((i) => Math.round(far ** (i / 120)));
    const highest = 10 ** Math.ceil(Math.log10(1.1 * Math.min(limit, sums[far])));
    sum.axes([1, far, "log"], [1, highest, "log"]);
    if (limit < Infinity) sum.line([1, far], [limit, limit], "limit");
    sum.line(logarithmic, logarithmic.map((t) => sums[t]), "exact");
    figure.say(`After ${last} generations S is ${format(sums[last])} and the error `
      + `${format(error[last])} σ. ${inWords()} (Seed ${seed}.)`);
  }
}
