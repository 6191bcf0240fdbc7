"""Routes: the tree walked by hand, and information where it is known."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import mutual_info_score

import thin_mini as tm
from thin_mini.insight import routes


def tree(depth, features=5, sharpness=1.0):
    """A gate whose logits are ``sharpness`` times the projections it was born with."""
    gate = tm.TreeGate(features, depth)
    gate.norm.weight.data.fill_(sharpness)
    return gate


def hard(left, depth):
    """Routes of images that go left (1) or right (0) at each split for certain."""
    gate = tm.TreeGate(2**depth - 1, depth)
    with torch.no_grad():
        gate.linear.weight.copy_(100 * torch.eye(2**depth - 1))
        gate.linear.bias.fill_(-50)
    return routes.node_probabilities(gate, left.float())


@pytest.mark.parametrize("depth", [1, 3, 5])
def test_the_way_to_each_node_is_the_product_of_the_turns(depth):
    gate, h = tree(depth, sharpness=2.0), torch.randn(6, 5)
    gate.norm.running_mean.normal_()
    reach, left = routes.node_probabilities(gate.train(), h)
    assert not gate.training
    assert not reach.requires_grad
    assert reach.shape == (6, 2 ** (depth + 1) - 1)
    turns = gate.node_logits(h).sigmoid().detach()
    torch.testing.assert_close(left.float(), turns.cpu())
    for n in range(1, reach.shape[1]):
        parent = (n - 1) // 2
        turn = left[:, parent] if n % 2 else 1 - left[:, parent]
        torch.testing.assert_close(reach[:, n], reach[:, parent] * turn)
    assert (reach[:, 0] == 1).all()
    leaves = reach[:, 2**depth - 1 :]
    torch.testing.assert_close(leaves.float(), gate(h).detach().cpu())


def test_node_names_say_the_way():
    assert routes.node_names(2) == ["root", "L", "R", "LL", "LR", "RL", "RR"]
    left = torch.tensor([[1, 0, 0]])  # left, then right
    reached = np.array(routes.node_names(2))[hard(left, 2).reach[0].numpy() > 0.5]
    assert reached.tolist() == ["root", "L", "LR"]


def test_the_most_representative_reach_each_node_best():
    gate, h = tree(2), torch.randn(30, 5)
    reach, _ = routes.node_probabilities(gate, h)
    chosen = routes.most_representative(gate, h, 4)
    assert chosen.shape == (7, 4)
    assert chosen[0].tolist() == [0, 1, 2, 3]
    for n in range(1, 7):
        expected = reach[:, n].topk(4).values
        torch.testing.assert_close(reach[chosen[n], n], expected)


def test_the_most_representative_differ_where_probabilities_round_to_one():
    gate = tree(1, features=1)
    gate.linear.weight.data.fill_(1)
    h = torch.tensor([[60.0], [80], [70]])
    assert (routes.node_probabilities(gate, h).reach[:, 1] == 1).all()
    assert routes.most_representative(gate, h, 3)[1].tolist() == [1, 2, 0]


@pytest.mark.parametrize("k", [0, 4])
def test_more_images_than_there_are_are_refused(k):
    with pytest.raises(ValueError, match=f"k must lie between 1 and 3, got {k}"):
        routes.most_representative(tree(1), torch.randn(3, 5), k)


def test_an_unfit_representation_is_refused():
    with pytest.raises(ValueError, match="row 0 of h_g holds NaN"):
        routes.node_probabilities(tree(1), torch.full((2, 5), float("nan")))
    with pytest.raises(ValueError, match="5"):
        routes.node_probabilities(tree(1), torch.ones(2, 4))


def test_a_hard_split_knows_a_bit_of_what_it_splits_by_and_nothing_else():
    old, woman = torch.cartesian_prod(torch.arange(2), torch.arange(2)).T.repeat(1, 25)
    turns = torch.stack([old, woman, 1 - woman], 1)  # by age, then by sex on both sides
    bits, chance = routes.mutual_information(
        hard(turns, 2), {"age": old, "sex": woman.bool(), "both": 2 * old + woman}
    )
    assert bits.index.tolist() == ["root", "L", "R", "whole tree"]
    expected = pd.DataFrame(
        {"age": [1.0, 0, 0, 1], "sex": [0, 1, 1, 1.0], "both": [1.0, 1, 1, 2]}
    )
    np.testing.assert_allclose(bits, expected, atol=1e-6)
    assert (chance.loc["whole tree"] < 0.2).all()
    assert (chance > 0).all(None)


def test_a_soft_split_counted_by_hand():
    left, factor = (
        torch.tensor([[0.9], [0.6], [0.2], [0.4]]),
        torch.tensor([1, 1, 0, 0]),
    )
    reach = torch.cat([torch.ones(4, 1), left, 1 - left], 1)
    bits, _ = routes.mutual_information(routes.Routes(reach, left), {"f": factor})
    joint = np.array([[0.75, 0.25], [0.3, 0.7]]) / 2  # factor, side
    apart = joint.sum(1, keepdims=True) * joint.sum(0, keepdims=True)
    expected = (joint * np.log2(joint / apart)).sum()
    assert bits["f"].tolist() == pytest.approx([expected, expected])


def test_a_hard_split_agrees_with_scikit_learn():
    left, factor = torch.randint(2, (80, 1)), torch.randint(5, (80,))
    bits, _ = routes.mutual_information(hard(left, 1), {"f": factor})
    expected = mutual_info_score(factor.cpu(), left[:, 0].cpu()) / math.log(2)
    assert bits.loc["root", "f"] == pytest.approx(expected, abs=1e-6)


def test_the_whole_tree_knows_the_sum_of_its_splits_by_their_shares():
    gate, h = tree(3, sharpness=9.0), torch.randn(200, 5)
    routed = routes.node_probabilities(gate, h)
    seen = gate.linear(h)[:, 0]  # by the root
    factors = {"continuous": seen, "class": torch.randint(4, (200,))}
    bits, chance = routes.mutual_information(routed, factors)
    share = routed.reach.mean(0)[:7].numpy()
    for name in factors:
        total = (share * bits[name][:7]).sum()
        assert bits.loc["whole tree", name] == pytest.approx(total)
    again = routes.mutual_information(routed, factors)
    pd.testing.assert_frame_equal(chance, again.chance)
    excess = (bits - chance).loc["whole tree"]
    assert excess["continuous"] > 0.2
    assert abs(excess["class"]) < 0.05


def test_continuous_factors_are_cut_into_quantiles_and_equal_values_never_part():
    left = (torch.arange(80) < 40).long()[:, None]
    skewed = (torch.arange(80) / 80.0) ** 9
    rare = (torch.arange(80) >= 76).float()  # 5 % ones
    split = hard(left, 1)
    bits, _ = routes.mutual_information(split, {"skewed": skewed, "rare": rare})
    classes, _ = routes.mutual_information(split, {"rare": rare.long()})
    assert bits.loc["root", "skewed"] == pytest.approx(1, abs=1e-6)
    assert bits.loc["root", "rare"] == pytest.approx(classes.loc["root", "rare"])
    odd, _ = routes.mutual_information(split, {"skewed": skewed}, bins=3)
    # The middle third lies on both sides: its share of the bit is lost.
    assert odd.loc["root", "skewed"] == pytest.approx(2 / 3, abs=0.02)


@pytest.mark.parametrize(
    ("factor", "options", "message"),
    [
        (torch.ones(8), {}, "age is the same for all images"),
        (torch.arange(7), {}, r"age must be \(8,\), one number each, got \(7,\)"),
        (torch.tensor([float("nan")] * 8), {}, "age must be finite, got nan at 0"),
        (torch.arange(8.0), {"bins": 1}, "bins must be at least 2, got 1"),
        (torch.arange(8.0), {"shuffles": 0}, "shuffles must be at least 1, got 0"),
    ],
)
def test_a_factor_that_says_nothing_is_refused(factor, options, message):
    routed = routes.node_probabilities(tree(1), torch.randn(8, 5))
    with pytest.raises(ValueError, match=message):
        routes.mutual_information(routed, {"age": factor}, **options)
