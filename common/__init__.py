"""What every lab stands on: values, contract, simulator, checkers, codecs, traces, runtime.

Imports go down the floors only (see ``docs/architecture.md``); a test walks the syntax trees and
fails on an upward or a sideways import.
"""
