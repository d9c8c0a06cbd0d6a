"""AssumeRole by boto3 with the credentials at hand (the second hop of a role chain).

Reads ROLE_ARN and, if set, EXTERNAL_ID and ROLE_SESSION_NAME.
"""
import json
import os
import sys

import boto3
from botocore.config import Config

try:
    request = {
        "RoleArn": os.environ["ROLE_ARN"],
        "RoleSessionName": os.environ.get("ROLE_SESSION_NAME", "boto3-assume-role"),
    }
    if "EXTERNAL_ID" in os.environ:
        request["ExternalId"] = os.environ["EXTERNAL_ID"]
    sts = boto3.client("sts", config=Config(retries={"total_max_attempts": 1}))
    answer = sts.assume_role(**request)
    print(json.dumps({
        "arn": answer["AssumedRoleUser"]["Arn"],
        "access_key_id": answer["Credentials"]["AccessKeyId"],
        "expiration": answer["Credentials"]["Expiration"].isoformat(),
    }))
except Exception as error:
    sys.exit(f"{type(error).__name__}: {error}")
