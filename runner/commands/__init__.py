"""The commands of the program, one file a group: parse, call one operation, echo."""
