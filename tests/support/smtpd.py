#!/usr/bin/python3
"""smtpd.py PORT FOLDER plain|starttls|smtps [CERT KEY USER PASSWORD]: a mail server that keeps what it gets.

Each mail becomes FOLDER/N.eml, its sender and recipient FOLDER/N.to. refused@ is refused for good, later@ for now.
"""
import itertools
import os
import signal
import ssl
import sys
import threading

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

port, folder, kind = int(sys.argv[1]), sys.argv[2], sys.argv[3]
numbers = itertools.count(1 + sum(name.endswith(".eml") for name in os.listdir(folder)))


class Keep:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("refused@"):
            return "550 5.1.1 no such person"
        if address.startswith("later@"):
            return "450 4.2.1 not now"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        name = os.path.join(folder, str(next(numbers)))
        with open(name + ".to", "w") as f:
            f.write(" ".join([envelope.mail_from] + envelope.rcpt_tos) + "\n")
        with open(name + ".tmp", "wb") as f:
            f.write(envelope.original_content)
        os.rename(name + ".tmp", name + ".eml")
        return "250 OK"


options = {}
if kind != "plain":
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[4], sys.argv[5])
    user, password = sys.argv[6].encode(), sys.argv[7].encode()

    def known(server, session, envelope, mechanism, data):
        return AuthResult(success=(data.login, data.password) == (user, password), handled=False)

    options = {"auth_required": True, "authenticator": known}
    if kind == "starttls":
        options.update(tls_context=context, require_starttls=True)
    else:
        options.update(ssl_context=context, auth_require_tls=False)
server = Controller(Keep(), hostname="127.0.0.1", port=port, **options)
server.start()
print("ready", flush=True)
done = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: done.set())
done.wait()
server.stop()
