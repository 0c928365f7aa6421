"""Functions of this suite's own: created with patience, and removed afterwards."""

import contextlib
import uuid

from botocore.exceptions import ClientError
from tests.support.lambda_api import eventually

PREFIX = "conformance-"


@contextlib.contextmanager
def own_names(client, logs):
    """Yield a maker of names; what is created under them is removed afterwards."""

    def remove_function(name):
        with contextlib.suppress(client.exceptions.ResourceNotFoundException):
            client.delete_function(FunctionName=name)

    def remove_log(name):
        with contextlib.suppress(logs.exceptions.ResourceNotFoundException):
            logs.delete_log_group(logGroupName=f"/aws/lambda/{name}")

    with contextlib.ExitStack() as removals:  # goes on after one that fails

        def new_name():
            name = f"{PREFIX}{uuid.uuid4().hex[:12]}"
            removals.callback(remove_log, name)
            removals.callback(remove_function, name)  # first
            return name

        yield new_name


def create_function(client, request):
    """Create a function; IAM takes seconds to tell Lambda of a new role."""

    def created():
        try:
            return client.create_function(**request)
        except ClientError as error:
            if "cannot be assumed by Lambda" in str(error):
                return None
            raise

    return eventually(created, within_s=60, every_s=2)
