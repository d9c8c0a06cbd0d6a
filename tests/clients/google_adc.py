"""An access token by google-auth's Application Default Credentials.

Reads GOOGLE_APPLICATION_CREDENTIALS and GOOGLE_CLOUD_PROJECT. Without the project the library asks
a real Google host for it, so its absence is an error here. No Google API is called with the token.
"""
import json
import os
import sys

import google.auth
from google.auth.transport.requests import Request

SCOPE = "https://www.googleapis.com/auth/cloud-platform"

try:
    if not os.environ.get("GOOGLE_CLOUD_PROJECT"):
        raise RuntimeError("GOOGLE_CLOUD_PROJECT is not set")
    credentials, project = google.auth.default(scopes=[SCOPE])
    credentials.refresh(Request())
    print(json.dumps({
        "token_prefix": credentials.token[:12],
        "expiry": credentials.expiry.isoformat() + "Z",
        "service_account": getattr(credentials, "service_account_email", None),
        "project": project,
    }))
except Exception as error:
    sys.exit(f"{type(error).__name__}: {error}")
