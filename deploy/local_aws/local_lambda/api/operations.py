"""The operations that are modelled, with the HTTP status of their answers."""

from collections.abc import Awaitable, Callable

from local_aws.local_lambda.api import (
    aliases,
    concurrency,
    empty_answers,
    event_configs,
    functions,
    layers,
    policies,
    tags,
    versions,
)
from local_aws.local_lambda.api import function_urls as url_config
from local_aws.local_lambda.functions.registry import Registry
from local_aws.local_lambda.requests.service_model import Answer, Call

Operation = Callable[[Registry, Call], Awaitable[Answer]]

OPERATIONS: dict[str, tuple[int, Operation]] = {
    "CreateFunction": (201, functions.create),
    "GetFunction": (200, functions.get),
    "GetFunctionConfiguration": (200, functions.get_configuration),
    "ListFunctions": (200, functions.list_),
    "UpdateFunctionCode": (200, functions.update_code),
    "UpdateFunctionConfiguration": (200, functions.update_configuration),
    "DeleteFunction": (204, functions.delete),
    "PublishVersion": (201, versions.publish),
    "ListVersionsByFunction": (200, versions.list_),
    "CreateAlias": (201, aliases.create),
    "GetAlias": (200, aliases.get),
    "UpdateAlias": (200, aliases.update),
    "DeleteAlias": (204, aliases.delete),
    "ListAliases": (200, aliases.list_),
    "AddPermission": (201, policies.add),
    "GetPolicy": (200, policies.get),
    "RemovePermission": (204, policies.remove),
    "PutFunctionEventInvokeConfig": (200, event_configs.put),
    "UpdateFunctionEventInvokeConfig": (200, event_configs.update),
    "GetFunctionEventInvokeConfig": (200, event_configs.get),
    "DeleteFunctionEventInvokeConfig": (204, event_configs.delete),
    "ListFunctionEventInvokeConfigs": (200, event_configs.list_),
    "CreateFunctionUrlConfig": (201, url_config.create),
    "GetFunctionUrlConfig": (200, url_config.get),
    "UpdateFunctionUrlConfig": (200, url_config.update),
    "DeleteFunctionUrlConfig": (204, url_config.delete),
    "ListFunctionUrlConfigs": (200, url_config.list_),
    "PutFunctionConcurrency": (200, concurrency.put),
    "GetFunctionConcurrency": (200, concurrency.get),
    "DeleteFunctionConcurrency": (204, concurrency.delete),
    "GetAccountSettings": (200, concurrency.account_settings),
    "PublishLayerVersion": (201, layers.publish),
    "ListLayers": (200, layers.list_),
    "ListLayerVersions": (200, layers.list_versions),
    "GetLayerVersion": (200, layers.get),
    "GetLayerVersionByArn": (200, layers.get),
    "DeleteLayerVersion": (204, layers.delete),
    "ListEventSourceMappings": (200, empty_answers.listed("EventSourceMappings")),
    "GetEventSourceMapping": (200, empty_answers.get_event_source_mapping),
    "ListCodeSigningConfigs": (200, empty_answers.listed("CodeSigningConfigs")),
    "GetFunctionCodeSigningConfig": (200, empty_answers.get_code_signing),
    "ListProvisionedConcurrencyConfigs": (
        200,
        empty_answers.list_provisioned_concurrency,
    ),
    "GetProvisionedConcurrencyConfig": (200, empty_answers.get_provisioned_concurrency),
    "GetRuntimeManagementConfig": (200, empty_answers.get_runtime_management),
    "GetFunctionRecursionConfig": (200, empty_answers.get_recursion),
    "TagResource": (204, tags.tag),
    "UntagResource": (204, tags.untag),
    "ListTags": (200, tags.list_),
}
