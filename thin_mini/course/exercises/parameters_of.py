"""n_in, hidden, n_classes, n_experts → parameters of the experts, a number.

Each has two hidden layers, a bias for every unit, and a batch norm behind each hidden
layer (a scale and a shift for every unit); all experts see the same n_in numbers.

Objective: account for the paper's hundred million parameters.

1. Count one expert, layer by layer, then multiply by the experts.
2. A linear layer from a to b units has a times b weights and b biases.
3. Three linear layers (n_in to hidden, hidden to hidden, hidden to n_classes), and two
batch norms with two numbers for each of their units.

Notice: with 4608, 512, 7 and 32 it is 84 million, nine tenths in the first layers.
"""

CHAPTER, LEVEL, GRADIENTS = 13, 2, False


def draw(n: int) -> dict[str, int]:
    return {"n_in": 3 * n, "hidden": n - 1, "n_classes": 3, "n_experts": 4}


def right(n_in: int, hidden: int, n_classes: int, n_experts: int) -> int:
    linear = (n_in + 1 + hidden + 1) * hidden + (hidden + 1) * n_classes
    return n_experts * (linear + 4 * hidden)


def no_bias(n_in: int, hidden: int, n_classes: int, n_experts: int) -> int:
    """The biases are missing: one for every unit of a layer."""
    biases = n_experts * (2 * hidden + n_classes)
    return right(n_in, hidden, n_classes, n_experts) - biases


def no_norm(n_in: int, hidden: int, n_classes: int, n_experts: int) -> int:
    """The batch norms are missing: a scale and a shift for every hidden unit."""
    return right(n_in, hidden, n_classes, n_experts) - 4 * n_experts * hidden


def one_layer(n_in: int, hidden: int, n_classes: int, n_experts: int) -> int:
    """There is one hidden layer here. These experts have two, each with its norm."""
    less = (hidden + 3) * hidden
    return right(n_in, hidden, n_classes, n_experts) - n_experts * less


def shared(n_in: int, hidden: int, n_classes: int, n_experts: int) -> int:
    """The first layer is counted once. They see the same, but each has its own."""
    less = (n_experts - 1) * (n_in + 1) * hidden
    return right(n_in, hidden, n_classes, n_experts) - less


def one_expert(n_in: int, hidden: int, n_classes: int, n_experts: int) -> int:
    """This is one expert. There are n_experts of them."""
    return right(n_in, hidden, n_classes, 1)
