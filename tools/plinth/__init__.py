# SPDX-License-Identifier: Apache-2.0
"""The parts of the ./plinth command. Python's standard library only; runs on Debian 12 (3.11) and 13 (3.13)."""
