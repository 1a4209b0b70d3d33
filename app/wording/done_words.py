"""What became of the orders of some days, in a few words."""


def done_words(accounts: int, added: int) -> str:
    """`12 accounts made, 2 orders added to customers`."""
    made = f"{accounts:,} {'account' if accounts == 1 else 'accounts'} made"
    return f"{made}, {added_words(added)}" if added else made


def added_words(added: int) -> str:
    """`2 orders added to customers`."""
    return "1 order added to a customer" if added == 1 else f"{added:,} orders added to customers"
