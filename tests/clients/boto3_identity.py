"""Who are we at AWS, by boto3's default chain: `boto3_identity.py [--profile NAME]`.

Reads what any AWS program reads: AWS_* variables or a profile, AWS_ENDPOINT_URL_STS, a region.
"""
import argparse
import json
import sys

import boto3
from botocore.config import Config

arguments = argparse.ArgumentParser()
arguments.add_argument("--profile")
profile = arguments.parse_args().profile

try:
    session = boto3.Session(profile_name=profile)
    sts = session.client("sts", config=Config(retries={"total_max_attempts": 1}))
    answer = sts.get_caller_identity()
    print(json.dumps({"arn": answer["Arn"], "account": answer["Account"]}))
except Exception as error:
    sys.exit(f"{type(error).__name__}: {error}")
