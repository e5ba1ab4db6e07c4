"""Uses credentials and settings in every way. Deployed by `tests/it/secrets.rs`."""

import logging

import skep
from skep.errors import CredentialNotSet, InvalidSetting, UndeclaredCredential, UndeclaredSetting


def execute(data):
    credentials, settings = skep.credentials, skep.settings
    match data["action"]:
        case "credentials":
            return {
                "text": credentials.get("erp"),
                "bytes": credentials.get_bytes("erp").hex(),
                "user": credentials.get_json("account")["user"],
            }
        case "settings":
            before = settings.all()
            settings.set("count", 0)
            settings.set("fast", False)
            changed = settings.all()
            settings.unset("fast")
            return {"before": before, "changed": changed, "fast": settings.get("fast")}
        case "refused":
            return {
                "undeclared": raised(UndeclaredCredential, credentials.get, "other"),
                "not_set": raised(CredentialNotSet, credentials.get, "unset"),
                "no_setting": raised(UndeclaredSetting, settings.get, "other"),
                "invalid": raised(InvalidSetting, settings.set, "count", "many"),
            }
        case "tell":
            secret = credentials.get("erp")
            print("printed", secret)
            logging.warning("logged %s", secret)
            skep.log.info("told", secret=secret)
            raise RuntimeError(f"failed with {secret}")
    raise ValueError(data["action"])


def raised(expected, function, *arguments):
    try:
        function(*arguments)
    except expected as error:
        return str(error)
    return None
