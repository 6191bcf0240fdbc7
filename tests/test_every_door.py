"""Each argument of each public callable, with values that cannot be right.

A wrong value is refused by this library, not by one that it uses, in words that name
the argument or the value; or it stands in ``FINE``.
"""

import importlib
import inspect
import traceback
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch

import thin_mini as tm
from thin_mini import rivals
from thin_mini.lab import recipes, results, summaries

HERE = str(Path(tm.__file__).parent)
ROOMS = {
    **{
        name: room.__name__.removeprefix("thin_mini.")
        for name, room in ((name, getattr(tm, name)) for name in tm.__all__)
        if inspect.ismodule(room)
    },
    "weights": "large.weights",
    "summaries": "lab.summaries",
    **{
        room: f"large.{room}"
        for room in ("comparison", "evaluation", "export", "predictions", "trained")
    },
}
# What this library gives back, and nobody makes by hand; and errors and constants.
GIVEN = [
    "Condition",
    "data.DataError",
    "data.SHAPES",
    "distances.Verification",
    "losses.total_loss",  # a sum of what was checked, in every step
    "metrics.Report",
    "routes.Information",
    "routes.Routes",
    "trained.Answer",
    "trained.TrainedRun",
    "rivals.CrossCovariance",  # is told nothing
    "results.ResultError",
    "results.Row",
    "plots.INK",
    "plots.PAPER",
    "plots.WIDTH",
    "verdicts.LEVELS",
    "verdicts.VERDICTS",
]
N, K, SIZE = 8, 2, 8
draw = torch.Generator().manual_seed(0)
IMAGES, H = torch.rand(N, 1, SIZE, SIZE, generator=draw), torch.rand(N, 4)
LABELS, SAME = torch.arange(N) % K, torch.arange(20) % 2 == 0
G, Z, POSITIVE = H.softmax(1), torch.rand(N, K), torch.rand(N) / 2 + 0.5
RGB, DISTANCE = torch.rand(N, 3, 16, 16), torch.rand(20)
build = {"n_experts": 2, "hidden": 2, "image_size": SIZE, "seed": 0}


def dataset(**changes):
    parts = {"images": IMAGES, "target": LABELS, "exo": LABELS, "n_classes": K}
    parts |= {"n_exo": K, "source": "s", "exo_name": "e"}
    parts |= {"exo_edges": torch.arange(3.0), "factors": {"age": POSITIVE}}
    return parts | changes


DATA = tm.data.ExogenousDataset(**dataset())


def encoder():
    return tm.ConvEncoder(1, SIZE)


def network():
    return tm.ExogenousNetwork(encoder(), K, 4, "features").freeze()


def thin():
    return tm.build("thin", K, exogenous=network(), **build)


def baseline():
    return tm.build("baseline", K, **build)


def table(column="mean"):
    return results.table(ROWS, ROOT).assign(model="tree", n=1, difference=1.0)


ROWS = recipes.rows_of("fig4", "mnist-r", 2, "smoke", "digits")
RUN, ROOT = ROWS[0].runs[0], Path("nowhere")
SPRITES = {"shape": LABELS, "scale": POSITIVE, "orientation": POSITIVE, "x": POSITIVE}
CARTOONS = {"n_people": 2, "size": 16, "resemblance": 0.5, "seed": 0}
HEAD = {"encoder": encoder(), "n_classes": K, "hidden": 2}
POINTS = {"representations": {"h": H}, "target": LABELS, "names": ["a", "b"]}

# A call of each that is right, from the places of a run and its data.
DOORS = {
    "Classifier": lambda w: {"encoder": encoder(), "n_classes": K},
    "ConvEncoder": lambda w: {"in_channels": 1, "image_size": SIZE, "widths": (2,)},
    "Encoder": lambda w: {"layers": torch.nn.Flatten(), "in_shape": (1, 8, 8)},
    "ExogenousNetwork": lambda w: {"encoder": encoder(), "n_classes": K},
    "Experts": lambda w: {
        "in_features": 4, "hidden": 2, "n_classes": K, "n_experts": 2,
    },
    "Fused": lambda w: {"networks": [network(), network()]},
    "GatedEnsemble": lambda w: {
        "encoder": encoder(), "experts": tm.Experts(64, 2, K, 2),
        "gate": tm.TreeGate(64, 1),
    },
    "MLP": lambda w: {"in_features": 4, "hidden": 2, "n_classes": K},
    "MapPool": lambda w: {"shape": (1, 4, 4)},
    "Oracle": lambda w: {"n_exo": K, "table": H[:K]},
    "SoftmaxGate": lambda w: {"in_features": 4, "n_leaves": 2},
    "TreeGate": lambda w: {"in_features": 4, "depth": 1},
    "UniformGate": lambda w: {"n_leaves": 2},
    "VGG16Encoder": lambda w: {"image_size": 32},
    "adapt": lambda w: {
        "representation": torch.nn.Flatten(), "people": DATA, "in_shape": (1, 8, 8),
        "epochs": 1,
    },
    "build": lambda w: {
        "name": "thin", "n_classes": K, "exogenous": network(), **build,
    },
    "dispelling_loss": lambda w: {"z_endo": Z, "z_exo": Z},
    "evaluate": lambda w: {"model": thin(), "dataset": DATA},
    "fit": lambda w: {
        "model": thin(), "dataset": DATA, "epochs": 1, "batch_size": 4,
        "progress": False, "lr": 1e-3,
    },
    "load": lambda w: {"folder": w.run},
    "load_vgg16": lambda w: {"encoder": w.vgg16, "file": "a.pth"},
    "n_trainable": lambda w: {"model": baseline()},
    "precompute": lambda w: {"model": thin(), "dataset": DATA},
    "predict": lambda w: {"model": thin(), "dataset": DATA},
    "profile": lambda w: {"name": "smoke"},
    "starting_encoder": lambda w: {"network": network()},
    "thin_loss": lambda w: {
        "logits": Z, "target": LABELS, "z_endo": Z, "z_exo": Z, "dispel": 0.1,
    },
    "losses.task_loss": lambda w: {"logits": Z, "target": LABELS},
    "vgg_face": lambda w: {"file": "a.pth"},
    "data.ExogenousDataset": lambda w: dataset(),
    "data.FaceFiles": lambda w: vars(w.files),
    "data.FacePairs": lambda w: vars(w.pairs),
    "data.Pictures": lambda w: {"files": w.files, "size": 16},
    "data.affectnet": lambda w: {"root": w.faces},
    "data.cartoon_celebrities": lambda w: {"n": 2, **CARTOONS},
    "data.cartoon_faces": lambda w: {
        "n_train": 2, "n_test": 2, "n_test_people": 2, "on": "test", **CARTOONS,
    },
    "data.cartoon_pairs": lambda w: {"n": 4, **CARTOONS},
    "data.class_batches": lambda w: {
        "target": torch.arange(14) % 7, "batch_size": 7, "seed": 0, "step": 0,
    },
    "data.draw_people": lambda w: {"n": 2},
    "data.dsprites": lambda w: {"n_train": 4, "n_test": 4, "source": "rendered"},
    "data.expression_actions": lambda w: {"expression": LABELS, "intensity": POSITIVE},
    "data.expw": lambda w: {"root": w.faces},
    "data.face_csv": lambda w: {"file": w.faces / "faces.csv"},
    "data.face_folder": lambda w: {"root": w.faces},
    "data.face_pairs": lambda w: {"file": w.faces / "pairs.csv"},
    "data.fer2013": lambda w: {"root": w.faces},
    "data.imagenet_input": lambda w: {"image": RGB},
    "data.largest_face": lambda w: {"path": w.faces / "0.png", "size": 8},
    "data.mnist_r": lambda w: {"n_train": 4, "n_test": 4, "source": "digits"},
    "data.mnist_rs": lambda w: {"n_train": 4, "n_test": 4, "source": "digits"},
    "data.open_faces": lambda w: {"root": w.faces, "layout": "csv"},
    "data.open_test": lambda w: {"root": w.faces, "layout": "csv"},
    "data.plain_batches": lambda w: {"n": 8, "batch_size": 4, "seed": 0, "step": 0},
    "data.raf_db": lambda w: {"root": w.faces},
    "data.render_faces": lambda w: {
        "identity": torch.rand(2, 22), "actions": torch.rand(2, 12), "size": 16,
        "nuisance": torch.rand(2, 14),
    },
    "data.render_sprites": lambda w: {**SPRITES, "y": POSITIVE, "size": 8},
    "data.rotate": lambda w: {"images": IMAGES, "degrees": POSITIVE, "scale": POSITIVE},
    "data.shift": lambda w: {"images": IMAGES, "offsets": torch.zeros(N, 2).long()},
    "data.vggface_input": lambda w: {"image": RGB},
    "course.ask": lambda w: {"name": "sure-of-it", "answer": "d"},
    "course.check": lambda w: {"name": "tree-gate", "function": torch.sin},
    "course.hint": lambda w: {"name": "tree-gate", "level": 1},
    "course.same": lambda w: {
        "by_hand": torch.sin, "library": torch.sin, "inputs": [Z],
    },
    "course.tell": lambda w: {
        "by_hand": torch.sin, "library": torch.sin, "inputs": [Z],
    },
    "distances.check_pairs": lambda w: {"distance": DISTANCE, "same": SAME},
    "distances.explained_variance": lambda w: {"h": H, "n": 3},
    "distances.inter_intra_ratio": lambda w: {"h": H, "target": LABELS},
    "distances.overlap": lambda w: {
        "positive": POSITIVE, "negative": POSITIVE, "edges": np.arange(3.0),
    },
    "distances.pair_distances": lambda w: {"a": H, "b": H},
    "distances.verification": lambda w: {"distance": DISTANCE, "same": SAME},
    "face_plots.pair_histograms": lambda w: {"pairs": {"h": (DISTANCE, SAME)}},
    "face_plots.predictions": lambda w: {
        "images": IMAGES, "target": LABELS, "predicted": LABELS, "names": ["a", "b"],
    },
    "face_plots.projections": lambda w: {**POINTS, "method": "pca"},
    "face_plots.split_information": lambda w: {"bits": pd.DataFrame({"age": [0.1]})},
    "face_plots.tree_of_faces": lambda w: {
        "images": IMAGES, "gate": tm.TreeGate(4, 1), "h_g": H, "depth_shown": 1,
    },
    "losses.absolute_cosine": lambda w: {"a": Z, "b": Z},
    "metrics.calibration_error": lambda w: {"logits": Z, "target": LABELS},
    "metrics.disagreement": lambda w: {"expert_logits": torch.rand(N, 2, K)},
    "metrics.exogenous_accuracy": lambda w: {"logits": Z, "exo": LABELS},
    "metrics.leaf_usage": lambda w: {"g": G},
    "metrics.probe": lambda w: {"train": (H, LABELS), "test": (H, LABELS)},
    "metrics.report": lambda w: {
        "logits": Z, "target": LABELS, "exo": LABELS, "n_exo": K,
    },
    "plots.accuracy_by_bin": lambda w: {"reports": {"m": w.report}, "dataset": DATA},
    "plots.accuracy_by_lambda": lambda w: {"table": table()},
    "plots.confusion": lambda w: {"matrix": np.eye(2), "labels": ["a", "b"]},
    "plots.cosines": lambda w: {"values": {"m": POSITIVE}},
    "plots.dots": lambda w: {"table": table()[["mean"]], "xlabel": "%"},
    "plots.embedding": lambda w: {"points": H[:, :2], "value": POSITIVE, "name": "e"},
    "plots.forest": lambda w: {"table": table().assign(difference_half=1.0)},
    "plots.gains": lambda w: {"table": table(), "x": "n", "xlabel": "labels"},
    "plots.image_grid": lambda w: {"images": IMAGES, "titles": ["a"]},
    "plots.intervals": lambda w: {"table": table()},
    "plots.look": lambda w: {"name": "thin", "i": 1},
    "plots.partition": lambda w: {
        "gates": {"g": tm.TreeGate(2, 1)}, "points": H[:, :2], "target": LABELS,
    },
    "plots.routing": lambda w: {"g": G, "exo": LABELS, "dataset": DATA},
    "plots.show_image": lambda w: {"axis": plt.figure().gca(), "image": IMAGES[0]},
    "recipes.row_of": lambda w: {"rows": ROWS, "name": ROWS[0].name},
    "recipes.committed_rows": lambda w: {},
    "recipes.data_of": lambda w: {"recipe": "table2", "data": "mnist-r"},
    "recipes.nearest": lambda w: {"name": "a", "known": ["a"]},
    "recipes.look_up": lambda w: {"about": "no", "name": "a", "known": {"a": 1}},
    "recipes.rows_of": lambda w: {
        "recipe": "table2", "data": "mnist-r", "seeds": 2, "profile_name": "smoke",
        "source": "digits",
    },
    "results.check_folder": lambda w: {"root": w.faces},
    "results.tabulate": lambda w: {
        "rows": ROWS, "numbers": {row.name: {0: 1.0} for row in ROWS},
    },
    "results.estimate": lambda w: {"runs": [RUN], "committed": ROOT},
    "results.paired": lambda w: {"ours": {0: 1.0}, "reference": {0: 1.0}},
    "results.measured": lambda w: {
        "recipe": "table2", "data": "mnist-r", "row": "THIN", "reference": "Baseline",
        "metric": "accuracy", "root": ROOT,
    },
    "results.path_of": lambda w: {"run": RUN, "root": ROOT},
    "results.published": lambda w: {
        "recipe": "table2", "data": "mnist-r", "metric": "accuracy",
    },
    "results.read": lambda w: {"run": RUN, "root": ROOT},
    "results.readable": lambda w: {"table": table()},
    "results.table": lambda w: {"rows": ROWS, "root": ROOT},
    "results.values": lambda w: {"row": ROWS[0], "root": ROOT},
    "verdicts.corrected": lambda w: {"p": [0.01, 0.2]},
    "verdicts.judge": lambda w: {
        "paper": 1.0, "ours": [1.0, 2.0], "smallest": 0.2, "reference": 90.0,
    },
    "verdicts.judge_level": lambda w: {
        "paper": 1.0, "ours": [1.0, 2.0], "smallest": 0.2,
    },
    "verdicts.p_value": lambda w: {"ours": [1.0, 2.0]},
    "verdicts.smallest_effect": lambda w: {"metric": "cosine", "labels": 1_000},
    "results.write": lambda w: {
        "run": RUN, "root": w.new, "metrics": {}, "parameters": 1, "seconds": 1.0,
    },
    "routes.most_representative": lambda w: {
        "gate": tm.TreeGate(4, 1), "h_g": H, "k": 1,
    },
    "routes.mutual_information": lambda w: {
        "routes": w.routes, "factors": {"age": POSITIVE}, "shuffles": 1,
    },
    "routes.node_names": lambda w: {"depth": 1},
    "routes.node_probabilities": lambda w: {"gate": tm.TreeGate(4, 1), "h_g": H},
    "scaling.predict": lambda w: {"model": w.trained.model, "data": w.pictures},
    "scaling.train": lambda w: {
        "model": w.trained.model, "data": w.pictures, "valid": w.pictures, "steps": 1,
        "folder": w.new, "batch_size": 2, "progress": False, "lr": 1e-9,
        "mixed_precision": "no", "accumulate": 1, "workers": 0, "every": 1,
    },
    "comparison.compare_runs": lambda w: {"root": w.run.parent},
    "evaluation.evaluate_run": lambda w: {
        "run": w.trained, "folder": w.faces, "layout": "csv", "progress": False,
    },
    "evaluation.verify_run": lambda w: {
        "run": w.trained, "place": w.faces, "progress": False,
    },
    "export.to_onnx": lambda w: {"run": w.trained, "file": w.new / "m.onnx"},
    "predictions.caveats": lambda w: {"run": w.trained},
    "predictions.figure": lambda w: {
        "run": w.trained, "table": w.said[0], "images": w.said[1],
    },
    "predictions.find_pictures": lambda w: {"paths": [w.faces]},
    "predictions.predict_pictures": lambda w: {
        "run": w.trained, "paths": [w.faces / "0.png"], "progress": False,
    },
    "predictions.readable": lambda w: {"run": w.trained, "table": w.said[0]},
    "trained.save_model": lambda w: {
        "folder": w.new, "model": w.trained.model, "about": w.trained.about,
    },
    "weights.vgg_face_network": lambda w: {"image_size": 32, "widths": [2, 2, 2]},
    "Classifier.forward": lambda w: {"self": baseline(), "images": IMAGES},
    "Classifier.losses": lambda w: {
        "self": thin(), "images": IMAGES, "target": LABELS, "dispel": 0.1,
        "condition": network().condition(IMAGES),
    },
    "Condition.at": lambda w: {"self": tm.Condition(H, Z), "index": LABELS},
    "ExogenousNetwork.condition": lambda w: {"self": network(), "images": IMAGES},
    "ExogenousNetwork.encode": lambda w: {"self": network(), "images": IMAGES},
    "ExogenousNetwork.classify": lambda w: {"self": network(), "h": torch.rand(N, 64)},
    "Oracle.condition": lambda w: {
        "self": tm.Oracle(K), "images": IMAGES, "exo": LABELS,
    },
    **{
        f"{kind}.forward": lambda w, module=module: {"self": module, "h": H}
        for kind, module in {
            "MLP": tm.MLP(4, 2, K), "Experts": tm.Experts(4, 2, K, 2),
            "MapPool": tm.MapPool((1, 2, 2)), "TreeGate": tm.TreeGate(4, 1),
            "SoftmaxGate": tm.SoftmaxGate(4, 2), "UniformGate": tm.UniformGate(2),
        }.items()
    },
    "rivals.Averaged": lambda w: {**HEAD, "variable": "rotation", "changes": [-9.0, 9]},
    "rivals.Concatenated": lambda w: {
        "in_features": 4, "told": 2, "hidden": 2, "n_classes": K,
    },
    "rivals.Conditioned": lambda w: {
        "encoder": encoder(), "head": rivals.Concatenated(64, 64, 2, K),
        "n_classes": K, "context": network(),
    },
    "rivals.Dispelling": lambda w: {"reader": tm.MLP(4, 2, K), "centred": True},
    "rivals.Eraser": lambda w: {"h": H, "exo": LABELS},
    "rivals.FiLM": lambda w: {"told": 2, "n_features": 4, "each": 1},
    "rivals.Modulated": lambda w: {
        "shape": (1, 2, 2), "told": 2, "hidden": 2, "n_classes": K, "where": "hidden",
    },
    "rivals.RandomChange": lambda w: {"variable": "rotation", "reach": 30.0},
    "rivals.Retrained": lambda w: {"reader": tm.MLP(4, 2, K), "every": 2, "steps": 2},
    "rivals.Reversal": lambda w: {"in_features": 4, "n_exo": K},
    "rivals.Shuffled": lambda w: {"context": network()},
    "rivals.SpatialTransformer": lambda w: {"in_shape": (1, SIZE, SIZE), "hidden": 2},
    "rivals.WithReader": lambda w: {
        **HEAD, "others": DATA, "reverse": True, "dispel": 0.1,
    },
    "rivals.after": lambda w: {"layer": torch.nn.Identity(), "encoder": encoder()},
    "rivals.expected": lambda w: {
        "network": network(), "images": IMAGES, "centers": torch.arange(2.0),
    },
    "rivals.matched": lambda w: {"make": lambda n: tm.MLP(4, n, K), "wanted": 100},
    "rivals.turned": lambda w: {"images": IMAGES, "degrees": POSITIVE},
    "rivals.undo": lambda w: {
        "dataset": DATA, "network": network(), "variable": "rotation",
        "centers": torch.arange(2.0),
    },
    "rivals.zoomed": lambda w: {"images": IMAGES, "octaves": POSITIVE},
    "rivals.Shuffled.condition": lambda w: {
        "self": rivals.Shuffled(tm.Oracle(K)), "images": IMAGES, "exo": LABELS,
    },
    "rivals.WithReader.losses": lambda w: {
        "self": rivals.WithReader(**HEAD, others=DATA), "images": IMAGES,
        "target": LABELS, "dispel": 0.1,
    },
    **{
        f"rivals.{kind}.forward": lambda w, module=module, x=x: {
            "self": module, x: H, "h_g": Z,
        }
        for kind, x, module in (
            ("Concatenated", "h_endo", rivals.Concatenated(4, K, 2, K)),
            ("FiLM", "x", rivals.FiLM(K, 4)),
            ("Modulated", "h_endo", rivals.Modulated((1, 2, 2), K, 2, K)),
        )
    },
    **{
        f"rivals.{kind}.forward": lambda w, module=module: {
            "self": module, "h_endo": H, "z_exo": Z,
        }
        for kind, module in {
            "CrossCovariance": rivals.CrossCovariance(),
            "Dispelling": rivals.Dispelling(tm.MLP(4, 2, K)),
            "Retrained": rivals.Retrained(tm.MLP(4, 2, K)),
            "Reversal": rivals.Reversal(4, K),
        }.items()
    },
    **{
        f"rivals.{kind}.forward": lambda w, module=module: {
            "self": module, "images": IMAGES,
        }
        for kind, module in {
            "Averaged": rivals.Averaged(**HEAD, variable="scale", changes=[0]).eval(),
            "Conditioned": rivals.Conditioned(
                encoder(), rivals.Concatenated(64, 64, 2, K), K, network()
            ),
            "RandomChange": rivals.RandomChange("rotation", 9),
            "SpatialTransformer": rivals.SpatialTransformer((1, SIZE, SIZE)),
            "WithReader": rivals.WithReader(**HEAD, others=DATA),
        }.items()
    },
    "rivals.Eraser.forward": lambda w: {"self": rivals.Eraser(H, LABELS), "h": H},
    "rivals.Annealed": lambda w: {"in_features": 4, "depth": 1, "steps": 9},
    "rivals.Blended": lambda w: {"in_features": 4, "depth": 1},
    "rivals.Centred": lambda w: {
        "encoder": encoder(), "head": tm.MLP(64, 2, K), "n_classes": K,
        "context": tm.Oracle(K, torch.arange(2.0)[:, None]), "pictures": IMAGES,
        "album": torch.arange(N)[:, None],
    },
    "rivals.MeanLayer": lambda w: {"hidden": 4, "n_classes": K, "n_experts": 2},
    "rivals.MeanLayer.forward": lambda w: {"self": rivals.MeanLayer(4, K, 2), "x": H},
    "summaries.Nearest": lambda w: {"centers": H},
    "summaries.Nearest.forward": lambda w: {"self": summaries.Nearest(H), "h": H},
    "rivals.Shared": lambda w: {
        "in_features": 4, "hidden": 2, "n_classes": K, "n_experts": 2, "shared": 2,
    },
    "rivals.Shrunk": lambda w: {
        "encoder": encoder(), "experts": rivals.Shared(64, 2, K, 2, 2),
        "gate": tm.TreeGate(64, 1), "dispel": 0.1,
    },
    "summaries.Summarised": lambda w: {
        "context": network(), "layer": torch.nn.Linear(64, 2), "gate_features": 2,
    },
    "rivals.album": lambda w: {"exo": LABELS, "n_people": K, "k": 2},
    "summaries.clusters": lambda w: {"h": H, "n": 2},
    "summaries.components": lambda w: {"h": H, "n": 2},
    "Encoder.forward": lambda w: {"self": encoder(), "images": IMAGES},
    "MLP.embed": lambda w: {"self": tm.MLP(4, 2, K), "h": H},
    "data.ExogenousDataset.subset": lambda w: {"self": DATA, "index": LABELS},
    "data.ExogenousDataset.split": lambda w: {"self": DATA, "n_valid": 2, "seed": 0},
    "data.FaceFiles.subset": lambda w: {"self": w.files, "index": LABELS},
    "data.FaceFiles.split": lambda w: {"self": w.files, "n_valid": 2, "seed": 0},
    "data.FaceFiles.picture": lambda w: {"self": w.files, "index": 0},
    "data.FaceFiles.load": lambda w: {"self": w.files, "size": 16, "progress": False},
    "data.FacePairs.load": lambda w: {"self": w.pairs, "size": 16, "progress": False},
    "trained.TrainedRun.answer": lambda w: {"self": w.trained, "images": RGB},
    "trained.TrainedRun.prepare": lambda w: {
        "self": w.trained, "picture": w.faces / "0.png",
    },
}  # fmt: skip
# What they need is not here, or slow: only their wrong values are tried.
ABSENT = [
    "data.affectnet",
    "data.expw",
    "data.face_folder",
    "data.fer2013",
    "data.largest_face",
    "data.raf_db",
    "load_vgg16",
    "vgg_face",
    "export.to_onnx",
    "results.published",
    "scaling.train",
]

WRONG = {"None": None, "text": "x", "object": object(), "-1": -1, "2.5": 2.5}
WRONG |= {"nan": float("nan"), "0-d": torch.tensor(1.0), "short": torch.rand(1)}
# A batch of any length will do, where nothing must be as long.
ANY_LENGTH = [
    "Classifier.forward.images",
    "Condition.at.index",
    "Encoder.forward.images",
    "ExogenousNetwork.classify.h",
    "ExogenousNetwork.condition.images",
    "ExogenousNetwork.encode.images",
    "Experts.forward.h",
    "MLP.embed.h",
    "MLP.forward.h",
    "MapPool.forward.h",
    "SoftmaxGate.forward.h",
    "TreeGate.forward.h",
    "UniformGate.forward.h",
    "data.ExogenousDataset.subset.index",
    "data.FaceFiles.subset.index",
    "data.class_batches.target",
    "data.imagenet_input.image",
    "data.vggface_input.image",
    "distances.explained_variance.h",
    "distances.overlap.negative",
    "distances.overlap.positive",
    "metrics.disagreement.expert_logits",
    "metrics.leaf_usage.g",
    "plots.image_grid.images",
    "routes.most_representative.h_g",
    "routes.node_probabilities.h_g",
    *(
        f"rivals.{kind}.forward.images"
        for kind in (
            "Averaged",
            "Conditioned",
            "RandomChange",
            "SpatialTransformer",
            "WithReader",
        )
    ),
    "rivals.Centred.album",
    "rivals.Eraser.forward.h",
    "rivals.MeanLayer.forward.x",
    "summaries.Nearest.centers",
    "summaries.Nearest.forward.h",
    "rivals.album.exo",
    "summaries.clusters.h",
    "summaries.components.h",
    "rivals.expected.images",
    "trained.TrainedRun.answer.images",
    "course.same.inputs",
    "course.tell.inputs",
]
FINE = {name: ["short"] for name in ANY_LENGTH} | {
    "Classifier.losses.dispel": ["2.5"],
    "ExogenousNetwork.condition.exo": list(WRONG),  # it is not asked
    "Condition.at.device": ["text"],  # torch says which there are
    "GatedEnsemble.dispel": ["2.5"],
    "course.check.function": list(WRONG),  # told calmly
    "course.same.inputs": ["short", "0-d"],
    "course.tell.inputs": list(WRONG),  # told calmly
    "data.ExogenousDataset.exo_name": ["text"],
    "data.ExogenousDataset.source": ["text"],
    "data.FaceFiles.name": ["text"],
    "data.FaceFiles.picture.index": ["-1"],
    "data.FaceFiles.root": ["text"],
    "data.FacePairs.name": ["text"],
    "data.FacePairs.root": ["text"],
    "data.largest_face.path": ["text"],  # OpenCV may be missing, and is asked first
    "fit.checkpoint": ["text"],
    "fit.dispel": ["2.5"],
    "fit.lr": ["2.5"],
    "fit.progress": ["text"],
    "plots.confusion.name": ["text"],
    "plots.dots.xlabel": ["text"],
    "plots.embedding.name": ["text"],
    "plots.forest.xlabel": ["text"],
    "plots.gains.xlabel": ["text"],
    "plots.image_grid.size": ["2.5"],
    "plots.look.name": ["text"],
    "recipes.look_up.about": ["text"],
    "recipes.nearest.name": ["text"],
    "results.measured.metric": ["text"],  # where no run is
    "results.write.seconds": ["2.5"],
    "rivals.RandomChange.reach": ["2.5"],
    "rivals.Shrunk.dispel": ["2.5"],
    "rivals.WithReader.dispel": ["2.5"],
    "rivals.WithReader.losses.dispel": ["2.5"],
    "scaling.predict.label": ["text"],
    "scaling.train.dispel": ["2.5"],
    "scaling.train.folder": ["text"],
    "scaling.train.lr": ["2.5"],
    "thin_loss.dispel": ["2.5"],
    "verdicts.judge.paper": ["-1", "2.5"],
    "verdicts.judge.reference": ["2.5"],
    "verdicts.judge.smallest": ["2.5"],
    "verdicts.judge_level.paper": ["-1", "2.5"],
    "verdicts.judge_level.smallest": ["2.5"],
    "verdicts.smallest_effect.metric": ["text"],  # any other is an accuracy
}


def resolve(name):
    room, _, rest = name.partition(".")
    found = tm
    if room in ROOMS:
        found = importlib.import_module(f"thin_mini.{ROOMS[room]}")
    for part in (rest if room in ROOMS else name).split("."):
        found = getattr(found, part)
    return found


@pytest.fixture(scope="module")
def world(faces, trained, tmp_path_factory):
    w = SimpleNamespace(faces=faces, run=trained[0], trained=tm.load(trained[0]))
    w.new, w.vgg16 = tmp_path_factory.mktemp("new"), tm.VGG16Encoder(32)
    lines = [f"{i}.png,{i + 9 * (i % 2) + 1 - i % 2}.png,{i % 2}" for i in range(40)]
    (faces / "pairs.csv").write_text("path1,path2,same\n" + "\n".join(lines))
    w.files = tm.data.open_test(faces, "csv")
    w.pairs = tm.data.face_pairs(faces)
    w.pictures = tm.data.Pictures(w.files, 16)
    w.report = tm.evaluate(baseline(), DATA)
    w.routes = tm.routes.node_probabilities(tm.TreeGate(4, 1), H)
    predict = importlib.import_module("thin_mini.large.predictions").predict_pictures
    w.said = predict(w.trained, [faces / "0.png"], progress=False)
    return w


def called(function, arguments):
    several = [
        name
        for name, p in inspect.signature(function).parameters.items()
        if p.kind is p.VAR_POSITIONAL
    ]
    if several:
        given = arguments.pop(several[0])
        return function(*arguments.values(), *given)
    return function(**arguments)


def public():
    """The names of all that users call, that take arguments."""
    for room in ("", "data", *ROOMS):
        place = ROOMS.get(room, room)
        module = importlib.import_module(f"thin_mini.{place}".rstrip("."))
        for name in getattr(module, "__all__", vars(module)):
            found = getattr(module, name)
            own = hasattr(module, "__all__") or (
                getattr(found, "__module__", "") == module.__name__
            )
            door = f"{room}.{name}".lstrip(".")
            tried = own and name[0] != "_" and door not in GIVEN and callable(found)
            if tried and inspect.signature(found).parameters:
                yield door, found


def test_every_public_callable_is_tried():
    tried = {resolve(name) for name in DOORS}
    assert {door for door, found in public() if found not in tried} == set()


def fault(call, others, wrong):
    """What is wrong with how a wrong value is answered, or None."""
    try:
        call()
    except (ValueError, TypeError, OSError, IndexError, tm.data.DataError) as error:
        *_, last = traceback.extract_tb(error.__traceback__)
        shape = str(tuple(getattr(wrong, "shape", ("no shape",))))
        words = {*others, repr(wrong), str(wrong), type(wrong).__name__, shape}
        if not (last.filename.startswith(HERE) and last.line.startswith("raise")):
            return f"{last.line}: {error!r}"
        return None if any(w in str(error) for w in words) else f"unnamed: {error}"
    except Exception as error:
        return repr(error)
    return "passes"


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.filterwarnings("ignore")
def test_a_wrong_value_is_named(door, world, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    function, faults = resolve(door), []
    if door not in ABSENT:
        called(function, DOORS[door](world))
    for name, about in inspect.signature(function).parameters.items():
        valid = DOORS[door](world)
        if name == "self" or about.kind is about.VAR_KEYWORD:
            continue
        for label, wrong in WRONG.items():
            if label == "None" and (
                about.default is None or "None" in str(about.annotation)
            ):
                continue
            if label in FINE.get(f"{door}.{name}", ()):
                continue
            if label == "short" and isinstance(valid.get(name), torch.Tensor):
                wrong = valid[name][:-1]
            if about.kind is about.VAR_POSITIONAL:
                wrong = [wrong]
            others = inspect.signature(function).parameters if label == "short" else ()
            call = partial(called, function, DOORS[door](world) | {name: wrong})
            if (what := fault(call, (name, *others), wrong)) is not None:
                faults.append(f"{door}.{name} = {label}: {what}"[:150])
    plt.close("all")
    assert not faults, "\n" + "\n".join(faults)


@pytest.mark.parametrize("label", [-1, -100, K])
def test_a_label_that_is_no_class_is_named_in_every_loss(label):
    wrong = LABELS.clone()
    wrong[3] = label
    model = tm.build("simple", K, **build)
    for loss in (
        lambda: tm.thin_loss(Z, wrong, Z, Z, 0.1),
        lambda: tm.losses.task_loss(Z, wrong),
        lambda: model.losses(IMAGES, wrong),
    ):
        with pytest.raises(ValueError, match=f"target label {label} is out of range"):
            loss()
