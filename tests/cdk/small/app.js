// The application of test_cli.py. `cdk.out` is what aws-cdk-lib 2.275.0 makes of it, without what only tells of its
// constructs, and with the function's folder as it is called here:
//   npm install aws-cdk-lib@2.275.0 constructs@10 && node app.js
const cdk = require('aws-cdk-lib');
const { aws_dynamodb: dynamodb, aws_ec2: ec2, aws_iam: iam, aws_lambda: lambda, aws_s3: s3, aws_sqs: sqs, aws_ssm: ssm } = cdk;

const app = new cdk.App({ outdir: 'made', analyticsReporting: false });
const stack = new cdk.Stack(app, 'Small');
const gone = { removalPolicy: cdk.RemovalPolicy.DESTROY };

const files = new s3.Bucket(stack, 'Files', { versioned: true, enforceSSL: true, ...gone });
const work = new sqs.Queue(stack, 'Work');
const items = new dynamodb.Table(stack, 'Items', {
  partitionKey: { name: 'id', type: dynamodb.AttributeType.STRING },
  billingMode: dynamodb.BillingMode.PAY_PER_REQUEST,
  ...gone,
});
const level = new ssm.StringParameter(stack, 'Level', { stringValue: 'low' });
new ec2.Vpc(stack, 'Network', { maxAzs: 2, natGateways: 1, restrictDefaultSecurityGroup: false });
const reader = new iam.Role(stack, 'Reader', { assumedBy: new iam.AccountRootPrincipal() });
files.grantRead(reader);

const counter = new lambda.Function(stack, 'Counter', {
  runtime: lambda.Runtime.PYTHON_3_12,
  handler: 'main.handler',
  code: lambda.Code.fromAsset('cdk.out/counter'),
  environment: { TABLE: items.tableName, QUEUE: work.queueUrl, LEVEL: level.stringValue },
});
items.grantReadWriteData(counter);
work.grantSendMessages(counter);
new cdk.CfnOutput(stack, 'CounterName', { value: counter.functionName });
app.synth();
