#!/usr/bin/python3
"""An answer server as people write it after the Proxmox wiki: aiohttp, one TOML file for each MAC address, TLS. Usage: answer-server.py FOLDER ADDRESS PORT"""

import json
import pathlib
import ssl
import sys

from aiohttp import web

FOLDER = pathlib.Path(sys.argv[1])


def answer_for(information):
    for interface in information.get("network_interfaces", []):
        path = FOLDER / "answers" / (interface.get("mac", "").lower() + ".toml")
        if path.is_file():
            return path.read_text()
    return None


async def answer(request):
    try:
        information = json.loads(await request.text())
    except json.JSONDecodeError:
        return web.Response(status=400, text="not JSON")
    text = answer_for(information)
    if text is None:
        return web.Response(status=404, text="no answer for this machine")
    return web.Response(text=text, content_type="application/toml")


def main():
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(FOLDER / "cert.pem", FOLDER / "key.pem")
    application = web.Application()
    application.router.add_post("/answer/{token}", answer)
    web.run_app(application, host=sys.argv[2], port=int(sys.argv[3]), ssl_context=context)


main()
