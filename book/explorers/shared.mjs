// What the interactive figures share: elements, controls, plots, a clock. Colours and line styles
// come from classes in explorers.css, so that both themes work. Sizes are in screen pixels: a
// plot is drawn anew when its width changes, and its letters never shrink.

const svgNamespace = new DOMParser().parseFromString("<svg></svg>", "text/html")
  .querySelector("svg").namespaceURI;

// Gives a node attributes, listeners (attributes that are functions) and children.
export function furnish(node, attributes, children = []) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name, value);
    else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

export function html(name, attributes = {}, ...children) {
  return furnish(document.createElement(name), attributes, children);
}

export function svg(name, attributes = {}, ...children) {
  return furnish(document.createElementNS(svgNamespace, name), attributes, children);
}

// The numbers from, from + step, ..., to.
export function range(from, to, step = 1) {
  return Array.from({ length: Math.round((to - from) / step) + 1 }, (_, i) => from + i * step);
}

function power(exponent) {
  const digits = [...String(exponent)].map((c) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[c] ?? "⁻");
  return `10${digits.join("")}`;
}

// A number for readers, with three digits.
export function format(x) {
  if (x === 0 || !Number.isFinite(x)) return String(x).replace("Infinity", "∞");
  const exponent = Math.floor(Math.log10(Math.abs(x)));
  if (exponent < -3 || exponent > 5) {
    return `${(x / 10 ** exponent).toFixed(2)} · ${power(exponent)}`;
  }
  return String(+x.toPrecision(Math.max(3, exponent + 1))).replace("-", "−");
}

// Where to put about `count` marks on an axis, and their words.
function marks([low, high, kind], count) {
  if (kind === "log") {
    const [first, last] = [Math.ceil(Math.log10(low) - 1e-9), Math.floor(Math.log10(high) + 1e-9)];
    const stride = Math.ceil((last - first) / count) || 1;
    return range(0, Math.floor((last - first) / stride)).map((i) => {
      const exponent = last - i * stride;
      const plain = Math.abs(exponent) <= 3;
      return [10 ** exponent, plain ? String(+(10 ** exponent).toFixed(3)) : power(exponent)];
    });
  }
  const rough = (high - low) / count;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = unit * [1, 2, 5, 10].find((factor) => factor * unit >= rough - 1e-12);
  return range(Math.ceil(low / step - 1e-9), Math.floor(high / step + 1e-9)).map((i) => [
    i * step,
    String(+(i * step).toPrecision(6)).replace("-", "−"),
  ]);
}

function scale([low, high, kind], from, to) {
  const position = kind === "log" ? Math.log10 : (value) => value;
  const unit = (to - from) / (position(high) - position(low));
  // Far outside is outside; infinite coordinates would spoil a path.
  return (value) => Math.max(-1e4, Math.min(1e4, from + (position(value) - position(low)) * unit));
}

// A picture with two axes. `axes` starts it anew, the other methods draw into it.
class Plot {
  constructor(parent, label, { x, y, height = 260 }) {
    Object.assign(this, { x, y, height });
    this.picture = svg("svg", { role: "img", "aria-label": label, height });
    parent.append(html("div", { class: "explorer-plot" }, this.picture));
  }

  // Each axis is [low, high] or [low, high, "log"].
  axes(horizontal, vertical) {
    const width = Math.max(200, this.picture.parentNode.clientWidth);
    const [left, top, right, bottom] = [50, 28, width - 14, this.height - 44];
    const text = (words, attributes) => svg("text", attributes, words);
    this.toX = scale(horizontal, 0, right - left);
    this.toY = scale(vertical, bottom - top, 0);
    this.area = svg("svg", { x: left, y: top, width: right - left, height: bottom - top });
    this.picture.setAttribute("width", width);
    this.picture.setAttribute("viewBox", `0 0 ${width} ${this.height}`);
    this.picture.replaceChildren(
      ...marks(horizontal, width < 400 ? 4 : 6).flatMap(([value, words]) => {
        const x = left + this.toX(value);
        return [
          svg("line", { class: "grid", x1: x, x2: x, y1: top, y2: bottom }),
          text(words, { x, y: bottom + 18, "text-anchor": "middle" }),
        ];
      }),
      ...marks(vertical, 5).flatMap(([value, words]) => {
        const y = top + this.toY(value);
        return [
          svg("line", { class: "grid", x1: left, x2: right, y1: y, y2: y }),
          text(words, { x: left - 6, y: y + 4, "text-anchor": "end" }),
        ];
      }),
      this.area,
      svg("path", { class: "axis", d: `M${left},${top}V${bottom}H${right}` }),
      text(this.y, { class: "title", x: 2, y: 15 }),
      text(this.x, { class: "title", x: right, y: this.height - 6, "text-anchor": "end" }),
    );
  }

  // Where an event is between the axes: shares of their lengths, from the lower left corner.
  place({ clientX, clientY }) {
    const box = this.picture.getBoundingClientRect();
    const [left, top, width, height] = ["x", "y", "width", "height"].map(
      (name) => this.area[name].baseVal.value);
    return [(clientX - box.left - left) / width, 1 - (clientY - box.top - top) / height];
  }

  #points(xs, ys) {
    return Array.from(xs, (x, i) => `${this.toX(x).toFixed(1)},${this.toY(ys[i]).toFixed(1)}`);
  }

  line(xs, ys, kind) {
    this.area.append(svg("path", { class: kind, d: `M${this.#points(xs, ys).join("L")}` }));
  }

  band(xs, low, high, kind) {
    const back = this.#points(xs, high).reverse();
    const outline = [...this.#points(xs, low), ...back].join("L");
    this.area.append(svg("path", { class: kind, d: `M${outline}Z` }));
  }

  bars(xs, ys, width, kind) {
    const d = Array.from(xs, (x, i) => {
      const [left, right] = [this.toX(x - width / 2), this.toX(x + width / 2)];
      return `M${left},${this.toY(0)}V${this.toY(ys[i])}H${right}V${this.toY(0)}Z`;
    });
    this.area.append(svg("path", { class: kind, d: d.join("") }));
  }

  dots(xs, ys, radius, kind) {
    this.area.append(...Array.from(xs, (x, i) =>
      svg("circle", { class: kind, cx: this.toX(x), cy: this.toY(ys[i]), r: radius })));
  }

  words(x, y, text, attributes = {}) {
    this.area.append(svg("text", { x: this.toX(x), y: this.toY(y), ...attributes }, text));
  }
}

// The frame of one interactive figure: controls, plots, legend and a summary that is read aloud.
// `draw` draws everything from the present state, `values` returns the numbers that are drawn.
export class Figure {
  #draw;
  #frame = null;
  #running = false;
  #said = 0;
  #ids = 0;

  constructor(root, draw, values) {
    this.#draw = draw;
    this.root = root;
    this.controls = html("div", { class: "explorer-controls" });
    this.plots = html("div", { class: "explorer-plots" });
    this.keys = html("ul", { class: "explorer-legend" });
    this.summary = html("p", { class: "explorer-summary", "aria-live": "polite" });
    root.append(this.controls, this.plots, this.keys, this.summary);
    root.explorer = {
      running: () => this.#running,
      values: () => {
        this.#flush();
        return values();
      },
    };
    // The first call comes as soon as there is a width to draw in.
    new ResizeObserver(() => this.redraw()).observe(this.plots);
  }

  // Ask for a drawing; many requests at once make one.
  redraw() {
    this.#frame ??= requestAnimationFrame(() => this.#flush());
  }

  #flush() {
    if (this.#frame === null) return;
    cancelAnimationFrame(this.#frame);
    this.#frame = null;
    this.#draw();
  }

  // Put the state into words. While the clock runs they change every two seconds only.
  say(...words) {
    if (this.#running && performance.now() - this.#said < 2000) return;
    this.#said = performance.now();
    this.summary.replaceChildren(...words);
  }

  legend(entries) {
    this.keys.replaceChildren(...entries.map(([kind, words]) => {
      const d = kind.includes("band") ? "M1,2H27V12H1Z"
        : kind.includes("dot") ? "M10,7a4,4 0 1 0 8,0a4,4 0 1 0 -8,0Z"
        : "M1,7H27";
      const size = { width: 28, height: 14, "aria-hidden": "true" };
      return html("li", {}, svg("svg", size, svg("path", { class: kind, d })), words);
    }));
  }

  plot(label, options) {
    return new Plot(this.plots, label, options);
  }

  button(words, click) {
    const made = html("button", { type: "button", click }, words);
    this.controls.append(made);
    return made;
  }

  // A slider; `show` puts its value into words. Returns an object with the number `value`.
  slider(words, { min, max, step = 1, value, show = String }, changed) {
    const id = `${this.root.id}-${++this.#ids}`;
    const input = html("input", { type: "range", id, min, max, step, value });
    const shown = html("span", { class: "explorer-value", "aria-hidden": "true" });
    const tell = () => {
      shown.textContent = show(input.valueAsNumber);
      input.setAttribute("aria-valuetext", shown.textContent);
    };
    input.addEventListener("input", () => {
      tell();
      changed();
    });
    tell();
    this.controls.append(html("div", { class: "explorer-slider" },
      html("label", { for: id }, words), shown, input));
    return {
      get value() { return input.valueAsNumber; },
      set value(next) {
        input.value = next;
        tell();
      },
    };
  }

  // Radio buttons for [value, words] pairs, the first one chosen. Returns an object with `value`.
  choice(words, options, changed) {
    const name = `${this.root.id}-${++this.#ids}`;
    const chosen = { value: options[0][0] };
    this.controls.append(html("fieldset", {}, html("legend", {}, words),
      ...options.map(([value, text], i) => {
        const change = () => {
          chosen.value = value;
          changed();
        };
        const input = html("input", { type: "radio", name, change });
        input.checked = i === 0;
        return html("label", {}, input, text);
      })));
    return chosen;
  }

  // Buttons that make steps: one, several, or by themselves until `step` returns false. Nothing
  // moves by itself out of sight, or for readers who prefer no motion: they have no such button.
  clock(step, { several, interval }) {
    const still = matchMedia("(prefers-reduced-motion: reduce)");
    let [seen, pending, due] = [false, false, 0];
    const advance = (count) => {
      for (let going = true; going && count > 0; count--) going = step();
      this.redraw();
    };
    const tick = (now) => {
      pending = false;
      if (this.#running && now >= due) {
        due = now + interval;
        if (!step()) set(false);
        this.redraw();
      }
      wake();
    };
    const wake = () => {
      if (!this.#running || !seen || pending) return;
      pending = true;
      requestAnimationFrame(tick);
    };
    const set = (running) => {
      this.#running = running;
      run.textContent = running ? "Pause" : "Run";
      this.redraw();
      wake();
    };
    const byHand = (count) => () => {
      set(false);
      advance(count);
    };
    const run = this.button("Run", () => set(!this.#running));
    this.button("Step", byHand(1));
    this.button(`${several} steps`, byHand(several));
    const adapt = () => {
      run.hidden = still.matches;
      if (still.matches) set(false);
    };
    still.addEventListener("change", adapt);
    adapt();
    new IntersectionObserver(([entry]) => {
      seen = entry.isIntersecting;
      wake();
    }).observe(this.root);
  }
}
