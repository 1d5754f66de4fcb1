"""How fast a training goes: full speed, or slow enough to watch a model that trains in a second."""

import streamlit as st

from aecore.schema import Speed

FULL_SPEED = "full speed"
SPEEDS = {
    FULL_SPEED: Speed(),
    "10 epochs a second": Speed(epochs_per_second=10.0),
    "5 epochs a second": Speed(epochs_per_second=5.0),
    "1 epoch a second": Speed(epochs_per_second=1.0),
    "20 steps a second": Speed(steps_per_second=20.0),
    "5 steps a second": Speed(steps_per_second=5.0),
    "1 step a second": Speed(steps_per_second=1.0),
}


def chosen_speed() -> Speed:
    """The speed that the visitor has chosen."""
    return SPEEDS[st.session_state.get("speed", FULL_SPEED)]
