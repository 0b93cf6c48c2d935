"""An application with a queue of its own: a template beside the file, and a variable with where it is."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.machine import Footprint, Project, application

APP = """
import http.server, json, os

def work():
    import boto3  # half a second that no health check waits for
    sqs, url = boto3.client("sqs"), os.environ["QUEUE_URL"]
    sqs.send_message(QueueUrl=url, MessageBody="worked on")
    (message,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5)["Messages"]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return [message["Body"], len(os.environ["TOKEN"])]

class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        wants = self.path == "/work"
        said = (work() if "QUEUE_URL" in os.environ else "no queue") if wants else "well"
        body = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

http.server.ThreadingHTTPServer(("", 8000), Answer).serve_forever()
"""
ADDON = '[[addons]]\ntemplate = "queue.yaml"\n'
QUEUE = """\
Parameters:
  Name: {Type: String}
Resources:
  Queue:
    Type: AWS::SQS::Queue
  Secret:
    Type: AWS::SecretsManager::Secret
    Properties:
      Description: !Sub "What ${Name} signs with"
      GenerateSecretString: {PasswordLength: 40}
  Use:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      PolicyDocument:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Action: [sqs:DeleteMessage, sqs:ReceiveMessage, sqs:SendMessage]
            Resource: !GetAtt Queue.Arn
Outputs:
  QueueUrl: {Value: !Ref Queue}
  QueuePolicy: {Value: !Ref Use}
  Token: {Value: !Ref Secret}
"""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    before = Footprint.now()
    made = application(tmp_path / "small", APP, ADDON)
    (made.folder / "queue.yaml").write_text(QUEUE)
    yield made
    made.run("down", "--data", "--yes")
    assert Footprint.now() == before


def test_tasks_work_on_it_until_it_goes_which_takes_consent(project: Project) -> None:
    project.up()
    assert answer(project) == ["worked on", 40]
    file = project.folder / "underpass.toml"
    file.write_text(file.read_text().replace(ADDON, ""))
    refused = project.run("up")
    assert refused.status == 2
    assert "--allow-replace Queue --allow-replace Secret" in refused.err
    assert answer(project) == ["worked on", 40]
    gone = project.run("up", "--allow-replace", "Queue", "--allow-replace", "Secret")
    assert gone.status == 0, gone.err
    assert answer(project) == "no queue"


def answer(project: Project) -> Any:
    urls = project.run("open", "--json").json
    (url,) = (one["url"] for one in urls.values())
    with urllib.request.urlopen(f"{url}work", timeout=20) as found:
        return json.load(found)
