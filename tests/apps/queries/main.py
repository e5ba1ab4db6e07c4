"""An app whose SQL is in its manifest: it has no connection."""


def execute(data, query=None):
    action = data["action"]
    if action == "list":
        return {"items": query("list_items", {"limit": 10, "unknown": 1, **data.get("params", {})})}
    if action == "add":
        return {"added": [query("add_item", params) for params in data["items"]]}
    if action == "run":
        try:
            return {"rows": query(data["name"], data.get("params"))}
        except RuntimeError as error:
            return {"status": error.status, "error": str(error)}
    return {"error": f"unknown action {action}"}
