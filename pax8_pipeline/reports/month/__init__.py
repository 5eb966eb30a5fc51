"""The result of a month that was compared: reading it, and writing it for a terminal or a program."""
