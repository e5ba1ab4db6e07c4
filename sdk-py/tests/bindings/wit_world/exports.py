"""The exports of the world."""


class Lifecycle:
    pass


class Task:
    pass
