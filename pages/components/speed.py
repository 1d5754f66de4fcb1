"""How fast a training goes: full speed, or slow enough to watch a model that trains in a second."""

import streamlit as st

from aecore.messages.events import Command

FULL_SPEED = "full speed"
SPEEDS = {
    FULL_SPEED: Command(epochs_per_second=0.0, steps_per_second=0.0),
    "10 epochs a second": Command(epochs_per_second=10.0, steps_per_second=0.0),
    "5 epochs a second": Command(epochs_per_second=5.0, steps_per_second=0.0),
    "1 epoch a second": Command(epochs_per_second=1.0, steps_per_second=0.0),
    "20 steps a second": Command(epochs_per_second=0.0, steps_per_second=20.0),
    "5 steps a second": Command(epochs_per_second=0.0, steps_per_second=5.0),
    "1 step a second": Command(epochs_per_second=0.0, steps_per_second=1.0),
}


def chosen_speed() -> Command:
    """The speed that the visitor has chosen."""
    return SPEEDS[st.session_state.get("speed", FULL_SPEED)]
