"""Networks frozen for good: what keeps them so, and what wakes a copy."""

from __future__ import annotations

from torch import nn

from thin_mini.basics import checks


def freeze(network: nn.Module) -> None:
    """Fix every parameter and running statistic, whatever is asked of them later."""
    for module in network.modules():
        if not is_asleep(module):
            module.register_forward_pre_hook(stay_asleep)
        # Copies, because an optimiser made before may still hold the originals.
        for name, p in module.named_parameters(recurse=False):
            fixed = nn.Parameter(p.detach().clone(), requires_grad=False)
            setattr(module, name, fixed)


def stay_asleep(module: nn.Module, inputs: object) -> None:
    """The hook of a frozen module, before it is used.

    ``train()`` and ``requires_grad_()`` of any module around it would wake its batch
    norms and its parameters; they go back to sleep here.
    """
    module.training = False
    for p in module.parameters(recurse=False):
        if p.requires_grad:
            p.requires_grad_(False)


def is_asleep(module: nn.Module) -> bool:
    """Whether this module itself is frozen."""
    return stay_asleep in module._forward_pre_hooks.values()


def wake(network: nn.Module) -> None:
    """Let a copy of a frozen network be trained again."""
    for module in network.modules():
        for key, hook in list(module._forward_pre_hooks.items()):
            if hook is stay_asleep:
                del module._forward_pre_hooks[key]
    network.requires_grad_(True).train()


def trained_parameters(model: nn.Module) -> list[nn.Parameter]:
    """What an optimiser is to get: what of ``model`` is not fixed or frozen."""
    checks.instance("model", model, nn.Module, "pass a network")
    for module in model.modules():
        if is_asleep(module):
            stay_asleep(module, None)
    return [p for p in model.parameters() if p.requires_grad]


def check_awake(name: str, part: nn.Module, context: nn.Module | None = None) -> None:
    """Raise a ValueError that names the mend if a part to be trained is frozen.

    Args:
        name: Of the part.
        part: That is to be trained.
        context: The frozen side, with which it may not share a parameter either.
    """
    fixed = set() if context is None else {id(p) for p in context.parameters()}
    if any(is_asleep(module) for module in part.modules()) or any(
        id(p) in fixed for p in part.parameters()
    ):
        raise ValueError(
            f"the {name} belongs to a frozen network, or is a copy of a part of one, "
            "and would never train: to start from its weights, pass "
            f"{name}=tm.starting_encoder(network)"
        )
