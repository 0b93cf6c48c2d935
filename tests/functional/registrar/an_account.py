"""An account to run against from outside: moto's APIs on a loopback port, with a deployed registrar.

Its own process, because the twin changes moto in the one it runs in. Prints where it is as a line of JSON and
lives until its standard input is closed.
"""

from __future__ import annotations

import io
import json
import os
import sys
import zipfile

import boto3
from moto.server import ThreadedMotoServer
from tests.functional.registrar.conftest import REGION, Account

TEMPLATE = {
    "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
    "Outputs": {"RegistrarFunctionName": {"Value": "registrar"}},
}


def deploy(name: str, variables: dict[str, str]) -> None:
    """Make the stack and the function that a run looks for."""
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("index.py", "")
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "lambda.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    role = boto3.client("iam").create_role(
        RoleName="registrar", AssumeRolePolicyDocument=json.dumps(trust)
    )
    boto3.client("lambda", REGION).create_function(
        FunctionName="registrar",
        Runtime="python3.13",
        Role=role["Role"]["Arn"],
        Handler="index.handler",
        Code={"ZipFile": code.getvalue()},
        Environment={"Variables": variables},
    )
    boto3.client("cloudformation", REGION).create_stack(
        StackName=f"{name}-path", TemplateBody=json.dumps(TEMPLATE)
    )


def main(name: str) -> None:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    os.environ["AWS_ENDPOINT_URL"] = f"http://{host}:{port}"
    account = Account()
    address = account.interface(0)["PrivateIpAddress"]
    deploy(name, account.environment)
    told = {"url": os.environ["AWS_ENDPOINT_URL"], "address": address, "group": account.group_arn}
    print(json.dumps(told), flush=True)
    sys.stdin.read()
    server.stop()


if __name__ == "__main__":
    main(sys.argv[1])
