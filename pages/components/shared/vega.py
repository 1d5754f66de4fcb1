"""Vega-Lite specifications as Streamlit takes them."""

from typing import Any


def without_data(chart: Any) -> dict[str, Any]:
    """The specification of an Altair chart without its data, which Streamlit adds at the top.

    It then stays the same while data change, so that a chart that is redrawn keeps its zoom.
    """
    spec = chart.to_dict()
    for part in (spec, *spec.get("layer", ())):
        part.pop("data", None)
    return spec
