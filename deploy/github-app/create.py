#!/usr/bin/env python3
"""Creates Honk's GitHub App from manifest.json and keeps what GitHub answers.

Serves one page on this machine, which sends the manifest to GitHub as you. You
confirm there; GitHub sends the browser back here with a code, which is changed
once for the App's number, private key and secrets. Nothing but GitHub
and this machine sees them. Python's standard library is all it needs.
"""

import argparse
import html
import http.server
import json
import os
import pathlib
import secrets
import sys
import urllib.error
import urllib.parse
import urllib.request

# What is kept, by the names of GitHub's answer.
FILES = {"github_private_key": "pem", "github_webhook_secret": "webhook_secret", "github_client_secret": "client_secret"}
HERE = pathlib.Path(__file__).resolve().parent
SENT = """<!doctype html><meta charset="utf-8"><title>Honk</title>
<form method="post" action="{action}"><input type="hidden" name="manifest" value="{manifest}">
<button>Create the App on GitHub</button></form>"""
DONE = """<!doctype html><meta charset="utf-8"><title>Honk</title>
<p>The App is there. <a href="{install}">Install it on a repository</a>; the terminal says how to go on.</p>"""


def options():
    p = argparse.ArgumentParser(description="Create Honk's GitHub App.")
    p.add_argument("url", help="the server's public URL, HONK_PUBLIC_URL: https://honk.example.com")
    p.add_argument("--name", default="Honk", help="the App's name, unique on all of GitHub (default %(default)s)")
    p.add_argument("--org", help="the organisation that is to own it (default: you)")
    p.add_argument("--out", type=pathlib.Path, default=HERE.parent / "secrets",
                   help="directory for the private key and the secrets (default deploy/secrets)")
    p.add_argument("--github", default="https://github.com", help="GitHub's URL, for an Enterprise Server")
    p.add_argument("--api", help="its REST API (default https://api.github.com, or GITHUB/api/v3)")
    p.add_argument("--port", type=int, default=8765)
    o = p.parse_args()
    o.url, o.github = o.url.rstrip("/"), o.github.rstrip("/")
    if not o.url.startswith(("https://", "http://")):
        p.error("the URL begins with https://")
    if not o.api:
        o.api = "https://api.github.com" if o.github == "https://github.com" else o.github + "/api/v3"
    taken = [name for name in FILES if (o.out / name).exists()]
    if taken:
        p.error(f"{o.out / taken[0]} is there already; move it away, or name another directory with --out")
    return o


def manifest(o):
    m = json.loads((HERE / "manifest.json").read_text())
    m.update(name=o.name, url=o.url, redirect_url=f"http://127.0.0.1:{o.port}/created")
    m["hook_attributes"]["url"] = o.url + "/webhooks/github"
    m["callback_urls"] = [o.url + "/link/callback"]
    return m


def convert(o, code):
    """Changes the code, which works once and for an hour, for the App."""
    req = urllib.request.Request(
        f"{o.api}/app-manifests/{urllib.parse.quote(code, safe='')}/conversions", data=b"",
        headers={"Accept": "application/vnd.github+json", "User-Agent": "honk"})
    with urllib.request.urlopen(req, timeout=30) as resp:
        return json.load(resp)


def keep(o, app):
    o.out.mkdir(mode=0o700, parents=True, exist_ok=True)
    # The container's user has to read the files, so the directory is what
    # keeps others out.
    o.out.chmod(0o700)
    for name, key in FILES.items():
        fd = os.open(o.out / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o444)
        with os.fdopen(fd, "w") as f:
            f.write(app[key])
            os.fchmod(fd, 0o444)  # whatever the umask took away


def serve(o):
    """Answers until GitHub has sent the browser back, and returns the App."""
    state, found = secrets.token_urlsafe(24), {}
    owner = f"/organizations/{urllib.parse.quote(o.org)}" if o.org else ""
    action = f"{o.github}{owner}/settings/apps/new?state={state}"

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked = urllib.parse.urlsplit(self.path)
            query = dict(urllib.parse.parse_qsl(asked.query))
            if asked.path == "/":
                self.page(200, SENT.format(action=html.escape(action), manifest=html.escape(json.dumps(manifest(o)))))
            elif asked.path == "/created" and secrets.compare_digest(query.get("state", ""), state) and "code" in query:
                try:
                    found.update(convert(o, query["code"]))
                except (urllib.error.URLError, ValueError) as err:
                    self.page(502, f"<p>GitHub did not take the code: {html.escape(str(err))}")
                    return
                self.page(200, DONE.format(install=html.escape(found["html_url"] + "/installations/new")))
                server.shutdown()
            else:
                self.page(404, "<p>Not here.")

        def page(self, status, text):
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass  # the address holds the code

    # Threads, for browsers open connections that they only use later.
    with http.server.ThreadingHTTPServer(("127.0.0.1", o.port), Handler) as server:
        print(f"Open http://127.0.0.1:{o.port}/ in a browser on this machine.", flush=True)
        server.serve_forever()
    return found


def main():
    o = options()
    app = serve(o)
    keep(o, app)
    print(f"""
Created {app["html_url"]}
  HONK_GITHUB_APP_ID={app["id"]}
  HONK_GITHUB_PRIVATE_KEY_FILE={o.out / "github_private_key"}
  HONK_GITHUB_WEBHOOK_SECRET_FILE={o.out / "github_webhook_secret"}
  HONK_GITHUB_CLIENT_ID={app["client_id"]}
  HONK_GITHUB_CLIENT_SECRET_FILE={o.out / "github_client_secret"}
Install it on a repository: {app["html_url"]}/installations/new""")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
