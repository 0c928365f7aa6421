"""What lithops' own Python runs: a hundred calls, mapped over functions."""

import json
import os
import sys

import lithops
from lithops.serverless.backends.aws_lambda import config as of_lambda
from lithops.serverless.backends.aws_lambda.aws_lambda import AWSLambdaBackend

ROLE = "arn:aws:iam::123456789012:role/lithops"


def invoke(backend, runtime_name, runtime_memory, payload):
    """Invoke by boto3: lithops's own request goes to AWS's host, whatever is set."""
    name = backend._format_function_name(runtime_name, runtime_memory)
    answer = backend.lambda_client.invoke(
        FunctionName=name,
        InvocationType="Event",
        Payload=json.dumps(payload, default=str),
    )
    return answer["ResponseMetadata"]["RequestId"]


def double(number):
    """Return twice a number."""
    return 2 * number


def main():
    """Map, and print whether all answers are right."""
    aws = {
        "region": os.environ["AWS_DEFAULT_REGION"],
        "access_key_id": os.environ["AWS_ACCESS_KEY_ID"],
        "secret_access_key": os.environ["AWS_SECRET_ACCESS_KEY"],
        "session_token": os.environ.get("AWS_SESSION_TOKEN", ""),
    }
    config = {
        "lithops": {"backend": "aws_lambda", "storage": "aws_s3"},
        "aws": aws,
        "aws_lambda": {"execution_role": ROLE, "max_workers": 10},
        "aws_s3": {"storage_bucket": "lithops"},
    }
    AWSLambdaBackend.invoke = invoke
    # A function of its installs these; boto3 waits a minute, too short for numpy.
    of_lambda.DEFAULT_REQUIREMENTS.remove("numpy")
    with lithops.FunctionExecutor(config=config) as executor:
        executor.map(double, range(100), chunksize=10)
        answers = executor.get_result()
        executor.clean(clean_cloudobjects=False)
    print("mapped", len(answers))
    return 0 if answers == [2 * number for number in range(100)] else 1


if __name__ == "__main__":
    sys.exit(main())
