"""Models with all that was compiled of them, which runs of one structure share in turns."""

import contextlib
import json
import math
from collections.abc import Iterator, Sequence
from typing import Any

import tensorflow as tf
from cachetools import LRUCache

from aecore.models import build
from aecore.models.base import Autoencoder
from aecore.schema import RunConfig
from aecore.training.device import find_device
from aecore.training.loop import CompiledLoop
from aecore.training.predictor import Predictor
from aecore.training.run_data import DeviceData

KEPT = 8  # structures that nobody trains and that stay compiled


class RunState:
    """What a run leaves behind when its turn is over: the values of the model's and the optimizer's variables."""

    def __init__(self) -> None:
        self.model: list[Any] = []
        self.optimizer: list[Any] = []
        self.loop: CompiledLoop | None = None  # whose optimizer it is


class Structure:
    """One model and its compiled loops for all runs whose configurations have the same `structure`.

    The variables hold the values of one run at a time; `hold` swaps them, which takes a millisecond or so for each ten
    million. Only who has the turn may use it (see `aecore.training.turns`).

    Args:
        config: the first of these runs.
    """

    def __init__(self, config: RunConfig):
        self.model: Autoencoder = build(config.hyper, config.image_shape)
        self.predictor = Predictor(self.model)
        self.users = 0
        on_gpu = find_device().kind == "gpu"
        self._xla = self.model.xla_on_gpu if on_gpu else self.model.xla_on_cpu
        self._phases = {phase.name: phase for phase in self.model.training_phases()}
        self._loops: dict[str, CompiledLoop] = {}
        self._fresh: dict[CompiledLoop, list[Any]] = {}
        self._first: RunConfig | None = config  # whose untrained weights the model holds
        self._held: RunState | None = None

    def new_state(self, config: RunConfig) -> RunState:
        """The state of a run that has not begun: weights drawn from its seed."""
        state = RunState()
        same = self._first is not None and self._held is None and self._first.hyper == config.hyper
        model = self.model if same else build(config.hyper, config.image_shape)
        state.model = _values(model.variables)
        self._first = None
        return state

    def loop(self, phase: str, data_class: type[DeviceData]) -> CompiledLoop:
        """The loop of a phase, compiled at its first call."""
        if phase not in self._loops:
            loop = CompiledLoop(self.model, self._phases[phase], data_class, self._xla)
            self._loops[phase] = loop
            self._fresh[loop] = _values(loop.optimizer.variables)
        return self._loops[phase]

    def hold(self, state: RunState) -> None:
        """Sets the variables to a run's values; those of the run before go back into its state."""
        if self._held is state:
            return
        if self._held is not None:
            self._held.model = _values(self.model.variables)
            if self._held.loop is not None:
                self._held.optimizer = _values(self._held.loop.optimizer.variables)
        _assign(self.model.variables, state.model)
        if state.loop is not None:
            _assign(state.loop.optimizer.variables, state.optimizer)
        self._held = state

    def begin_phase(self, state: RunState, loop: CompiledLoop) -> None:
        """Gives the run that is held a fresh optimizer."""
        assert self._held is state
        state.loop, state.optimizer = loop, []
        _assign(loop.optimizer.variables, self._fresh[loop])

    def held_bytes(self, state: RunState) -> int:
        """What a run's values take beside those of all others: weights, and the optimizer's state."""
        optimizer = state.loop.optimizer.variables if state.loop is not None else []
        return sum(v.dtype.size * math.prod(v.shape) for v in (w.value for w in [*self.model.variables, *optimizer]))

    def drop(self, state: RunState) -> None:
        """Forgets a run that has ended."""
        if self._held is state:
            self._held = None


class Structures:
    """The structures of a process: those in use, and the ones that were used last."""

    def __init__(self) -> None:
        self._used: dict[str, Structure] = {}
        self._idle: LRUCache[str, Structure] = LRUCache(KEPT)

    @contextlib.contextmanager
    def lent(self, config: RunConfig) -> Iterator[tuple[Structure, RunState]]:
        """The structure of a run and the run's untrained state, which it holds; for who has the turn."""
        key = json.dumps([config.hyper.structure(), config.image_shape])
        structure = self._used.get(key) or self._idle.pop(key, None) or Structure(config)
        self._used[key] = structure
        structure.users += 1
        state = structure.new_state(config)
        try:
            structure.hold(state)
            yield structure, state
        finally:
            structure.drop(state)
            structure.users -= 1
            if not structure.users:
                self._idle[key] = self._used.pop(key)


def _values(variables: Sequence[Any]) -> list[Any]:
    """The values, without a copy: what is assigned or computed later is written elsewhere."""
    return [tf.raw_ops.ReadVariableOp(resource=v.value.handle, dtype=v.value.dtype) for v in variables]


def _assign(variables: Sequence[Any], values: Sequence[Any]) -> None:
    for variable, value in zip(variables, values, strict=True):
        tf.raw_ops.AssignVariableOp(resource=variable.value.handle, value=value)


STRUCTURES = Structures()
