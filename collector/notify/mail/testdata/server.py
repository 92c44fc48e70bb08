"""A mail server for tests: server.py PORT MODE CERT KEY, MODE plain, starttls or tls.

Prints "ready", and then a line of JSON for each mail that it took. The user is seawall, the
password "correct horse". A recipient refuse@ is refused for ever, busy@ for now, and "late"
in the subject closes the connection after the mail was taken, before the farewell.
"""
import asyncio
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

port, mode, cert, key = int(sys.argv[1]), *sys.argv[2:5]


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("refuse@"):
            return "550 5.1.1 no such user"
        if address.startswith("busy@"):
            return "451 4.3.0 try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        data = envelope.content.decode("utf-8", "replace")
        print(json.dumps({"from": envelope.mail_from, "to": envelope.rcpt_tos, "data": data, "tls": mode == "tls" or session.ssl is not None,
                          "user": session.authenticated}), flush=True)
        if "late" in data:
            await server.push("250 OK")
            server.transport.abort()
            return "250 OK"
        return "250 OK"


def check(server, session, envelope, mechanism, data):
    ok = data.login == b"seawall" and data.password == b"correct horse"
    return AuthResult(success=ok, handled=False)


async def main():
    context = None
    if mode != "plain":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(cert, key)

    def make():
        secure = mode == "starttls"
        return SMTP(Handler(), tls_context=context if secure else None, require_starttls=secure, authenticator=check,
                    auth_required=mode != "plain", auth_require_tls=secure)

    server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", port, ssl=context if mode == "tls" else None)
    print("ready", flush=True)
    await server.serve_forever()


asyncio.run(main())
