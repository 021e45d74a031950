"""Boards under bad treatment: killed, cut off from power, copied, cloned, edited, flooded (docs/spec/log.md, "Faults").

`make test` runs the quick form of each, `make torture` the long one.
"""
