"""What a Skep app may use besides its tables: who calls, the app's log, errors.

`skep.caller` tells who made the call, `skep.log` writes to the app's log,
`skep.db` runs SQL with `$1` parameters, `skep.credentials` reads the app's secrets and
`skep.settings` its settings; `skep.notify` tells users what happened, and `skep.schedules`
when the app is called again. Apps written for psycopg2 go on using `psycopg2`; in a cell that
name is a compatible module over the same interface.

Outside a cell, `skep.testing` runs an app against a database of your own.
"""

from skep import caller, credentials, db, errors, log, notify, schedules, settings

__version__ = "1.0.0"

__all__ = ["caller", "credentials", "db", "errors", "log", "notify", "schedules", "settings"]
