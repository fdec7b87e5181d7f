// The exact laws behind the interactive figures, and a seeded source of random numbers.
//
// Every function has a twin in the Python package `collapse`, named beside it, with which the
// tests compare it. Arguments are numbers in the stated ranges; nothing is checked here, the
// sliders keep to the ranges.

// ---------------------------------------------------------------- random numbers

// sfc32 by Chris Doty-Humphrey: a different stream for every whole number `seed`.
export function random(seed) {
  let a = seed | 0, b = Math.floor(seed / 2 ** 32) | 0, c = 0, counter = 1;
  const bits = () => {
    const out = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + out) | 0;
    return out >>> 0;
  };
  for (let i = 0; i < 16; i++) bits();

  const g = {
    uniform: () => (bits() + 0.5) / 2 ** 32, // never 0, never 1
    normal: () => Math.sqrt(-2 * Math.log(g.uniform())) * Math.cos(2 * Math.PI * g.uniform()),
    integer: (n) => Math.floor(g.uniform() * n), // 0, ..., n - 1
    // Marsaglia and Tsang's rejection; a shape below 1 is G(shape + 1) U^(1/shape).
    gamma(shape) {
      if (shape < 1) return g.gamma(shape + 1) * g.uniform() ** (1 / shape);
      const d = shape - 1 / 3;
      for (;;) {
        const x = g.normal(), v = (1 + x / Math.sqrt(9 * d)) ** 3;
        if (v > 0 && Math.log(g.uniform()) < x * x / 2 + d * (1 - v + Math.log(v))) return d * v;
      }
    },
    chi2: (dof) => 2 * g.gamma(dof / 2),
    // The number of n uniforms below p. While there are many, one draw of the median of them, a
    // Beta variable, tells on which side of p half of them are.
    binomial(n, p) {
      let count = 0;
      while (n > 40) {
        const rank = 1 + Math.floor(n / 2), low = g.gamma(rank);
        const median = low / (low + g.gamma(n + 1 - rank));
        if (median > p) {
          n = rank - 1;
          p /= median;
        } else {
          count += rank;
          n -= rank;
          p = (p - median) / (1 - median);
        }
      }
      for (; n > 0; n--) if (g.uniform() < p) count++;
      return count;
    },
  };
  return g;
}

// ---------------------------------------------------------------- the refitted Gaussian
//
// Sigma_k^2 is a product of k independent chi2(n - 1)/(n - ddof), so with a = (n - 1)/2
//
//     log Sigma_k^2 = W + k log((n - 1)/(n - ddof)),    W = sum of k log(G/a),  G ~ Gamma(a).

// Pr(Sigma_k > x) for Sigma_0 = 1: collapse.laws.gaussian.std_sf. n >= 2, k >= 0, ddof 0 or 1.
export function stdSurvival(x, n, k, ddof = 1) {
  if (x <= 0) return 1;
  if (k === 0) return x < 1 ? 1 : 0;
  if (x === Infinity) return 0;
  const a = (n - 1) / 2, w = 2 * Math.log(x) - k * divisorShift(n, ddof);
  const upper = w > k * (polygammas(a)[0] - Math.log(a)); // the tail that is the smaller one
  const [log] = logTail(w, a, k, upper);
  return upper ? Math.exp(log) : -Math.expm1(log);
}

// The x with Pr(Sigma_k <= x) = q, 0 <= q <= 1: collapse.laws.gaussian.std_ppf.
// Newton's method on the logarithm of the smaller tail, which is concave.
export function stdQuantile(q, n, k, ddof = 1) {
  if (q <= 0 || q >= 1) return q <= 0 ? 0 : Infinity;
  if (k === 0) return 1;
  const a = (n - 1) / 2, [psi, psi1, psi2] = polygammas(a);
  const deviation = Math.sqrt(k * psi1), upper = q > 0.5;
  const target = upper ? Math.log1p(-q) : Math.log(q);
  // Start: a normal quantile (Tukey's approximation) with a correction for skewness.
  const z = (q ** 0.135 - (1 - q) ** 0.135) / 0.1975, skewness = k * psi2 / deviation ** 3;
  let w = k * (psi - Math.log(a)) + deviation * (z + skewness * (z * z - 1) / 6);
  for (let i = 0; i < 100; i++) {
    const [log, logDensity] = logTail(w, a, k, upper);
    const step = (upper ? log - target : target - log) * Math.exp(log - logDensity);
    w += Math.max(-2 * deviation, Math.min(2 * deviation, step));
    if (Math.abs(step) < 1e-7 * deviation) break; // the error is about the square of the step
  }
  return Math.exp((w + k * divisorShift(n, ddof)) / 2);
}

function divisorShift(n, ddof) {
  return Math.log((n - 1) / (n - ddof));
}

// Logarithms of Pr(W > w), or of Pr(W < w), and of the density of W. With
// K(z) = log E e^{zW} and c on the right, or on the left, of the pole at 0,
//
//     Pr = (1/2 pi) |integral of e^{K(z) - zw}/z along a path through c|.
//
// c is the saddle point of the integrand. The path is a hyperbola with the curvature of steepest
// descent; on it the trapezoid rule converges exponentially, and is refined until it has settled.
function logTail(w, a, k, upper) {
  const c = saddlePoint(w, a, k, upper), shape = a + c;
  if (c > 1e15) return [-k * c, -k * c]; // to leading order, and no float is so small
  const [, psi1, psi2] = polygammas(shape);
  const second = k * psi1 + c ** -2, third = k * psi2 - 2 * c ** -3;
  const bend = 2 * Math.max(0, -third / (6 * second));
  const level = k * logMoment(a, c, 0)[0] - c * w;
  const slope = k * Math.log1p(c / a) - w;
  if (level < -1e4) { // again: Laplace's approximation will do
    const log = level - Math.log(2 * Math.PI * second) / 2;
    return [log - Math.log(Math.abs(c)), log];
  }

  // The path, c + x + it, and the exponent relative to that at c: a law with the shape a + c.
  const place = (t) => {
    const radius = Math.hypot(1, bend * t), x = -bend * t * t / (1 + radius);
    const [re, im] = logMoment(shape, x, t);
    return [x, bend * t / radius, slope * x + k * re, slope * t + k * im];
  };
  let cut = 4 / Math.sqrt(second); // beyond it the integrand is negligible
  while (place(cut)[2] > -36) cut *= 1.3;

  let tail = 0.5, density = 0.5; // sums over the nodes so far; the one at c counts half
  const add = (t) => {
    const [x, turn, log, phase] = place(t), size = Math.exp(log);
    const re = size * (Math.cos(phase) - turn * Math.sin(phase));
    const im = size * (Math.sin(phase) + turn * Math.cos(phase));
    const u = 1 + x / c, v = t / c;
    density += re;
    tail += (re * u + im * v) / (u * u + v * v);
  };
  let nodes = 16, settled = false;
  for (let i = 1; i < nodes; i++) add(cut * i / nodes);
  while (!settled && nodes < 16384) {
    const before = [tail, density];
    for (let i = 0; i < nodes; i++) add(cut * (i + 0.5) / nodes);
    nodes *= 2;
    settled = Math.abs(tail - 2 * before[0]) < 1e-10 * Math.abs(tail) &&
      Math.abs(density - 2 * before[1]) < 1e-10 * Math.abs(density);
  }
  const scale = level + Math.log(cut / (Math.PI * nodes));
  return [scale + Math.log(tail / Math.abs(c)), scale + Math.log(density)];
}

// The c > 0 (upper) or -a < c < 0 at which K'(c) - w - 1/c, increasing on either side, is 0.
function saddlePoint(w, a, k, upper) {
  const excess = (c) => k * (polygammas(a + c)[0] - Math.log(a)) - w - 1 / c;
  let low = upper ? 0 : -a, high = upper ? 1 : 0;
  while (upper && excess(high) < 0) {
    low = high;
    high *= 2;
  }
  for (let i = 0; i < 40; i++) {
    const middle = (low + high) / 2;
    if (excess(middle) < 0) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

// log E (G/a)^z = log Gamma(a + z) - log Gamma(a) - z log a for z = x + iy, as [re, im], im up to
// a multiple of 2 pi; by Stirling's series at 12 or more, with nothing large to cancel.
function logMoment(a, x, y) {
  let re = 0, im = 0, base = a;
  if (Math.min(a, a + x) < 12) { // Gamma(a) = Gamma(a + 12)/(a (a + 1) ... (a + 11)), also at a + z
    base = a + 12;
    let u = 1, v = 0;
    for (let j = 0; j < 12; j++) {
      const p = 1 + x / (a + j), q = y / (a + j);
      [u, v] = [u * p - v * q, u * q + v * p];
    }
    const log = Math.log(base / a);
    re = x * log - Math.log(Math.hypot(u, v));
    im = y * log - Math.atan2(v, u);
  }
  // (base + z - 1/2) log(1 + z/base) - z + the difference of the two series
  const p = x / base, q = y / base;
  const log = Math.log1p(p * (2 + p) + q * q) / 2, angle = Math.atan2(q, 1 + p);
  const [seriesRe, seriesIm] = stirlingSeries(base + x, y);
  re += (base + x - 0.5) * log - y * angle - x + seriesRe - stirlingSeries(base, 0)[0];
  im += (base + x - 0.5) * angle + y * log - y + seriesIm;
  return [re, im];
}

// 1/(12 z) - 1/(360 z^3) + 1/(1260 z^5) - ..., z = x + iy, by Horner's rule in 1/z^2.
function stirlingSeries(x, y) {
  const norm = x * x + y * y, u = x / norm, v = -y / norm; // 1/z
  const p = u * u - v * v, q = 2 * u * v;
  let re = 0, im = 0;
  for (const coefficient of [1 / 1188, -1 / 1680, 1 / 1260, -1 / 360, 1 / 12]) {
    [re, im] = [coefficient + re * p - im * q, re * q + im * p];
  }
  return [re * u - im * v, re * v + im * u];
}

// [psi, psi', psi''] at x > 0: their recurrences up to 12, then their series.
function polygammas(x) {
  let psi = 0, psi1 = 0, psi2 = 0;
  for (; x < 12; x++) {
    const r = 1 / x;
    psi -= r;
    psi1 += r * r;
    psi2 -= 2 * r * r * r;
  }
  const s = 1 / (x * x);
  psi += Math.log(x) - 1 / (2 * x) - s * (1 / 12 - s * (1 / 120 - s * (1 / 252 - s / 240)));
  psi1 += 1 / x + s / 2 + s / x * (1 / 6 - s * (1 / 30 - s * (1 / 42 - s / 30)));
  psi2 -= s + s / x + s * s * (1 / 2 - s * (1 / 6 - s * (1 / 6 - s * 3 / 10)));
  return [psi, psi1, psi2];
}

// ---------------------------------------------------------------- forgetting symbols

// Pr(P_k != 0) for k = 0, ..., K, from P_0 = count/n: collapse.laws.wright_fisher.survival.
// The backward equation s_{k+1}(p) = E s_k(Binomial(n, p)/n), for n of up to a few hundred.
export function symbolSurvival(count, n, K) {
  const steps = Array.from({ length: n + 1 }, (_, i) => likely(binomialLaw(n, i / n, 1 - i / n)));
  const curve = new Float64Array(K + 1);
  let alive = new Float64Array(n + 1).fill(1);
  alive[0] = 0;
  for (let k = 0; ; k++) {
    curve[k] = alive[count];
    if (k === K) return curve;
    alive = alive.map((_, i) => expectation(steps[i], alive));
  }
}

// The part of a law that a sum notices.
function likely(law) {
  const noticed = (chance) => chance > 1e-20, first = law.findIndex(noticed);
  return { first, law: law.slice(first, law.findLastIndex(noticed) + 1) };
}

function expectation({ first, law }, values) {
  let total = 0;
  for (let j = 0; j < law.length; j++) total += law[j] * values[first + j];
  return total;
}

// The law of Binomial(n, p), rest = 1 - p: ratios of neighbours away from the mode, normalised.
function binomialLaw(n, p, rest) {
  const law = new Float64Array(n + 1), mode = Math.min(n, Math.floor((n + 1) * p));
  law[mode] = 1;
  for (let j = mode; j < n; j++) law[j + 1] = law[j] * (n - j) / (j + 1) * (p / rest);
  for (let j = mode; j > 0; j--) law[j - 1] = law[j] * j / (n - j + 1) * (rest / p);
  const total = law.reduce((sum, weight) => sum + weight);
  return law.map((weight) => weight / total);
}

// ---------------------------------------------------------------- schedules

// n_t = n max(t, 1)^exponent, rounded (halves to even), t = 0, ..., T - 1:
// collapse.schedules.power. exponent >= 0.
export function sampleSizes(n, exponent, T) {
  return Float64Array.from({ length: T }, (_, t) => {
    const size = n * Math.max(t, 1) ** exponent, near = Math.round(size);
    return near - size === 0.5 && near % 2 ? near - 1 : near;
  });
}

// S_t = sum of n_0/n_s over s < t, t = 0, ..., T: collapse.laws.random_walk.noise_sum.
export function noiseSum(n, exponent, T) {
  const sums = new Float64Array(T + 1);
  sampleSizes(n, exponent, T).forEach((size, t) => { sums[t + 1] = sums[t] + n / size; });
  return sums;
}

// ---------------------------------------------------------------- persistent excitation
//
// The count of a set of probability p under the source: Binomial(n, alpha p + (1 - alpha) share).

// Stationary probabilities of the counts 0, ..., n: collapse.laws.excitation.stationary_pmf.
// 0 < alpha <= 1; alpha = 0 gives the limit for small alpha, where all is lost or kept.
// States are eliminated one by one without subtractions (Grassmann, Taksar and Heyman 1985), the
// probable ones last, so that nothing overflows.
export function excitationPmf(p, n, alpha) {
  const pmf = new Float64Array(n + 1);
  if (alpha === 0 || p === 0 || p === 1) {
    pmf[0] = 1 - p;
    pmf[n] = p;
    return pmf;
  }
  const order = Array.from(pmf.keys()).sort((i, j) => Math.abs(i - n * p) - Math.abs(j - n * p));
  const steps = order.map((i) => {
    const chance = alpha * p + (1 - alpha) * i / n;
    const law = binomialLaw(n, chance, alpha * (1 - p) + (1 - alpha) * (n - i) / n);
    return Float64Array.from(order, (j) => law[j]);
  });
  for (let k = n; k > 0; k--) {
    let leave = 0; // the chance to leave state k, to those not yet eliminated
    for (let j = 0; j < k; j++) leave += steps[k][j];
    for (let i = 0; i < k; i++) {
      const through = steps[i][k] /= leave;
      for (let j = 0; j < k; j++) steps[i][j] += through * steps[k][j];
    }
  }
  let total = 0;
  for (let k = 0; k <= n; k++) {
    let weight = k === 0 ? 1 : 0;
    for (let i = 0; i < k; i++) weight += pmf[order[i]] * steps[i][k];
    pmf[order[k]] = weight;
    total += weight;
  }
  return pmf.map((weight) => weight / total);
}

// Stationary variance of the share, p (1 - p)/(n - (n - 1)(1 - alpha)^2):
// collapse.laws.excitation.stationary_variance.
export function excitationVariance(p, n, alpha) {
  return p * (1 - p) / (1 + (n - 1) * alpha * (2 - alpha));
}

// ---------------------------------------------------------------- the phase diagram

// Where n_t grows like t^growth, the fresh fraction falls like t^-decay and each model replaces
// the last; decay = Infinity: no fresh data. Numbers that agree to 1e-9 are the same, since a
// slider adds up rounded steps.
export function phase(growth, decay) {
  const [s, r] = [growth, decay].map((x) => Math.round(x * 1e9) / 1e9);
  const region = s > 1 && r > 1 ? "drift"
    : s < r ? "collapse"
    : s === r ? "degeneration"
    : "consistency";
  const label = region === "drift" ? "drift without collapse" : region;
  return { region, label, theorem: "cor-picture-powers" };
}
