// The empirical measure, with a fresh sample now and then: what it looks like, and how often.
import { excitationPmf, excitationVariance, random } from "./laws.mjs";
import { Figure, format, range } from "./shared.mjs";

export default function (root) {
  const fractions = [0, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1];
  const p = 0.3;
  const edge = -0.5244005127080407; // a standard Gaussian is below it with chance p
  let seed = 1;
  let generation, samples, visits, source, pmf, deviation;

  const figure = new Figure(root, draw, () => ({
    n: size.value, alpha: alpha(), p, seed, generation, pmf, deviation, visits,
    atoms: Object.fromEntries(atoms()),
  }));
  const fraction = figure.slider("Fresh fraction, α",
    { min: 0, max: fractions.length - 1, value: 5, show: (i) => format(fractions[i]) }, restart);
  const size = figure.slider("Samples in a generation, N",
    { min: 10, max: 100, step: 10, value: 50 }, restart);
  figure.clock(step, { several: 100, interval: 30 });
  figure.button("New run", () => {
    seed += 1;
    restart();
  });
  const line = figure.plot("The empirical measure on a line: its atoms with their weights",
    { x: "place x", y: "weight of an atom" });
  const mass = figure.plot("How often the mass of the half line took each value so far, and the "
    + "exact stationary law", { x: "mass of the half line", y: "share of the generations" });
  figure.legend([
    ["simulated", "simulated"], ["band half-band", `half line, ${p} of the source`],
    ["exact-dot", "exact law in the long run"],
  ]);
  restart();

  function alpha() {
    return fractions[fraction.value];
  }

  function restart() {
    const n = size.value;
    generation = 0;
    source = random(seed);
    samples = range(1, n).map(() => source.normal());
    visits = Array(n + 1).fill(0);
    pmf = Array.from(excitationPmf(p, n, alpha()));
    deviation = Math.sqrt(excitationVariance(p, n, alpha()));
    figure.redraw();
  }

  function step() {
    samples = samples.map(() => source.uniform() < alpha()
      ? source.normal()
      : samples[source.integer(samples.length)]);
    visits[below()] += 1;
    generation += 1;
    return true;
  }

  function below() {
    return samples.filter((x) => x <= edge).length;
  }

  // The different values and their weights.
  function atoms() {
    const weights = new Map();
    for (const x of samples) weights.set(x, (weights.get(x) ?? 0) + 1 / samples.length);
    return weights;
  }

  function draw() {
    const n = size.value;
    const weights = atoms();
    const largest = Math.max(...weights.values());
    line.axes([-3.5, 3.5], [0, 1.06 * (largest > 0.5 ? 1 : largest > 0.2 ? 0.5 : 0.2)]);
    line.band([-3.5, edge], [0, 0], [2, 2], "band half-band");
    line.bars([...weights.keys()], [...weights.values()], 0.03, "simulated-bar");
    line.dots([...weights.keys()], [...weights.values()], 3, "simulated-dot");
    const shares = visits.map((count) => count / Math.max(1, generation));
    const places = range(0, n).map((count) => count / n);
    const seen = generation > 200 ? Math.max(...shares) : 0; // few generations make high bars
    mass.axes([-0.02, 1.02], [0, 1.15 * Math.max(seen, ...pmf)]);
    mass.bars(places, shares, 0.8 / n, "simulated-bar");
    mass.dots(places, pmf, 2.3, "exact-dot");
    const end = alpha() === 0
      ? "Without fresh samples a single atom is left in the end, on the half line with chance "
        + `${p}: collapse.`
      : `In the long run the mass has mean ${p} and standard deviation ${format(deviation)}, `
        + "exactly.";
    const kinds = weights.size === 1 ? "one atom" : `${weights.size} different atoms`;
    figure.say(`Generation ${generation}: ${kinds}, the largest of weight `
      + `${format(largest)}; the half line has mass ${format(below() / n)}. ${end} `
      + `(Seed ${seed}.)`);
  }
}
