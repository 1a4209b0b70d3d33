"""The database: connections and transactions, its versions, who owns its files, and where it was moved to."""
