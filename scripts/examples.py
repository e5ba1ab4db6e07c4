"""Deploys apps and makes the calls of `examples/calls.jsonl`: examples.py SKEP FOLDER..."""

import json
import pathlib
import subprocess
import sys

# What `skep deploy` ends with where the release waits for consent.
WAITS = 3


def skep(*arguments: str) -> str:
    done = subprocess.run([sys.argv[1], *arguments], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"error: skep {arguments[0]} {arguments[1]} failed; the lines above say why")
    return done.stdout


def deploy(folder: str) -> None:
    """Deploys an app and, as its operator, consents to what it asks for."""
    command = [sys.argv[1], "deploy", "--json", folder]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode == WAITS:
        report = json.loads(done.stdout)
        release = [report["app"], str(report["number"])]
        skep("apps", "accept", *release, "--digest", report["plan"]["digest"])
    elif done.returncode:
        sys.exit(f"error: skep deploy {folder} failed; the lines above say why")


def main() -> None:
    calls = [json.loads(line) for line in open("examples/calls.jsonl", encoding="utf-8")]
    for folder in sys.argv[2:]:
        app = pathlib.Path(folder).name
        own = [call for call in calls if call["app"] == app]
        if not own:
            sys.exit(f"error: examples/calls.jsonl has no call of {app}: add one with its answer")
        deploy(folder)
        for call in own:
            how = ["--async"] if call.get("async") else []
            answer = json.loads(skep("call", *how, app, json.dumps(call["call"])))
            if answer != call["answer"]:
                sys.exit(f"error: {app}: {call['call']} gave {answer}, not {call['answer']}")
        print(f"{app}: deployed, {len(own)} calls answered as expected")


main()
