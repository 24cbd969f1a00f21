"""What the programs share: their front doors and command lines; imported by all rooms that have a program."""
