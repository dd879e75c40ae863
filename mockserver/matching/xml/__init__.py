"""Conditions on XML bodies. The parser loads nothing and expands no entities."""
