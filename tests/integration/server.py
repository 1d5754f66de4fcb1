"""A program that trains and is killed: `python server.py EPOCHS [ended] [close]` prints the run's name and waits.

With `ended` it waits for the run's end before; with `close` it ends in good order when it is asked to.
"""

import signal
import sys
import threading
import time

from aecore.schema import RunConfig, Speed
from aecore.service import Service


def main() -> None:
    config = RunConfig.make("vanilla", "digits", None, {"code_size": 8, "epochs": sys.argv[1], "batch_size": 128})
    service = Service()
    ends = "ended" in sys.argv
    name = service.runs.train(config, Speed() if ends else Speed(epochs_per_second=3))
    while ends and service.runs.run(name).active:
        time.sleep(0.05)
    print(name, flush=True)
    if "close" in sys.argv:
        asked = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: asked.set())
        asked.wait()
        assert "tensorflow" not in sys.modules
        service.close()
    else:
        threading.Event().wait()


if __name__ == "__main__":
    main()
