"""The upper tail of very many Gaussian replications, block by block: `make tail`.

Prints the simulated tail beside the exact one, throughput and peak memory; with --json FILE the
results are stored. Exit status 1 if the simulation contradicts the law or needs a gibibyte.
"""

import argparse
import json
import os
import platform
import resource
import sys
import time

import numpy as np
from scipy import stats

from collapse import Gaussian, iter_blocks, laws

N, GENERATIONS = 10, 50
LEVELS = laws.gaussian.std_ppf(1 - 10.0 ** -np.arange(1, 9), N, GENERATIONS)  # tails 0.1 ... 1e-8
FALSE_ALARM_RATE = 1e-6


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--replications", type=int, default=10**8)
    parser.add_argument("--n-jobs", type=int, default=-1)
    parser.add_argument("--seed", type=int, default=20250101)
    parser.add_argument("--json", metavar="FILE", help="write the results to this file, too")
    arguments = parser.parse_args()

    above = np.zeros(len(LEVELS), dtype=np.int64)
    start = time.perf_counter()
    for block in iter_blocks(
        Gaussian(), sample_size=N, generations=GENERATIONS, replications=arguments.replications,
        seed=arguments.seed, keep=[GENERATIONS], n_jobs=arguments.n_jobs,
    ):  # fmt: skip
        above += (block["std"].values.reshape(-1, 1) > LEVELS).sum(axis=0)
    seconds = time.perf_counter() - start

    exact = laws.gaussian.std_sf(LEVELS, N, GENERATIONS)
    share = above / arguments.replications
    below = stats.binom.cdf(above, arguments.replications, exact)
    over = stats.binom.sf(above - 1, arguments.replications, exact)
    p_values = np.minimum(1, 2 * np.minimum(below, over))
    peak = own_peak() + rss(resource.RUSAGE_CHILDREN)
    for row in zip(LEVELS, above, share, exact, p_values, strict=True):
        print("Pr(std > {:.4g}): {:>9} runs, {:.6e}, exactly {:.6e}, p = {:.3f}".format(*row))
    steps = arguments.replications * GENERATIONS
    print(f"{seconds:.1f} s, {steps / seconds:.3g} generations a second, "
          f"peak {peak / 2**30:.2f} GiB (this process and its largest worker)")

    if arguments.json:
        result = {
            "replications": arguments.replications, "n": N, "generations": GENERATIONS,
            "seed": arguments.seed, "levels": LEVELS.tolist(), "above": above.tolist(),
            "seconds": seconds, "peak_bytes": peak, "n_jobs": arguments.n_jobs,
            "cores": os.cpu_count(), "python": platform.python_version(),
            "numpy": np.__version__,
        }  # fmt: skip
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump(result, file, indent=2)
            file.write("\n")
    return int(p_values.min() < FALSE_ALARM_RATE / len(LEVELS) or peak >= 2**30)


def own_peak():
    """The most memory this process had, in bytes.

    On Linux `ru_maxrss` starts with the size of the process that started this one.
    """
    try:
        with open("/proc/self/status", encoding="ascii") as lines:
            [kilobytes] = [line.split()[1] for line in lines if line.startswith("VmHWM")]
    except (OSError, ValueError):
        return rss(resource.RUSAGE_SELF)
    return 1024 * int(kilobytes)


def rss(who):
    """The largest memory of this process or of a child that has ended, in bytes."""
    return resource.getrusage(who).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    sys.exit(main())
