"""The texts that customers get: their files, the checks of each kind, a preview, and the versions there were."""
