// The phase diagram of growing samples and fading fresh data: point at it and read its fate.
import { phase } from "./laws.mjs";
import { Figure, format, furnish, html, svg } from "./shared.mjs";

export default function (root) {
  const fates = {
    collapse: "The noise adds up without end, and the fresh data are too few to make up for it. "
      + "The error of a share tends to its worst value: a late model is, almost certainly, nearly "
      + "all one symbol.",
    drift: "Both sums are finite. The model comes to rest, but not at the truth: its error has a "
      + "limit between 0 and the worst.",
    consistency: "The pull has no end, and the noise gets small beside it. The error tends to 0: "
      + "the model finds the truth.",
    degeneration: "Noise and pull balance: each generation gets about the same number of fresh "
      + "samples. The model moves about the truth for ever, with an error between 0 and the worst.",
  };
  // Corners of the regions and the places of their names; degeneration is the line between two.
  const regions = {
    collapse: [[[0, 0], [1, 1], [1, 2], [0, 2]], [0.45, 1.35]],
    drift: [[[1, 1], [2, 1], [2, 2], [1, 2]], [1.5, 1.5]],
    consistency: [[[0, 0], [1, 1], [2, 1], [2, 0]], [1.25, 0.45]],
  };
  const steps = 20; // to a unit: on this grid every boundary is hit exactly
  let hovered = null;

  const figure = new Figure(root, draw, () => ({ ...place(), ...law() }));
  const options = { min: 0, max: 2, step: 1 / steps, show: format };
  const redraw = () => figure.redraw();
  const growth = figure.slider("Growth of the samples, s", { ...options, value: 0.5 }, redraw);
  const decay = figure.slider("Decay of the fresh fraction, r", { ...options, value: 1.5 }, redraw);
  const plot = figure.plot("The phase diagram with four fates, and the point that was chosen",
    { x: "growth of the samples, s", y: "decay of the fresh fraction, r", height: 380 });
  const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  furnish(plot.picture.parentNode, {
    class: "explorer-plot explorer-map", tabindex: 0, role: "application",
    "aria-label": "Phase diagram: the arrow keys move the point",
    keydown: (event) => {
      if (!(event.key in moves)) return;
      event.preventDefault();
      const [right, up] = moves[event.key];
      fix({ growth: growth.value + right / steps, decay: decay.value + up / steps });
    },
    pointermove: (event) => hover(under(event)),
    pointerleave: () => hover(null),
    click: (event) => fix(under(event)),
  });

  function place() {
    return hovered ?? { growth: growth.value, decay: decay.value };
  }

  function law() {
    return phase(place().growth, place().decay);
  }

  // A mouse over the diagram shows what is there; a click, the keys and the sliders move the point.
  function hover(point) {
    hovered = point;
    figure.redraw();
  }

  function fix(point) {
    hovered = null;
    growth.value = onGrid(point.growth);
    decay.value = onGrid(point.decay);
    figure.redraw();
  }

  function onGrid(x) {
    return Math.min(2, Math.max(0, Math.round(x * steps) / steps));
  }

  function under(event) {
    const [right, up] = plot.place(event);
    return { growth: onGrid(2 * right), decay: onGrid(2 * up) };
  }

  // The page's own name of a theorem, with its number; without the link that book.js adds to it.
  function title(label) {
    const box = document.getElementById(label)?.querySelector(".admonition-title")?.cloneNode(true);
    box?.querySelector(".headerlink")?.remove();
    return box?.textContent.trim() ?? "the theorem";
  }

  // Degeneration has no area: its name runs along its line, whatever the shape of the plot.
  function nameLine() {
    const [right, down] = [plot.toX(1) - plot.toX(0), plot.toY(1) - plot.toY(0)];
    const angle = Math.atan2(down, right) * 180 / Math.PI;
    plot.words(0.5, 0.5, "degeneration", { class: "name", "text-anchor": "middle", dy: -8,
      transform: `rotate(${angle} ${plot.toX(0.5)} ${plot.toY(0.5)})` });
  }

  function draw() {
    const { growth: s, decay: r } = place();
    const { region, theorem } = law();
    plot.axes([0, 2], [0, 2]);
    for (const [name, [corners, [x, y]]] of Object.entries(regions)) {
      const points = corners.map(([a, b]) => `${plot.toX(a)},${plot.toY(b)}`).join(" ");
      plot.area.append(svg("polygon", { class: `region region-${name}`, points }));
      plot.words(x, y, name, { class: "name", "text-anchor": "middle" });
    }
    plot.line([0, 1], [0, 1], "balance");
    nameLine();
    plot.line([1, 1], [1, 2], "border");
    plot.line([1, 2], [1, 1], "border");
    plot.dots([s], [r], 9, "halo");
    plot.dots([s], [r], 6, "point");
    const sum = (finite) => finite ? "finite" : "infinite";
    figure.say(html("strong", {}, `${region[0].toUpperCase()}${region.slice(1)}`),
      ` at s = ${format(s)}, r = ${format(r)}: the pull is ${sum(r > 1)}, the noise ${sum(s > 1)}. `
      + `${fates[region]} Proved in `, html("a", { href: `#${theorem}` }, title(theorem)), ".");
  }
}
