"""The exact model of what a NAT policy does: sets of packets, actions, ordered rules.

Knows neither the language nor any target.
"""
