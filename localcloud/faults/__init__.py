"""Faults on purpose: rules that make the emulated services fail as their models in the cloud do.

`rules` says what a rule is, `active` which call meets one, `injection` what the call then gets, `answers` in which
words; `everywhere` sets rules on all services of a running cloud. The guide is ``docs/faults.md``.
"""
