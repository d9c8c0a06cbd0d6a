"""An Entra access token by azure-identity: `azure_token.py [--workload] SCOPE`.

DefaultAzureCredential, or with --workload WorkloadIdentityCredential. Reads AZURE_* (or IDENTITY_*),
AZURE_AUTHORITY_HOST and REQUESTS_CA_BUNDLE.
"""
import argparse
import json
import os
import sys
from urllib.parse import urlsplit

from azure.identity import DefaultAzureCredential, WorkloadIdentityCredential

arguments = argparse.ArgumentParser()
arguments.add_argument("--workload", action="store_true")
arguments.add_argument("scope")
options = arguments.parse_args()

authority = os.environ.get("AZURE_AUTHORITY_HOST", "")
host = urlsplit(authority if "://" in authority else f"https://{authority}").hostname
loopback = host in ("localhost", "127.0.0.1", "::1")
kind = WorkloadIdentityCredential if options.workload else DefaultAzureCredential

try:
    credential = kind(disable_instance_discovery=loopback, retry_total=0)
    token = credential.get_token(options.scope)
    print(json.dumps({"token_prefix": token.token[:12], "expires_on": token.expires_on}))
except Exception as error:
    sys.exit(f"{type(error).__name__}: {error}")
