"""Sends requests with the libraries that authors use, as they would outside a cell."""

import http.client
import io
import json
import socket
import ssl
import urllib.error
import urllib.request

import httpx
import requests

kept = []


def execute(data):
    work = globals()[f"do_{data['do']}"]
    if data.get("raise"):
        return work(*data["with"])
    try:
        return work(*data["with"])
    except Exception as error:
        reason = getattr(error, "reason", error)
        return {"error": type(error).__name__, "reason": type(reason).__name__, "text": str(error)}


def do_urllib(url, timeout=None):
    with urllib.request.urlopen(url, timeout=timeout) as answer:
        return {
            "status": answer.status,
            "reason": answer.reason,
            "header": answer.headers["x-theirs"],
            "body": answer.read().decode(),
        }


def do_urllib_status(url):
    try:
        urllib.request.urlopen(url)
    except urllib.error.HTTPError as error:
        return [error.code, error.read().decode()]


def do_urllib_post(url):
    request = urllib.request.Request(url, b"a=1", {"X-Own": "mine"}, method="PUT")
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def do_requests(url):
    answer = requests.get(url, params={"q": "ä b"}, headers={"X-Own": "mine"}, timeout=30)
    answer.raise_for_status()
    return {"url": answer.url, "status": answer.status_code, "json": answer.json()}


def do_requests_post(url):
    return requests.post(url, json={"a": [1, "ü"]}, timeout=30).json()


def do_requests_session(url, times):
    with requests.Session() as session:
        return [session.get(url, timeout=30).status_code for _ in range(times)]


def do_requests_upload(url, size):
    def parts():
        for _ in range(size):
            yield b"x" * 1024

    streamed = requests.post(url, data=parts(), timeout=30).json()
    file = requests.post(url, data=io.BytesIO(b"y" * size), timeout=30).json()
    form = requests.post(url, files={"file": ("a.txt", b"z" * size)}, timeout=30).json()
    return [len(streamed["body"]), len(file["body"]), form["headers"]["content-type"][:30]]


def do_requests_stream(url):
    with requests.get(url, stream=True, timeout=30) as answer:
        return [len(part) for part in answer.iter_content(100_000)]


def do_requests_timeout(url):
    return requests.get(url, timeout=0.2).status_code


def do_requests_secure(url):
    return requests.get(url, timeout=30).text


def do_httpx(url):
    return httpx.post(url, json={"a": 1}, timeout=30).json()


def do_client(host, port):
    connection = http.client.HTTPConnection(host, port, timeout=30)
    connection.request("POST", "/echo", body=iter([b"ab", b"cd"]), encode_chunked=True)
    answer = connection.getresponse()
    buffer = bytearray(10)
    count = answer.readinto(buffer)
    return [answer.status, answer.reason, answer.version, count, answer.msg["content-type"]]


def do_head(url):
    answer = requests.head(url, timeout=30)
    return [answer.status_code, answer.text]


def do_keep(url):
    kept.append(requests.get(url, stream=True, timeout=30))
    return kept[-1].status_code


def do_use_kept():
    return kept[0].raw.read(1_000_000).decode()


def do_leave_many(url, times):
    for _ in range(times):
        kept.append(urllib.request.urlopen(url))
    return len(kept)


def do_raw(host, port):
    with socket.create_connection((host, port)) as connection:
        connection.sendall(b"EHLO me\r\n\r\n")


def do_versions():
    return [ssl.create_default_context().verify_mode == ssl.CERT_REQUIRED, ssl.HAS_SNI]
