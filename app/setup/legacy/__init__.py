"""What the scripts that were in use before have left behind, and how much of it is taken over.

Only the format of `last_run_date.json` is written down (reference: the weekly ticket report). The others are read in
every form that can mean one thing only; what can't be read so is told, and left where it is.
"""
