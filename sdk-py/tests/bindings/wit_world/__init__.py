"""Stands for the bindings that componentize-py generates: same names, test host behind."""


class WitWorld:
    pass
