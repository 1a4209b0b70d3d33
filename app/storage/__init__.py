"""The database: connections and transactions, its versions, whose files it is made of, and where it was moved to."""
