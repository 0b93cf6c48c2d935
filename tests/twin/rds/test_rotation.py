"""A rotation as the templates set it up: Secrets Manager, the function, RDS, a real PostgreSQL, ECS."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.twin.inside import run_inside


def rotate(state: str) -> dict[str, Any]:
    """Rotate a secret twice, the second time through a function that fails at first; tell what was seen."""
    import psycopg
    from botocore.exceptions import ClientError
    from tests.twin.lambda_.small_region import zipped
    from tests.twin.rds.small_region import SmallRegion

    from underpass.blueprint.service.rotation import source
    from underpass.twin.api import patch
    from underpass.twin.services.lambda_ import Functions
    from underpass.twin.services.lambda_ import patches as lambda_
    from underpass.twin.services.secretsmanager import patches as secretsmanager

    patch.apply(lambda_, secretsmanager)
    small = SmallRegion(Path(state))
    region = small.region
    url = region.clients("rds").meta.endpoint_url
    functions = Functions(region, network="", endpoint_url=url)
    lambda_.attach(functions)
    secrets, ecs, lambdas = (region.clients(name) for name in ("secretsmanager", "ecs", "lambda"))

    small.create()
    small.await_status("available")
    value = {"username": "app", "password": "first-password", "host": "h"}
    secret = secrets.create_secret(Name="s", SecretString=json.dumps(value))["ARN"]
    cluster = ecs.create_cluster(clusterName="c")["cluster"]["clusterArn"]
    ecs.register_task_definition(
        family="t", containerDefinitions=[{"name": "n", "image": "i", "memory": 64}]
    )
    ecs.create_service(cluster=cluster, serviceName="n", taskDefinition="t", desiredCount=1)
    role = region.clients("iam").create_role(RoleName="f", AssumeRolePolicyDocument="{}")["Role"]
    made = lambdas.create_function(
        FunctionName="rotation",
        Runtime="python3.13",
        Role=role["Arn"],
        Handler="index.handler",
        Code={"ZipFile": zipped(source())},
        Timeout=60,
        MemorySize=256,
        Environment={
            "Variables": {
                "SECRET": secret,
                "DATABASE": "notes",
                "CLUSTER": cluster,
                "SERVICE": "n",
            }
        },
    )

    def ask(**more: Any) -> str:
        try:
            secrets.rotate_secret(
                SecretId=secret,
                RotationLambdaARN=made["FunctionArn"],
                RotationRules={"AutomaticallyAfterDays": 30},
                **more,
            )
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return "asked"

    def current() -> dict[str, str]:
        read: dict[str, str] = json.loads(secrets.get_secret_value(SecretId=secret)["SecretString"])
        return read

    def opens(password: str) -> bool:
        try:
            return small.query("select 1", password=password) == [[1]]
        except psycopg.OperationalError:
            return False

    def settled() -> bool:
        return not secretsmanager._busy

    def wait() -> None:
        region.feed.wait(settled, timeout_s=60, what="still rotating", recheck_s=0.1)

    def deployment() -> str:
        described = ecs.describe_services(cluster=cluster, services=["n"])["services"][0]
        return str(described["deployments"][0]["id"])

    before = deployment()
    seen: dict[str, Any] = {"without a permission": ask()}
    lambdas.add_permission(
        FunctionName="rotation",
        StatementId="s",
        Action="lambda:InvokeFunction",
        Principal="secretsmanager.amazonaws.com",
        SourceAccount="123456789012",
    )
    seen["tried only"] = ask(RotateImmediately=False)
    wait()
    seen["after trying"] = (current()["password"], opens("first-password"))
    seen["versions after trying"] = len(
        secrets.describe_secret(SecretId=secret)["VersionIdsToStages"]
    )

    def environment(**changes: str) -> None:
        now = lambdas.get_function_configuration(FunctionName="rotation")["Environment"]
        variables = {**now["Variables"], **changes}
        lambdas.update_function_configuration(
            FunctionName="rotation", Environment={"Variables": variables}
        )

    environment(DATABASE="nobody")
    seen["asked"] = ask()
    wait()
    seen["after a failure"] = (current()["password"], opens("first-password"))
    after_failure = deployment()
    environment(DATABASE="notes")
    ask()
    wait()
    now = current()
    seen["kept"] = {key: now[key] for key in ("username", "host")}
    seen["new"] = (now["password"] != "first-password", opens(now["password"]))
    seen["old"] = opens("first-password")
    seen["tasks replaced"] = (before == after_failure, before == deployment())
    functions.stop()
    small.stop()
    return seen


def test_the_password_changes_in_the_database_and_in_the_secret(tmp_path: Path) -> None:
    seen = run_inside(rotate, str(tmp_path))
    assert seen == {
        "without a permission": "AccessDeniedException",
        "tried only": "asked",
        "after trying": ["first-password", True],
        "versions after trying": 1,
        "asked": "asked",
        "after a failure": ["first-password", True],
        "kept": {"username": "app", "host": "h"},
        "new": [True, True],
        "old": False,
        "tasks replaced": [True, False],
    }
