"""Takes over what the old scripts have left behind.

Only the format of `last_run_date.json` is documented (reference: the weekly ticket report). The other files are read in
every form that has only one meaning; whatever else is in them is reported, and left where it is.
"""
