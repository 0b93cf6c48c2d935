"""Rotations as the templates set them up, under load: Secrets Manager, the function, PostgreSQL, ECS."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

from tests.trust import trusting
from tests.twin.inside import run_inside

A_SECOND = 120  # logins that are tried, by tasks as they are now and by those not replaced yet
AT_ONCE = 6  # threads of each
ROTATIONS = 3


def rotate(state: str) -> dict[str, Any]:  # noqa: C901  one story
    """Rotate both secrets, again and again, under load; tell what was seen."""
    import psycopg
    from botocore.exceptions import ClientError
    from tests.twin.lambda_.small_region import zipped
    from tests.twin.rds.small_region import SmallRegion

    from underpass.blueprint.inline import shipped
    from underpass.rotation.postgres import Postgres
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
    place = {"host": small.interfaces()[0]["PrivateIpAddress"], "port": 5432, "dbname": "notes"}
    master = {"username": "app", "password": "first-password", **place}
    user = {"username": "application_a", "password": "first", **place}
    session = Postgres(master)
    session.make(user)
    session.close()
    administrator, application = (
        secrets.create_secret(Name=name, SecretString=json.dumps(value))["ARN"]
        for name, value in (("administrator", master), ("application", user))
    )
    cluster = ecs.create_cluster(clusterName="c")["cluster"]["clusterArn"]
    ecs.register_task_definition(
        family="t", containerDefinitions=[{"name": "n", "image": "i", "memory": 64}]
    )
    ecs.create_service(cluster=cluster, serviceName="n", taskDefinition="t", desiredCount=1)
    role = region.clients("iam").create_role(
        RoleName="f", AssumeRolePolicyDocument=trusting("lambda")
    )["Role"]
    variables = {"CLUSTER": cluster, "SERVICES": "n"}
    variables |= {"ADMINISTRATOR": administrator, "APPLICATION": application}
    made = lambdas.create_function(
        FunctionName="rotation",
        Runtime="python3.13",
        Role=role["Arn"],
        Handler="index.handler",
        Code={"ZipFile": zipped(shipped("underpass.rotation", "steps-postgres"))},
        Timeout=120,
        MemorySize=256,
        Environment={"Variables": variables},
    )

    def ask(secret: str = application, **more: Any) -> str:
        rules = more.pop("RotationRules", {"AutomaticallyAfterDays": 30})
        try:
            secrets.rotate_secret(
                SecretId=secret, RotationLambdaARN=made["FunctionArn"], RotationRules=rules, **more
            )
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        region.feed.wait(settled, timeout_s=60, what="still rotating", recheck_s=0.1)
        return "asked"

    def settled() -> bool:
        return not secretsmanager._busy

    def current(secret: str = application) -> dict[str, Any]:
        read: dict[str, Any] = json.loads(secrets.get_secret_value(SecretId=secret)["SecretString"])
        return read

    def log_in(value: dict[str, Any]) -> None:
        wanted = {"host": value["host"], "port": value["port"], "dbname": value["dbname"]}
        psycopg.connect(
            user=value["username"], password=value["password"], connect_timeout=10, **wanted
        ).close()

    def deployment() -> str:
        described = ecs.describe_services(cluster=cluster, services=["n"])["services"][0]
        return str(described["deployments"][0]["id"])

    done, failed, ended = list[int](), list[str](), threading.Event()
    read_before = [current(), current()]  # the second is what tasks read that are not replaced yet

    def load(which: int) -> None:
        due_s, apart_s = time.monotonic(), 2 * AT_ONCE / A_SECOND
        while not ended.wait(max(0.0, due_s - time.monotonic())):
            due_s = max(due_s + apart_s, time.monotonic() - apart_s)  # what was late is made up for
            try:
                log_in(read_before[which])
                done.append(which)
            except psycopg.Error as error:
                failed.append(f"{which}: {error}")

    seen: dict[str, Any] = {"without a permission": ask()}
    lambdas.add_permission(
        FunctionName="rotation",
        StatementId="s",
        Action="lambda:InvokeFunction",
        Principal="secretsmanager.amazonaws.com",
        SourceAccount="123456789012",
    )
    seen["tried only"] = ask(RotateImmediately=False)
    seen["after trying"] = current()["username"]
    before, users, passwords = deployment(), [], set()
    threads = [threading.Thread(target=load, args=[n % 2]) for n in range(2 * AT_ONCE)]
    for thread in threads:
        thread.start()
    began_s = time.monotonic()
    time.sleep(3)
    carried = len(done) / (time.monotonic() - began_s)  # while nothing is rotated
    for _ in range(ROTATIONS):
        ask()
        read_before[:] = [current(), read_before[0]]
        users.append(current()["username"])
        passwords.add(current()["password"])
        time.sleep(1)
        read_before[1] = read_before[0]  # the tasks are replaced before the next rotation
    ask(administrator)
    users.append(current(administrator)["username"])
    ask()
    users.append(current()["username"])
    rate = len(done) / (time.monotonic() - began_s)
    ended.set()
    for thread in threads:
        thread.join()
    seen["logins"], seen["a second"], seen["carried"] = len(done), round(rate), round(carried)
    seen["users"], seen["passwords"] = users, len(passwords)
    seen["failed"] = failed[:3]
    seen["enough logins"] = min(done.count(which) for which in (0, 1)) > 50
    seen["tasks replaced"] = before != deployment()
    for name, value in (("new master", current(administrator)), ("old master", master)):
        try:
            log_in(value)
            seen[name] = True
        except psycopg.OperationalError:
            seen[name] = False
    region.clients("rds").reboot_db_instance(DBInstanceIdentifier="notes")
    small.await_status("available")
    log_in(current(administrator))
    window = {"ScheduleExpression": "cron(0 3 ? * SUN *)", "Duration": "2h"}
    seen["window"] = ask(RotationRules=window, RotateImmediately=False)
    described = secrets.describe_secret(SecretId=application)
    seen["rules"] = described["RotationRules"] == window
    seen["next"] = described["NextRotationDate"].strftime("%w %H:%M")
    functions.stop()
    small.stop()
    return seen


def test_no_login_fails_while_passwords_change(tmp_path: Path) -> None:
    seen = run_inside(rotate, str(tmp_path))
    logins, rate, carried = (seen.pop(name) for name in ("logins", "a second", "carried"))
    print(f"{logins} logins, {rate} a second; {carried} while nothing is rotated")
    assert seen == {
        "without a permission": "AccessDeniedException",
        "tried only": "asked",
        "after trying": "application_a",
        "users": ["application_b", "application_a", "application_b", "app", "application_a"],
        "passwords": ROTATIONS,
        "failed": [],
        "enough logins": True,
        "tasks replaced": True,
        "new master": True,
        "old master": False,
        "window": "asked",
        "rules": True,
        "next": "0 03:00",
    }
