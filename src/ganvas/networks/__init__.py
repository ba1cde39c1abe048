"""Architectures: modules that know shapes and nothing of losses, optimisers or logs."""
