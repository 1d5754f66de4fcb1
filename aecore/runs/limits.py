"""What a workspace may take, each limit with a sentence that says what it is and what to do."""

from aecore.errors import BadInput
from aecore.schema import RunConfig
from aecore.settings import Limits
from aecore.store.repository import Repository


def check_config(config: RunConfig, limits: Limits) -> None:
    """Refuses a run that is too large for a workspace.

    Raises:
        BadInput: one sentence for the field at fault.
    """
    if config.parameters > limits.parameters:
        field = next(name for name in ("hidden", "filters", "code_size") if name in type(config.hyper).model_fields)
        raise BadInput(
            {field: f"This model would have {config.parameters:,} parameters; here {limits.parameters:,} are allowed: "
                    "make its layers narrower."}
        )  # fmt: skip
    if config.hyper.total_epochs > limits.epochs:
        raise BadInput(
            {"epochs": f"This run would have {config.hyper.total_epochs:,} epochs; here {limits.epochs:,} are allowed: "
                       "choose fewer."}
        )  # fmt: skip


def check_room(store: Repository, limits: Limits, more: int) -> None:
    """Refuses to train where a workspace has used up what it may take.

    Args:
        store: of the workspace.
        limits: what it may take.
        more: runs that would be stored anew.

    Raises:
        BadInput: in one sentence.
    """
    usage = store.usage()
    if usage.active >= limits.runs_at_once:
        raise BadInput(
            f"Here {limits.runs_at_once} of your runs may train at once: wait until one has ended, or stop one."
        )
    if usage.runs + more > limits.runs:
        raise BadInput(f"Here you may keep {limits.runs} runs: delete some that you no longer need.")
    if usage.stored_bytes >= limits.megabytes * 1_000_000:
        raise BadInput(
            f"Your runs take {usage.stored_bytes / 1e6:.0f} MB and may take {limits.megabytes} MB here: delete some "
            "that you no longer need."
        )
    if usage.hour_seconds >= limits.hour_seconds:
        raise BadInput(
            f"Your runs have used their {limits.hour_seconds} s of the device for this hour: try again in a while."
        )


def overrun(store: Repository, run: str, limits: Limits) -> str:
    """Why a run has to pause now, in a sentence, or ""."""
    of_run, of_workspace = store.device_seconds(run)
    if of_run >= limits.run_seconds:
        return (
            f"The run has used the {limits.run_seconds} s of the device that a run may use here: train it further on a "
            "machine of your own."
        )
    if of_workspace >= limits.hour_seconds:
        return f"Your runs have used their {limits.hour_seconds} s of the device for this hour: resume it in a while."
    return ""
