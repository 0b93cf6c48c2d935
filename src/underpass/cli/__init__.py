"""The command line: one file per group of commands, which parse, call and render."""
