NAME = "namespace"
