"""What makes work survive a kill: the engine, its queue and its locks. The only room that knows DBOS."""
