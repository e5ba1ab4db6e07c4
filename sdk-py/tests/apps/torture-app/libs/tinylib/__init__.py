def name():
    return "tinylib"
