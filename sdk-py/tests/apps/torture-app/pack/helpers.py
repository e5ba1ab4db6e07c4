from . import words


def shout(text):
    return text.upper() + words.MARK
