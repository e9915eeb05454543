"""Tests of natc.  `strategies` makes random values, `oracle` says what a policy means."""
