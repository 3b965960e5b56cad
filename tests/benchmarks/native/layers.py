"""Training steps of networks: mean loss and all gradients, through the public call."""

from collections.abc import Mapping, Sequence
from statistics import median

from tests.benchmarks.harness import Contender, Effort, race, take_turns
from tests.benchmarks.native.compilers import multiply_adds, scalar_moons
from tests.benchmarks.native.networks import DIGITS, MNIST, MOONS, MOONS_TANH, Network
from tests.benchmarks.native.steps import STEPS, one_thread
from tests.benchmarks.report import Row, rows_of
from tests.benchmarks.systems import CPP, GRADWALK, JAX, TORCH, installed

__all__ = [
    "contenders_for",
    "measure_digits",
    "measure_mnist",
    "measure_native_moons",
    "measure_tanh",
    "share_of_peak",
]

Targets = Mapping[int, Mapping[str, float]]  # by the number of rows: ratios to reach


def measure_native_moons(effort: Effort) -> list[Row]:
    targets = {
        1: {JAX: 10.0},
        100: {JAX: 4.0, TORCH: 8.0, CPP: 1.0},
        6400: {JAX: 4.0, TORCH: 6.0},
    }
    return _measure(MOONS, targets, effort, peaks={6400: 0.6})


def measure_tanh(effort: Effort) -> list[Row]:
    return _measure(MOONS_TANH, {100: {JAX: 3.0}, 6400: {JAX: 3.0}}, effort)


def measure_digits(effort: Effort) -> list[Row]:
    targets = {64: {JAX: 3.0, TORCH: 5.0}, 1792: {JAX: 1.5, TORCH: 2.5}}
    return _measure(DIGITS, targets, effort, peaks={64: None, 1792: None})


def measure_mnist(effort: Effort) -> list[Row]:
    return _measure(MNIST, {64: {JAX: 1.3, TORCH: 1.3}}, effort, peaks={64: None})


def _measure(
    network: Network,
    targets: Targets,
    effort: Effort,
    peaks: Mapping[int, float | None] | None = None,
) -> list[Row]:
    """Races at several numbers of rows; at some, our share of the machine's peak as well."""
    lines: list[Row] = []
    for count, ratios in targets.items():
        contenders = contenders_for(network, count)
        name = f"{network.name} N={count}: loss and gradients"
        lines += rows_of(name, race(contenders, effort), ratios)
        if peaks and count in peaks and installed([CPP]):
            lines.append(share_of_peak(network, count, contenders[0], effort, peaks[count]))
    return lines


def contenders_for(network: Network, count: int) -> list[Contender]:
    """Ours first, then the peers that are here."""
    batch = network.data(count)
    contenders = [STEPS[system](network, batch) for system in installed(STEPS)]
    if network is MOONS and installed([CPP]):
        contenders.append(scalar_moons(batch))
    return contenders


def share_of_peak(
    network: Network, count: int, ours: Contender, effort: Effort, target: float | None
) -> Row:
    """Ours in turn with a kernel of nothing but multiply-adds, as many as ours has to do."""
    flops = network.flops(count)
    kernel, kernel_flops = multiply_adds(flops)
    with one_thread():
        result = take_turns([ours, kernel], effort)
    low, *_, high = shares = _shares(result.seconds[kernel.system], result.seconds[ours.system])
    scale = flops / kernel_flops
    share = scale * median(shares)
    needed = share * (1.0 - network.idle_flops(count) / flops)
    return Row(
        f"{network.name} N={count}: multiply-adds",
        f"{1e-9 * flops / result.median(GRADWALK):.1f} GFlop/s",
        f"one core's peak {1e-9 * kernel_flops / result.median(kernel.system):.1f}",
        f"**{share:.0%}** ({scale * low:.0%} to {scale * high:.0%}; "
        f"{needed:.0%} without gradients of inputs)",
        "" if target is None else f"≥ {target:.0%}: {'ok' if share >= target else 'short'}",
    )


def _shares(peak: Sequence[float], ours: Sequence[float]) -> list[float]:
    return sorted(a / b for a, b in zip(peak, ours, strict=True))
