"""AssumeRoleWithWebIdentity by boto3, unsigned, at AWS_ENDPOINT_URL_STS.

Reads ROLE_ARN, WEB_IDENTITY_TOKEN_FILE and, if set, ROLE_SESSION_NAME.
"""
import json
import os
import sys

import boto3
from botocore import UNSIGNED
from botocore.config import Config

try:
    with open(os.environ["WEB_IDENTITY_TOKEN_FILE"], encoding="ascii") as file:
        token = file.read()
    unsigned = Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1})
    answer = boto3.client("sts", config=unsigned).assume_role_with_web_identity(
        RoleArn=os.environ["ROLE_ARN"],
        RoleSessionName=os.environ.get("ROLE_SESSION_NAME", "boto3-web-identity"),
        WebIdentityToken=token,
    )
    print(json.dumps({
        "arn": answer["AssumedRoleUser"]["Arn"],
        "access_key_id": answer["Credentials"]["AccessKeyId"],
        "expiration": answer["Credentials"]["Expiration"].isoformat(),
    }))
except Exception as error:
    sys.exit(f"{type(error).__name__}: {error}")
