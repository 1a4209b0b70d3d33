"""The weekly digest: which customers hear about which of their closed tickets.

`sources` reads the report from wherever it lies, `selection` decides what is reported and to whom.
"""
