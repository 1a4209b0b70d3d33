"""The tests: a folder for each room of the service, and `tools` that they share."""

import gc

gc.disable()  # while modules are imported nothing of theirs is garbage (see `conftest.pytest_collection_finish`)
