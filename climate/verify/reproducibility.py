"""Do two runs of the pipeline agree within what another processor may change?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

CLASSICAL_TOLERANCE = 0.02
"""Relative difference of a classical model's CRPS that optimisers' last digits may make."""

NETWORK_TOLERANCE = 0.05
"""The same for a trained network, and for what is combined from it."""


def differences(ours: Mapping[str, Any], reference: Mapping[str, Any], networks: frozenset[str]) -> list[str]:
    """Lines that name each score outside its tolerance, or missing on one side; NaN equals NaN alone.

    Args:
        ours, reference: nested mappings that end in numbers, such as the CRPS by region, block and model.
        networks: keys under which numbers may differ by NETWORK_TOLERANCE.
    """
    left, right = dict(_leaves(ours)), dict(_leaves(reference))
    lines = [f"{'.'.join(path)}: only in the reference" for path in right if path not in left]
    lines += [f"{'.'.join(path)}: not in the reference" for path in left if path not in right]
    for path in left.keys() & right.keys():
        tolerance = NETWORK_TOLERANCE if networks & set(path) else CLASSICAL_TOLERANCE
        ours_here, expected = left[path], right[path]
        both_missing = math.isnan(ours_here) and math.isnan(expected)
        if not both_missing and not abs(ours_here - expected) <= tolerance * abs(expected):
            lines.append(f"{'.'.join(path)}: found {ours_here}, expected {expected} within {tolerance:.0%}")
    return sorted(lines)


def _leaves(tree: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], float]]:
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, (*path, key))
        else:
            yield (*path, key), float(value)
