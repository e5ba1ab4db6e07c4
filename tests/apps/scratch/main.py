"""Runs what a test asks for, so that each test reads as the Python that it is about."""

import errno
import os
import shutil
import tempfile
import time

import psycopg2

# What stays behind in a reused cell.
held = []
# Whether the scratch folder could be used while the app was loaded.
at_load = None

try:
    with open("/tmp/loaded", "w") as file:
        file.write("by load")
    at_load = os.listdir("/tmp")
except OSError as error:
    at_load = errno.errorcode[error.errno]

try:
    with psycopg2.connect("") as connection, connection.cursor() as cursor:
        cursor.execute("INSERT INTO scratch_notes VALUES (%s)", [str(at_load)])
except psycopg2.Error:
    # Deployed under a name that does not own the table.
    pass


def refused(act):
    """The name of the error that an act is refused with."""
    try:
        act()
    except OSError as error:
        return errno.errorcode[error.errno]
    return None


def execute(data, conn=None):
    names = {
        "conn": conn,
        "errno": errno,
        "held": held,
        "at_load": at_load,
        "os": os,
        "refused": refused,
        "shutil": shutil,
        "tempfile": tempfile,
        "time": time,
    }
    exec(data["python"], names)
    return {"result": names.get("result")}
