"""moto's AWS on a free port of 127.0.0.1: prints {"port":N}, serves until standard input closes.

It answers AssumeRoleWithWebIdentity for any token and any role: no trust policy is looked at.
"""
import json
import logging
import sys

import moto.server

logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = moto.server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(json.dumps({"port": server.get_host_and_port()[1]}), flush=True)
try:
    sys.stdin.read()
finally:
    server.stop()
