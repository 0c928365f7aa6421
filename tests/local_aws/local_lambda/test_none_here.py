"""What the local Lambda never has: listed as none, so that tools get through."""

from tests.support.lambda_api import ECHO


def test_what_a_function_has_none_of_is_listed_as_none(deploy, client):
    """Tools look before they deploy, and give up at a refusal."""
    echo = deploy(ECHO)
    provisioned = echo.list_provisioned_concurrency_configs()
    mappings = client.list_event_source_mappings(FunctionName=echo)
    signing = echo.get_function_code_signing_config()

    assert provisioned["ProvisionedConcurrencyConfigs"] == []
    assert mappings["EventSourceMappings"] == []
    assert client.list_code_signing_configs()["CodeSigningConfigs"] == []
    assert "CodeSigningConfigArn" not in signing
    assert echo.get_runtime_management_config()["UpdateRuntimeOn"] == "Auto"
    assert echo.get_function_recursion_config()["RecursiveLoop"] == "Terminate"
    assert echo.refused("get_provisioned_concurrency_config", Qualifier="1") == (
        404,
        "ProvisionedConcurrencyConfigNotFoundException",
        "No Provisioned Concurrency Config found for this function",
    )
