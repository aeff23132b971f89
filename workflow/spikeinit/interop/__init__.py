"""Networks that other code builds: how their layers and neurons are found, read, run and changed.

`libraries` knows the neurons of each library, `structure` the order of a network's layers, `recording` what runs
through them. The functions for users stand above them: `initialize`, `diagnose`, `convert`, `count`. `nir` writes files
that other libraries read.
"""
