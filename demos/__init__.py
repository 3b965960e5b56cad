"""Stories with a picture at the end: `python -m demos` tells that of irises, `--list` names all.

Each module here is one page. Its docstring says what there is to learn; its function `run` trains
a network on a data set, prints how well it does on samples that it never saw, and saves pictures.
"""

STORIES = {
    "neuron": "one neuron: weights, a bias, a sum, an activation; it learns AND and OR, not XOR",
    "activations": "sigmoid, ReLU, tanh, softmax: what each is for, and where it stops learning",
    "iris": "three kinds of iris told apart by four measurements (real data; the default)",
    "breast_cancer": "benign or malignant: one neuron against a network (real data)",
    "xor": "why a hidden layer is needed: four clouds of points that no straight line separates",
    "moons": "two crescents, and the curve that a network bends between them",
    "spiral": "three spiral arms: how far a small network can wind a border",
    "digits": "1,797 handwritten digits (real data): what is confused with what",
    "features": "what deep means: what each layer responds to, and what can be read off it",
    "names": "a model of characters, trained on Python's own identifiers, invents new ones",
    "gpt": "a transformer in plain scalars on the same names, and what its heads look at",
    "distributed": "a cluster trains, a worker is killed, and the result is the same to the bit",
    "doctor": "five trainings that do not learn (real data), and what `diagnose` makes of them",
    "playground": "all of it in a page of your browser, with nothing installed (built with npm)",
    "compare": "one training in micrograd, PyTorch, JAX and here: the same curve, other times",
    "docs": "no story, but the documentation: pages for a browser that need no network",
}

__all__ = ["STORIES"]
