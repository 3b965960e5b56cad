"""Pictures of networks: the architecture, a neuron, its activations, borders, features, curves.

    >>> from nn import MLP
    >>> from nn.drawing import draw_network
    >>> figure = draw_network(MLP(2, [3, 1], activation="tanh", rng=7))
    >>> [text.get_text() for text in figure.axes[0].texts if text.get_weight() == "bold"]
    ['input', 'hidden', 'output']

Each function gives a matplotlib `Figure`, which a notebook shows, and saves it where `path` says
(.svg, .png, .pdf). `import nn` never imports this room: matplotlib is an extra.
"""

from engine.lazy import lazy as _lazy
from engine.lazy import missing as _missing

try:
    import matplotlib.figure  # noqa: F401  # asked for here, so that the error names the remedy
except ImportError as error:
    raise ImportError(_missing("pictures of networks need matplotlib", "plot")) from error

from nn.drawing.activation_plot import draw_neuron, plot_activations
from nn.drawing.decision import plot_decision
from nn.drawing.features import plot_features
from nn.drawing.figure import Figure
from nn.drawing.history_plot import plot_history
from nn.drawing.network_plot import draw_network

__all__ = ["Figure", "draw_network", "draw_neuron"]
__all__ += ["plot_activations", "plot_decision", "plot_features", "plot_history"]
__dir__ = _lazy(__name__, {}, hidden=["__version__"])[1]
