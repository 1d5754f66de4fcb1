"""A program that trains and is killed: `python server.py EPOCHS` prints the run's name and waits."""

import signal
import sys
import threading

from aecore.schema import RunConfig, Speed
from aecore.service import Service


def main() -> None:
    config = RunConfig.make("vanilla", "digits", None, {"code_size": 8, "epochs": sys.argv[1], "batch_size": 128})
    service = Service()
    print(service.runs.train(config, Speed(epochs_per_second=3)), flush=True)
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
