"""The diagrams of the operations' pages."""

DIAGRAMS = {}
