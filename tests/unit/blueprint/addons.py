"""A template as a user would write it, read: a queue, a table, a secret and who may use them."""

from typing import Any

QUEUE: dict[str, Any] = {
    "Description": "What the application works on",
    "Parameters": {
        "KeyArn": {"Type": "String"},
        "Name": {"Type": "String"},
        "Seconds": {"Type": "Number", "Default": 60},
    },
    "Resources": {
        "Queue": {
            "Type": "AWS::SQS::Queue",
            "DeletionPolicy": "Delete",
            "UpdateReplacePolicy": "Delete",
            "Properties": {
                "KmsMasterKeyId": {"Ref": "KeyArn"},
                "VisibilityTimeout": {"Ref": "Seconds"},
                "MessageRetentionPeriod": 345600,
            },
        },
        "Table": {
            "Type": "AWS::DynamoDB::Table",
            "DeletionPolicy": "Retain",
            "UpdateReplacePolicy": "Retain",
            "Properties": {
                "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [{"AttributeName": "Id", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "Id", "KeyType": "HASH"}],
                "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
                "SSESpecification": {
                    "SSEEnabled": True,
                    "SSEType": "KMS",
                    "KMSMasterKeyId": {"Ref": "KeyArn"},
                },
            },
        },
        "Token": {
            "Type": "AWS::SecretsManager::Secret",
            "DeletionPolicy": "Retain",
            "UpdateReplacePolicy": "Retain",
            "Properties": {
                "Description": {"Fn::Sub": "What ${Name} signs with"},
                "GenerateSecretString": {"PasswordLength": 40},
                "KmsKeyId": {"Ref": "KeyArn"},
            },
        },
        "Use": {
            "Type": "AWS::IAM::ManagedPolicy",
            "Properties": {
                "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Action": [
                                "sqs:SendMessage",
                                "sqs:ReceiveMessage",
                                "sqs:DeleteMessage",
                            ],
                            "Resource": {"Fn::GetAtt": ["Queue", "Arn"]},
                        },
                        {
                            "Effect": "Allow",
                            "Action": ["dynamodb:GetItem", "dynamodb:PutItem"],
                            "Resource": {"Fn::GetAtt": ["Table", "Arn"]},
                        },
                        {
                            "Effect": "Allow",
                            "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
                            "Resource": {"Ref": "KeyArn"},
                        },
                    ],
                }
            },
        },
    },
    "Outputs": {
        "QueueUrl": {"Value": {"Ref": "Queue"}},
        "TableName": {"Value": {"Ref": "Table"}},
        "SigningToken": {"Value": {"Ref": "Token"}},
        "UsePolicy": {"Value": {"Ref": "Use"}},
    },
}
TOLD: dict[str, Any] = {
    "Description": "Where others read which queue it is",
    "Parameters": {"QueueUrl": {"Type": "String"}},
    "Resources": {
        "Parameter": {
            "Type": "AWS::SSM::Parameter",
            "Properties": {"Type": "String", "Value": {"Ref": "QueueUrl"}},
        }
    },
    "Outputs": {"ParameterName": {"Value": {"Ref": "Parameter"}}},
}
SECTIONS: dict[str, Any] = {
    "addons": [{"template": "queue.yaml", "parameters": {"Seconds": "90"}}],
    "documents": {"queue.yaml": QUEUE},
}
TWO: dict[str, Any] = {
    "addons": [{"template": "queue.yaml"}, {"template": "told.json", "name": "told"}],
    "documents": {"queue.yaml": QUEUE, "told.json": TOLD},
}
