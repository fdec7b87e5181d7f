"""Maximum likelihood of regressions, for many data sets at once, each answer with its reason.

A data set has rows x_i with c_i trials and the total s_i of their c_i responses. With η_i = x_iᵀβ,

    f(β) = Σ c_i log(1 + exp η_i) − s_i η_i    (logistic),
    f(β) = Σ c_i exp η_i − s_i η_i             (Poisson)

is minimised. Both have |third derivative| <= second derivative in η, so that the weight of a row
changes at most by the factor exp|Δη|. With gradient g and Hessian H at β, Newton step v = −H⁻¹g,
s = max_i |x_iᵀv|, λ² = gᵀH⁻¹g and ϱ² = max_i x_iᵀH⁻¹x_i this gives

1.  f(β + tv) <= f(β) − λ²t + λ²(exp(st) − st − 1)/s², which is below f(β) for t = 1 if s <= 1.7,
    and for t = log(1 + s)/s always: no search along a step can fail.
2.  f(β + u) >= f(β) − λr + r²(exp(−ϱr) + ϱr − 1)/(ϱr)² for all u of length r = √(uᵀHu). If λϱ < 1,
    this exceeds f(β) for r large, so a minimum b exists. It is unique and, by the like bound
    for the gradient, |x_iᵀ(b − β)| <= −log(1 − λϱ) for every row.
3.  After a full step λϱ is at most exp(a)(exp(a) − 1 − a), with a the λϱ before it.

So a minimum is found when λϱ <= 10⁻⁵, and one more step leaves an error below 10⁻¹⁰ in every η_i.
No such proof can succeed where no unique minimum exists, that is if and only if some direction
b != 0 has x_iᵀb <= 0 where s_i is as small as can be, x_iᵀb >= 0 where it is as large as can be,
and x_iᵀb = 0 elsewhere (Haberman 1974; Albert & Anderson 1984). If an iterate of Newton's method
is such a b, strictly, that settles it. What is left over is examined one by one: the rank of the
rows (b with all x_iᵀb = 0), then a linear program for the other b (Konis 2007). Both work up to
rounding: a failure of b by less than about 10⁻¹² of the size of the columns is none. Where neither
finds a b, the minimum is there and more of Newton's method finds it, up to a step with s <= 10⁻⁹:
weights so unequal that λϱ drowns in rounding do not impair s. Where even this fails, because the
minimum has weights beyond the range of numbers, there is no estimator for our purposes.
"""

import numpy as np
from scipy import linalg, optimize

_STEPS = 40
_PIVOT = 1e-9  # relative: the inverse Hessian has then six digits, plenty for a Newton step
_CAREFUL_STEPS = 300
_ROUNDING = 1e-12


def maximise(x, trials, totals, start, family):
    """Return the coefficients of each data set, NaN where there is no estimator to be found.

    Parameters
    ----------
    x : array, shape (sets, features, rows)
    trials, totals : arrays, shape (sets, rows)
    start : array, shape (sets, features)
    family : {"logistic", "poisson"}
    """
    basis = _basis(x)
    if basis is None:
        coefficients, undecided = _newton(x, trials, totals, start, family)
    else:
        gamma = np.linalg.solve(basis, start.T).T
        gamma, undecided = _newton(basis.T @ x, trials, totals, gamma, family)
        coefficients = gamma @ basis.T
    for one in np.flatnonzero(undecided):  # few, as a rule
        rows = trials[one] > 0
        coefficients[one] = _decide(
            x[one][:, rows].T, trials[one, rows], totals[one, rows], family
        )
    return coefficients


def full_rank(factors):
    """Tell which matrices have independent columns, up to rounding, whatever their units."""
    lengths = np.linalg.norm(factors, axis=1, keepdims=True)
    scaled = factors / np.where(lengths > 0, lengths, 1)
    return np.linalg.matrix_rank(scaled) == factors.shape[2]


def _basis(x):
    """Return a matrix B such that the rows x_iᵀB of all sets together are well conditioned.

    None where they are already. Any regular B would do: β = Bγ, and only rounding depends on it.
    """
    second = np.sum(x @ x.swapaxes(1, 2), axis=0)
    scale = 1 / np.sqrt(np.maximum(np.diagonal(second), 1e-290))
    size, directions = np.linalg.eigh(second * np.outer(scale, scale))
    if size[0] > 1e-6 * size[-1]:
        return None
    return scale[:, None] * directions / np.sqrt(np.maximum(size, 1e-14 * size[-1]))


def _newton(x, trials, totals, start, family):
    """Return coefficients (NaN if certainly there are none), and which sets are undecided."""
    coefficients = np.full(start.shape, np.nan)
    undecided = np.isfinite(totals).all(axis=1)
    active, going = np.arange(len(x)), undecided
    beta, eta = start, _predictors(x, start)
    workspace = np.empty(x.shape)  # fresh memory would cost more than the products
    for _ in range(_STEPS):
        if not going.all():
            active, beta, eta = active[going], beta[going], eta[going]
            x, trials, totals = x[going], trials[going], totals[going]
        if not active.size:
            break
        residual, weight = _derivatives(eta, trials, totals, family)
        gradient = (x @ residual[:, :, None])[:, :, 0]
        weighted = np.multiply(x, weight[:, None], out=workspace[: len(x)])
        inverse, solved = _inverse(weighted @ x.swapaxes(1, 2))
        step = (inverse @ gradient[:, :, None])[:, :, 0]
        change = _predictors(x, step)
        largest = np.abs(change).max(axis=1)
        length = _lengths(eta, change, largest, trials, totals, family)[:, None]
        beta, eta = beta + length * step, eta + length * change

        found, separated = np.zeros((2, len(x)), dtype=bool)
        near = np.flatnonzero(solved & (largest <= 1e-6))
        if near.size:
            decrement = np.maximum(np.sum(gradient[near] * step[near], axis=1), 0)
            rows = x if near.size == len(x) else x[near]
            spread = np.matmul(inverse[near], rows, out=workspace[: near.size])
            spread *= rows
            reach = spread.sum(axis=1).max(axis=1)
            found[near] = decrement * reach <= 1e-10  # (λϱ)²
        far = np.flatnonzero(solved & (largest > 0.5))
        if far.size:
            side = _sides(trials[far], totals[far], family) * eta[far]
            separated[far] = np.where(trials[far] > 0, side, np.inf).min(axis=1) > 1e-6
        coefficients[active[found]] = beta[found]
        undecided[active[found | separated]] = False
        going = solved & ~found & ~separated
    return coefficients, undecided


def _lengths(eta, change, largest, trials, totals, family):
    """Return how much of each Newton step to take: 1, halved while f would not fall.

    Where the theory says that f falls it is not computed: rounding has no say near a minimum.
    """
    lengths = np.ones(len(eta))
    rows = np.flatnonzero(largest > 1.7)
    if not rows.size:
        return lengths
    safe = np.log1p(largest) / np.maximum(largest, 1)
    now = _objective(eta[rows], trials[rows], totals[rows], family)
    while rows.size:
        then = eta[rows] + lengths[rows, None] * change[rows]
        high = ~(_objective(then, trials[rows], totals[rows], family) < now)
        rows, now = rows[high], now[high]
        lengths[rows] = np.maximum(lengths[rows] / 2, safe[rows])
        going = lengths[rows] > safe[rows]
        rows, now = rows[going], now[going]
    return lengths


def _objective(eta, trials, totals, family):
    if family == "poisson":
        with np.errstate(over="ignore", invalid="ignore"):  # then it does not fall
            return np.sum(trials * np.exp(eta) - totals * eta, axis=1)
    loss = np.log1p(np.exp(-np.abs(eta))) * trials
    loss += np.maximum(eta, 0) * (trials - totals) + np.maximum(-eta, 0) * totals
    return loss.sum(axis=1)


def _predictors(x, beta):
    return (beta[:, None] @ x)[:, 0]


def _derivatives(eta, trials, totals, family):
    """Return −∂f/∂η and ∂²f/∂η² by row, without cancellation where they are small."""
    if family == "poisson":
        weight = trials * np.exp(np.minimum(eta, 700))
        return totals - weight, weight
    odds = np.exp(np.minimum(-eta, 700))
    one = 1 / (1 + odds)
    zero = odds * one
    return totals * zero - (trials - totals) * one, trials * one * zero


def _sides(trials, totals, family):
    """Return −1 where the total is as small as can be, 1 where as large as can be, 0 between."""
    largest = totals == trials if family == "logistic" else False
    return np.where(totals == 0, -1.0, np.where(largest, 1.0, 0.0))


def _inverse(matrices):
    """Return inverses of positive definite matrices, and where all pivots were large enough.

    Gauss–Jordan elimination of all matrices at once, after scaling to a unit diagonal: a pivot is
    then the share of a column that the columns before it do not explain.
    """
    diagonal = np.diagonal(matrices, axis1=1, axis2=2)
    enough = diagonal > 1e-290  # or the scale overflows
    solved = np.all(enough, axis=1)
    scale = 1 / np.sqrt(np.where(enough, diagonal, 1))
    scale = scale[:, :, None] * scale[:, None]
    a = (matrices * scale).transpose(1, 2, 0).copy()
    for j in range(len(a)):
        small = ~(a[j, j] > _PIVOT)
        if small.any():
            solved &= ~small
            a[:, :, small] = 0
            a[j, j, small] = 1
        inverse = 1 / a[j, j]
        row, column = a[j] * inverse, a[:, j].copy()
        a -= column[:, None] * row
        a[j], a[:, j] = row, -column * inverse
        a[j, j] = inverse
    return a.transpose(2, 0, 1) * scale, solved


def _decide(x, trials, totals, family):
    """Return the coefficients of one data set that the quick method has left over."""
    rows, features = x.shape
    if rows < features or not full_rank(x[None])[0]:
        return np.nan
    lengths = np.linalg.norm(x, axis=0) / np.sqrt(rows)
    if _is_separated(x / lengths, _sides(trials, totals, family)):
        return np.nan
    q, r = np.linalg.qr(x / lengths)
    gamma = _careful_newton(np.sqrt(rows) * q, trials, totals, family)
    if gamma is None or not _is_stationary(x, np.sqrt(rows) * q @ gamma, trials, totals, family):
        return np.nan
    return linalg.solve_triangular(r, np.sqrt(rows) * gamma) / lengths


def _careful_newton(x, trials, totals, family):
    """Return the coefficients of one data set that has some, None if they are out of reach.

    The QR decomposition of the weighted rows, largest first and with column pivoting, keeps the
    small ones as exact as the large ones (Cox & Higham 1998), which a Hessian does not.
    """
    beta, eta = np.zeros(x.shape[1]), np.zeros(len(x))
    for _ in range(_CAREFUL_STEPS):
        residual, weight = _derivatives(eta, trials, totals, family)
        root = np.sqrt(weight)
        scaled = np.divide(residual, root, out=np.zeros(len(x)), where=root > 0)
        order = np.argsort(-root * np.abs(x).max(axis=1))
        q, r, pivots = linalg.qr((root[:, None] * x)[order], mode="economic", pivoting=True)
        lost = (root == 0) & (residual != 0)
        if np.any(lost) or np.abs(np.diagonal(r)).min() < 1e-140:  # squares underflow
            break
        step = np.empty(len(beta))
        step[pivots] = linalg.solve_triangular(r, q.T @ scaled[order])
        change = x @ step
        largest = np.abs(change).max(keepdims=True)
        length = _lengths(eta[None], change[None], largest, trials[None], totals[None], family)[0]
        beta, eta = beta + length * step, eta + length * change
        if largest[0] <= 1e-9:
            return beta
    return None


def _is_stationary(x, eta, trials, totals, family):
    """Tell whether the gradient vanishes, column by column, against what is summed up in it.

    Columns that were made orthogonal have rounding where the columns themselves have zeros. It
    weighs as much as a row whose weight is as small, and could hold up an escape to infinity.
    """
    residual, weight = _derivatives(eta, trials, totals, family)
    # η is known to the last step, 1e-9, and so is each weight, relatively; totals minus means are
    # known to rounding of the totals. A hundred times both; what is held up misses by all of it.
    return np.all(np.abs(residual @ x) <= (1e-7 * weight + 1e-13 * totals) @ np.abs(x))


def _is_separated(x, sides):
    """Tell whether b != 0 with sides·xb >= 0 exists, and xb = 0 where the side is 0.

    Maximise Σ sides·xb with every term in [0, 1]: the maximum is 0 if there is no such b, and
    otherwise at least 1, since b can be made longer until a term is 1. The solver has tolerances,
    so the b of a yes is looked at again.
    """
    ends, between = sides[:, None] * x, x[sides == 0]
    ends = ends[sides != 0]
    if not ends.size:
        return False
    tolerance = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}
    result = optimize.linprog(
        -ends.sum(axis=0), bounds=(None, None), options=tolerance,
        A_ub=np.vstack([ends, -ends]), b_ub=np.repeat([1.0, 0.0], len(ends)),
        A_eq=between, b_eq=np.zeros(len(between)),
    )  # fmt: skip
    if result.status != 0 or -result.fun < 0.5:
        return False
    values, rounding = x @ result.x, _ROUNDING * (np.abs(x) @ np.abs(result.x))
    return bool(np.all(np.where(sides == 0, -np.abs(values), sides * values) >= -rounding))
