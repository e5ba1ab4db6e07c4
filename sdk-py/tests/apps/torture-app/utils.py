NAME = "utils"


class OwnError(Exception):
    pass
