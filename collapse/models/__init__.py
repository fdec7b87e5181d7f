"""Models: what a generation draws, and how the next one is fitted.

A model is any object with

``parameters``
    dict, name -> array: the parameters of generation 0, without a replication axis.
``draw(parameters, size, rng)``
    samples, with shape (replications, size, ...), from parameters with a leading replication axis.
``fit(samples)``
    parameters, each with a leading replication axis, from such samples.

and, where it has more to say,

``dims``
    dict, name -> names of the dimensions of a parameter (default ``name_0``, ``name_1``, ...).
``min_sample_size``
    the smallest sample that can be fitted (default 1).
``step(parameters, size, rng)``
    the parameters of the next generation, with the law of ``fit(draw(...))``, from sufficient
    statistics: constant work per replication, whatever the sample size.
``path(parameters, sizes, rngs, out)``
    many generations at once: fills ``out``, name -> contiguous array with shape
    (generations, replications, ...), with the next ``len(sizes)`` generations, from ``streams``
    independent generators. The numbers must not depend on how a run is cut into such calls: draw
    from each generator generation by generation.
``summarise(parameters, sizes, rng)``, ``merge(first, second)``, ``estimate(statistics)``
    sufficient statistics, a dict of arrays, of ``sizes`` samples (an array, one for each
    replication, 0 allowed); those of two sets of samples together; the parameters fitted to them.
    Fresh samples from a source of the same class, and fits to all samples so far, then cost
    constant work, too.
``subsample(statistics, size, rng)``
    statistics of ``size`` of the samples, chosen without replacement.
``step_mixed(parameters, size, rng, source, fraction)``
    as ``step``, with each sample from the model ``source`` with chance ``fraction``; NotImplemented
    for a source that it cannot handle.
``max_fresh_size``
    the largest sample size with fresh samples.
"""

from collapse.models.bernoulli import Bernoulli
from collapse.models.categorical import Categorical
from collapse.models.empirical import EmpiricalMeasure
from collapse.models.exponential import Exponential
from collapse.models.gaussian import Gaussian
from collapse.models.gaussian_mixture import GaussianMixture
from collapse.models.glm import GLM
from collapse.models.multivariate_gaussian import MultivariateGaussian
from collapse.models.poisson import Poisson

__all__ = [
    "GLM",
    "Bernoulli",
    "Categorical",
    "EmpiricalMeasure",
    "Exponential",
    "Gaussian",
    "GaussianMixture",
    "MultivariateGaussian",
    "Poisson",
]
