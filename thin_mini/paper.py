"""The paper's names, numbers and settings that several rooms share, each once."""

PAPER_LAMBDA = 0.005  # λ of Eq. 8 on MNIST-R, section 4.1
FACE_LAMBDA = 0.01  # on RAF-DB, section 4.4
NAMES = {  # of the architectures of Figure 3, as Table 2 prints them
    "baseline": "Baseline",
    "simple": "Simple deep ensemble",
    "tree": "Tree-gated deep ensemble",
    "exogenous": "Exogenous tree-gated deep ensemble",
    "oracle": "Oracle",
    "thin": "THIN",
}
MODELS = tuple(name for name in NAMES if name != "oracle")  # of Table 4
# Test accuracies in percent. The first row of Table 4 starts from ImageNet.
TABLE_1 = {"mnist-r": 98.32, "dsprites": 94.18, "identity": 98.95}
TABLE_2 = {
    "mnist-r": (96.83, 96.81, 97.31, 98.07, 98.06, 98.26),
    "dsprites": (96.53, 92.68, 95.91, 98.1, 98.43, 98.5),
}
TABLE_4 = {
    "RAF-DB": (82.99, 84.06, 85.59, 86.38, 87.29, 87.81),
    "AffectNet": (61.31, 61.66, 63.00, 63.34, 63.71, 63.97),
    "ExpW": (70.96, 71.57, 75.05, 75.17, 75.74, 76.08),
}
