"""template.yaml: what it promises, and that its moving parts move on moto.

Its syntax and every property's type are `sam validate`'s and cfn-lint's: see ``.ci/run``.
"""

import importlib
import json
import re
import time
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from moto.core.config import default_user_config
from moto.server import ThreadedMotoServer

from handler.aws import USER_INDEX
from handler.cohort_table import FOLDER
from handler.events import parse_queue_message
from handler.identity import Access
from handler.keys import OWN_PREFIX, PARTS, REPORT, make_key
from handler.records import Record
from handler.routes import ROUTES
from handler.storage import MAX_DELIVERIES

ROOT = Path(__file__).parents[2]
REGION = "ap-northeast-2"
NO_VALUE = "AWS::NoValue"


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms as the long ones."""


def _construct(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
        return {name: value.split(".", 1) if suffix == "GetAtt" else value}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    raise TypeError(node)


_Loader.add_multi_constructor("!", _construct)

TEMPLATE = yaml.load((ROOT / "template.yaml").read_text(), _Loader)
RESOURCES = TEMPLATE["Resources"]
DEFAULTS = {name: value.get("Default") for name, value in TEMPLATE["Parameters"].items()}


def properties(name: str) -> dict[str, Any]:
    return RESOURCES[name]["Properties"]


def resolve(value: Any) -> Any:
    """Put the parameters' defaults, and names for what does not exist yet, into a value."""
    pseudo = {
        "AWS::Partition": "aws",
        "AWS::Region": REGION,
        "AWS::AccountId": "123456789012",
        "AWS::URLSuffix": "amazonaws.com",
    }
    if isinstance(value, list):
        return [resolve(one) for one in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"Ref"}:
        name = value["Ref"]
        return DEFAULTS.get(name, pseudo.get(name, name))
    if set(value) == {"Fn::Sub"}:
        text, given = value["Fn::Sub"], {}
        if isinstance(text, list):
            text, given = text[0], resolve(text[1])
        names = pseudo | DEFAULTS | given
        return re.sub(r"\$\{([^}]+)\}", lambda match: str(names.get(match[1], match[1])), text)
    if set(value) == {"Fn::Split"}:
        separator, text = resolve(value["Fn::Split"])
        return text.split(separator)
    if set(value) == {"Fn::Join"}:
        separator, parts = resolve(value["Fn::Join"])
        return separator.join(parts)
    if set(value) == {"Fn::Select"}:
        index, parts = resolve(value["Fn::Select"])
        return parts[int(index)]
    if set(value) == {"Fn::GetAtt"}:
        name, attribute = value["Fn::GetAtt"]
        if attribute == "Arn" and RESOURCES[name]["Type"] == "AWS::Serverless::Function":
            function = resolve(properties(name)["FunctionName"])
            return f"arn:aws:lambda:{REGION}:123456789012:function:{function}"
        return f"{name}.{attribute}"
    return {key: resolve(one) for key, one in value.items()}


# What it says


def test_the_functions_are_those_of_the_deployment_guide() -> None:
    analysis = TEMPLATE["Globals"]["Function"] | properties("AnalysisFunction")
    assert analysis["Runtime"] == "python3.12"
    assert resolve(analysis["Architectures"]) == ["x86_64"]
    architecture = {"Ref": "Architecture"}
    assert TEMPLATE["Parameters"]["Architecture"]["AllowedValues"] == ["x86_64", "arm64"]
    layers = [
        one["Properties"]["CompatibleArchitectures"]
        for one in RESOURCES.values()
        if one["Type"] == "AWS::Serverless::LayerVersion"
    ]
    assert analysis["Architectures"] == [architecture]
    assert layers == [[architecture]] * 4
    assert analysis["MemorySize"] == 1024
    assert analysis["Timeout"] == 300
    assert analysis["EphemeralStorage"] == {"Size": 512}
    assert resolve(analysis["FunctionName"]) == "parkinson-eye-tracking"
    assert resolve(analysis["ReservedConcurrentExecutions"]) == 10
    variables = resolve(TEMPLATE["Globals"]["Function"]["Environment"]["Variables"])
    assert variables.pop("ACCESS") == {"Fn::If": ["CallersAreUnknown", "open", "identity"]}
    assert variables == {
        "S3_BUCKET": "seoul-ht-09",
        "DYNAMODB_TABLE": "parkinson-analysis",
        "OWN_PREFIX": OWN_PREFIX,
        "RETENTION_DAYS": 365,
    }
    light = properties("LightFunction")
    assert light["Layers"] == [{"Ref": "BaseLayer"}]
    assert resolve(light["ReservedConcurrentExecutions"]) == 20


def test_the_zips_are_those_that_are_built() -> None:
    script = (ROOT / "build_layer.sh").read_text()
    built = set(re.findall(r"layer-[a-z]+", script)) | {"function"}
    built.add("authorizer")
    used = {
        resource["Properties"]["ContentUri"]
        for resource in RESOURCES.values()
        if resource["Type"] == "AWS::Serverless::LayerVersion"
    } | {TEMPLATE["Globals"]["Function"]["CodeUri"], properties("AuthorizerFunction")["CodeUri"]}
    assert used == {f"dist/{name}.zip" for name in built}
    layers = {
        name
        for name, resource in RESOURCES.items()
        if resource["Type"] == "AWS::Serverless::LayerVersion"
    }
    assert {one["Ref"] for one in properties("AnalysisFunction")["Layers"]} == layers


@pytest.mark.parametrize(
    "function",
    [
        *("AnalysisFunction", "LightFunction", "SegmentFunction"),
        *("AuthorizerFunction", "WebhookFunction"),
    ],
)
def test_the_handlers_exist(function: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JWT_ISSUER", "https://issuer.example")
    monkeypatch.setenv("JWT_AUDIENCE", "app")
    monkeypatch.setenv("S3_BUCKET", "bucket")
    monkeypatch.setenv("DYNAMODB_TABLE", "table")
    monkeypatch.setenv("WEBHOOK_URL", "https://receiver.example/")
    monkeypatch.setenv("WEBHOOK_SECRET_ARN", "secret")
    monkeypatch.setenv("WEBHOOK_QUEUE_URL", "https://sqs.ap-northeast-2.amazonaws.com/0/queue")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    module, _, name = properties(function)["Handler"].rpartition(".")
    assert callable(getattr(importlib.import_module(module), name))


def test_the_queue_waits_for_six_timeouts_and_has_a_dead_letter_queue() -> None:
    queue = properties("AnalysisQueue")
    assert queue["VisibilityTimeout"] >= 6 * properties("AnalysisFunction")["Timeout"]
    assert queue["RedrivePolicy"]["deadLetterTargetArn"] == {
        "Fn::GetAtt": ["DeadLetterQueue", "Arn"]
    }
    uploads = properties("AnalysisFunction")["Events"]["Uploads"]["Properties"]
    assert uploads["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    together = uploads["ScalingConfig"]["MaximumConcurrency"] + DEFAULTS["CohortMaxConcurrency"]
    assert together < DEFAULTS["ReservedConcurrency"]


def test_the_tables_index_is_the_one_that_is_asked() -> None:
    (index,) = properties("Table")["GlobalSecondaryIndexes"]
    assert index["IndexName"] == USER_INDEX
    assert [key["AttributeName"] for key in index["KeySchema"]] == ["user_id", "created_at"]


def test_every_route_of_the_handler_is_one_of_the_api() -> None:
    paths = properties("Api")["DefinitionBody"]["paths"]
    routes = {
        (
            method.upper(),
            path,
            "LightFunction" in json.dumps(integration),
            "CallersAreCognitos" not in json.dumps(integration["security"]),
        )
        for path, methods in paths.items()
        for method, integration in methods.items()
    }
    assert routes == {(one.method, one.path, one.is_light, one.is_public) for one in ROUTES}
    # SAM adds a public stage of its own where this is not set.
    assert properties("Api")["OpenApiVersion"] == properties("Api")["DefinitionBody"]["openapi"]
    for methods in paths.values():
        for one in methods.values():
            assert one["x-amazon-apigateway-integration"]["timeoutInMillis"] == 29000


def list_security(key: bool, callers: str) -> Any:
    """Return what a caller must show, where the callers are these."""
    body = properties("Api")["DefinitionBody"]
    conditions = {
        "ApiKeyIsRequired": key,
        "CallersAreCognitos": callers == "cognito",
        "CallersHaveTokens": callers == "token",
    }

    def choose(value: Any) -> Any:
        while isinstance(value, dict) and "Fn::If" in value:
            name, yes, no = value["Fn::If"]
            value = yes if conditions[name] else no
        return value

    found = choose(body["paths"]["/status/{analysis_id}"]["get"]["security"])
    for one in found:
        for scheme in one:
            if scheme != "api_key":
                about = choose(body["components"]["securitySchemes"][scheme])
                assert about["name"] == "Authorization"
    return found


@pytest.mark.parametrize("key", [False, True])
@pytest.mark.parametrize("callers", ["cognito", "token", "open"])
def test_callers_are_checked_in_every_configuration(key: bool, callers: str) -> None:
    (*found,) = list_security(key, callers)
    wanted = ([] if callers == "open" else [callers]) + (["api_key"] if key else [])
    # All of one object are needed; of several objects, any would do.
    assert found == ([{one: [] for one in wanted}] if wanted else [])


def test_without_known_callers_nothing_is_deployed_unless_it_is_written_out() -> None:
    assert DEFAULTS["UserPoolArn"] == DEFAULTS["JwtIssuer"] == DEFAULTS["JwtAudience"] == ""
    assert DEFAULTS["OpenAccess"] == "false"
    conditions = TEMPLATE["Rules"]["CallersAreKnown"]["Assertions"][0]["Assert"]["Fn::Or"]
    assert conditions == [
        {"Fn::Not": [{"Fn::Equals": [{"Ref": "UserPoolArn"}, ""]}]},
        {"Fn::Not": [{"Fn::Equals": [{"Ref": "JwtIssuer"}, ""]}]},
        {"Fn::Equals": [{"Ref": "OpenAccess"}, "true"]},
    ]
    # What the function does where nothing is said: the callers must be known.
    assert Access().mode == "identity"


def test_a_users_own_prefix_is_one_folder_of_theirs() -> None:
    pattern = re.compile(TEMPLATE["Parameters"]["OwnPrefix"]["AllowedPattern"])
    assert DEFAULTS["OwnPrefix"] == OWN_PREFIX
    for prefix in (OWN_PREFIX, "videos/{user_id}/", "app/videos/{user_id}/"):
        assert pattern.fullmatch(prefix)
    for prefix in ("", "{user_id}/", "/{user_id}/", "videos/", "videos/{user_id}", "a*/{user_id}/"):
        assert not pattern.fullmatch(prefix)


def test_the_authorizers_answers_are_kept_no_longer_than_the_handler_checks() -> None:
    schemes = properties("Api")["DefinitionBody"]["components"]["securitySchemes"]
    about = schemes["token"]["Fn::If"][1]["x-amazon-apigateway-authorizer"]
    assert about["authorizerResultTtlInSeconds"] == 300
    pattern = re.compile(about["identityValidationExpression"])
    assert pattern.fullmatch("Bearer eyJ.a-b_c.d")
    assert not pattern.fullmatch("Bearer a b")


def test_requests_are_throttled_and_logged_without_what_they_hold() -> None:
    (settings,) = properties("Api")["MethodSettings"]
    assert resolve(settings["ThrottlingRateLimit"]) == 20
    assert resolve(settings["ThrottlingBurstLimit"]) == 40
    assert settings["DataTraceEnabled"] is False
    line = json.loads(properties("Api")["AccessLogSetting"]["Format"])
    variables = set(re.findall(r"\$([a-zA-Z.]+)", json.dumps(line)))
    assert variables == {
        "context.requestId",
        "context.requestTimeEpoch",
        "context.httpMethod",
        "context.resourcePath",
        "context.status",
        "context.responseLatency",
        "context.responseLength",
        "context.error.responseType",
    }


def test_forms_are_binary_and_too_large_ones_are_told_where_to_go() -> None:
    assert properties("Api")["BinaryMediaTypes"] == ["multipart~1form-data"]
    refused = properties("Api")["GatewayResponses"]["REQUEST_TOO_LARGE"]
    assert refused["StatusCode"] == 413
    document = json.loads(refused["ResponseTemplates"]["application/json"])
    assert document["code"] == "body_too_large"
    assert "/uploads" in document["error"]


def test_what_is_kept_ends_everywhere_after_the_same_time() -> None:
    assert DEFAULTS["RetentionDays"] == 365
    rules = {}
    for rule in properties("Bucket")["LifecycleConfiguration"]["Rules"]:
        condition, about = rule["Fn::If"][:2] if "Fn::If" in rule else ("", rule)
        rules[about["Id"]] = (condition, resolve(about))
    assert rules["unfinished-uploads"][1]["AbortIncompleteMultipartUpload"]
    assert rules["marks-of-deleted-files"][1]["ExpiredObjectDeleteMarker"] is True
    for name, condition in (
        ("results", "FilesExpire"),
        ("cohort-results", "FilesExpire"),
        ("own-files", "OwnFilesExpire"),
    ):
        found, rule = rules[name]
        assert found == condition
        assert rule["ExpirationInDays"] == 365
        assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 1}
        assert rule["Prefix"] in ("users/", "cohort-results/")
    # Parts of recordings go within a day, however long results are kept.
    assert rules["parts"] == (
        "",
        {
            "Id": "parts",
            "Status": "Enabled",
            "Prefix": PARTS,
            "ExpirationInDays": 1,
            "NoncurrentVersionExpiration": {"NoncurrentDays": 1},
        },
    )
    assert properties("Bucket")["VersioningConfiguration"] == {"Status": "Enabled"}
    table = properties("Table")
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert "expires_at" in {field.name for field in fields(Record)}
    assert table["DeletionProtectionEnabled"] is True


def test_the_queue_delivers_as_often_as_the_handler_counts() -> None:
    assert properties("AnalysisQueue")["RedrivePolicy"]["maxReceiveCount"] == MAX_DELIVERIES


ACTIONS = {
    ("s3", "put_object"): "s3:PutObject",
    ("s3", "list_object_versions"): "s3:ListBucketVersions",
    ("s3", "delete_objects"): "s3:DeleteObjectVersion",
    ("s3", "generate_presigned_post"): "s3:PutObject",
    ("s3", "head_object"): "s3:GetObject",
    ("s3", "get_object"): "s3:GetObject",
    ("s3", "generate_presigned_url"): "s3:GetObject",
    ("dynamodb", "put_item"): "dynamodb:PutItem",
    ("dynamodb", "get_item"): "dynamodb:GetItem",
    ("dynamodb", "query"): "dynamodb:Query",
    ("sqs", "send_message"): "sqs:SendMessage",
    ("sqs", "change_message_visibility"): "sqs:ChangeMessageVisibility",
    ("states", "start_execution"): "states:StartExecution",
    ("states", "stop_execution"): "states:StopExecution",
    ("secrets", "get_secret_value"): "secretsmanager:GetSecretValue",
}


def statements(role: str) -> list[dict[str, Any]]:
    (policy,) = properties(role)["Policies"]
    found = policy["PolicyDocument"]["Statement"]
    return [one["Fn::If"][1] if "Fn::If" in one else one for one in found]


def actions(role: str) -> set[str]:
    listed = [one["Action"] for one in statements(role)]
    return {action for one in listed for action in ([one] if isinstance(one, str) else one)}


def test_the_roles_allow_what_the_code_calls_and_nothing_wider() -> None:
    source = (ROOT / "handler" / "aws.py").read_text()
    calls = set(re.findall(r"self\._(s3|dynamodb|sqs|states|secrets)\.([a-z_]+)\(", source))
    # A call that is not listed above needs its permission here and in the template.
    called = {ACTIONS[call] for call in calls}
    granted = actions("AnalysisRole") | actions("LightRole") | actions("WebhookRole")
    assert called <= granted
    # Of the services themselves: finding out what does not exist, taking messages, logging.
    assert granted - called == {
        "s3:ListBucket",
        # Reading one version of a file, which is the same call.
        "s3:GetObjectVersion",
        "sqs:ReceiveMessage",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        # Reading the table's stream.
        "dynamodb:DescribeStream",
        "dynamodb:GetRecords",
        "dynamodb:GetShardIterator",
        "dynamodb:ListStreams",
        # Only where a key or tracing is asked for.
        "kms:Decrypt",
        "kms:GenerateDataKey",
        "xray:PutTraceSegments",
        "xray:PutTelemetryRecords",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
    }
    for role in (
        *("AnalysisRole", "LightRole", "SegmentRole", "AuthorizerRole"),
        *("FanOutRole", "CohortRole", "WebhookRole"),
    ):
        assert "ManagedPolicyArns" not in properties(role)
        for statement in statements(role):
            assert "*" not in json.dumps(statement["Action"])
            for resource in resolve(
                statement["Resource"]
                if isinstance(statement["Resource"], list)
                else [statement["Resource"]]
            ):
                if str(statement["Action"][0]).startswith("xray:"):
                    # They take no resource.
                    continue
                assert resource != "*"
                # Of a name that is given, any execution; of nothing else all.
                text = json.dumps(resource)
                assert not text.endswith(':*"') or "-cohort:" in text or "-fan-out:" in text


def allowed(role: str, action: str) -> set[str]:
    """Return the resources on which a role may do something, without the bucket's name."""
    found = [one["Resource"] for one in statements(role) if action in json.dumps(one["Action"])]
    listed = [resolve(one if isinstance(one, list) else [one]) for one in found]
    return {str(one).removeprefix("arn:aws:s3:::seoul-ht-09/") for two in listed for one in two}


def test_the_workers_write_parts_and_results_and_nothing_else() -> None:
    assert allowed("SegmentRole", "s3:PutObject") == {
        "users/*",
        f"{PARTS}*",
        f"{FOLDER}*",
    }
    assert allowed("SegmentRole", "s3:DeleteObjectVersion") == {"users/*", f"{PARTS}*"}
    assert allowed("AnalysisRole", "s3:PutObject") == {"users/*"}
    # They neither queue nor start anything; only deletion stops what runs.
    assert not any(one.startswith(("sqs:", "states:")) for one in actions("SegmentRole"))
    assert allowed("LightRole", "states:StopExecution") == {
        f"arn:aws:states:{REGION}:123456789012:execution:parkinson-eye-tracking-fan-out:*"
    }
    assert allowed("AnalysisRole", "states:StartExecution") == {"FanOut"}
    assert "states:StartExecution" not in actions("LightRole")
    # Deletion must reach the parts.
    assert f"{PARTS}*" in allowed("LightRole", "s3:DeleteObjectVersion")


def test_workers_have_a_concurrency_of_their_own_which_the_map_keeps_to() -> None:
    about = properties("SegmentFunction")
    assert about["ReservedConcurrentExecutions"] == {"Ref": "SegmentConcurrency"}
    assert resolve(about["ReservedConcurrentExecutions"]) == 12
    assert (about["MemorySize"], about["Timeout"]) == (1024, 300)
    for function in ("SegmentFunction", "AnalysisFunction"):
        variables = properties(function)["Environment"]["Variables"]
        assert variables["FAN_OUT_WORKERS"] == {"Ref": "SegmentConcurrency"}
    states = properties("FanOut")["Definition"]["States"]
    assert states["TrackParts"]["MaxConcurrencyPath"] == "$.plan.workers"
    assert states["TrackParts"]["ToleratedFailureCount"] == 0


def test_the_webhooks_function_reaches_no_file_and_no_record() -> None:
    services = {one.split(":")[0] for one in actions("WebhookRole")}
    assert services == {"dynamodb", "sqs", "secretsmanager", "logs", "kms", "xray"}
    for action in ("GetRecords", "GetShardIterator", "DescribeStream", "ListStreams"):
        assert allowed("WebhookRole", f"dynamodb:{action}") == {
            f"arn:aws:dynamodb:{REGION}:123456789012:table/parkinson-analysis/stream/*"
        }
    assert allowed("WebhookRole", "secretsmanager:GetSecretValue") == {"WebhookSecret"}
    assert allowed("WebhookRole", "sqs:SendMessage") == {
        "WebhookQueue.Arn",
        "WebhookDeadLetterQueue.Arn",
    }
    assert allowed("WebhookRole", "sqs:DeleteMessage") == {"WebhookQueue.Arn"}
    # And nobody else reads the secret.
    for role in ("AnalysisRole", "LightRole", "SegmentRole", "AuthorizerRole", "CohortRole"):
        assert not any(one.startswith("secretsmanager:") for one in actions(role))


def list_references(value: Any) -> Iterator[str]:
    """Yield what a part of the template refers to, conditions among it."""
    if isinstance(value, dict):
        for key, one in value.items():
            if key in ("Ref", "Condition") and isinstance(one, str):
                yield one
            elif key == "Fn::GetAtt":
                yield one[0]
            else:
                yield from list_references(one)
    elif isinstance(value, list):
        for one in value:
            yield from list_references(one)


def test_without_a_webhook_nothing_of_it_exists() -> None:
    assert DEFAULTS["WebhookUrl"] == DEFAULTS["TableStreamArn"] == ""
    condition = "WebhookIsSent"
    assert TEMPLATE["Conditions"][condition] == {
        "Fn::Not": [{"Fn::Equals": [{"Ref": "WebhookUrl"}, ""]}]
    }
    names = {
        name for name, one in {**RESOURCES, **TEMPLATE["Outputs"]}.items() if "Webhook" in name
    }
    assert names >= {"WebhookFunction", "WebhookRole", "WebhookSecret", "WebhookQueue"}
    for name, one in {**RESOURCES, **TEMPLATE["Outputs"]}.items():
        assert (one.get("Condition") == condition) == (name in names), name
        if name not in names:
            assert not names & set(list_references(one)), name
    # Of the rest, only the table differs.
    stream = {"Fn::If": [condition, {"StreamViewType": "NEW_AND_OLD_IMAGES"}, {"Ref": NO_VALUE}]}
    assert properties("Table")["StreamSpecification"] == stream
    others = json.dumps({name: one for name, one in RESOURCES.items() if name not in names})
    assert others.count(condition) == 1


def test_the_webhooks_server_is_one_https_address() -> None:
    pattern = re.compile(TEMPLATE["Parameters"]["WebhookUrl"]["AllowedPattern"])
    for url in (
        *("", "https://a.example", "https://a.example:8443/hooks/eye?tenant=1&x=%20"),
        *("https://a.example/", "https://192.0.2.1/hook"),
    ):
        assert pattern.fullmatch(url), url
    for url in (
        *("http://a.example/", "https://", "https://user:word@a.example/", "a.example"),
        *("https://a.example/#part", "https://a.example/ b", "https://a.example/\\r\\nX: 1"),
    ):
        assert not pattern.fullmatch(url), url
    # No request can name it: it is nowhere but in the function's settings.
    assert properties("WebhookFunction")["Environment"]["Variables"]["WEBHOOK_URL"] == {
        "Ref": "WebhookUrl"
    }
    others = json.dumps({k: v for k, v in RESOURCES.items() if k != "WebhookFunction"})
    assert "WebhookUrl" not in others.replace("The server at WebhookUrl", "")


def test_the_webhook_takes_the_stream_of_either_table() -> None:
    events = properties("WebhookFunction")["Events"]
    stream = events["EndedAnalyses"]["Properties"]
    assert stream["Stream"] == {
        "Fn::If": ["TableIsOurs", {"Fn::GetAtt": ["Table", "StreamArn"]}, {"Ref": "TableStreamArn"}]
    }
    assert stream["StartingPosition"] == "TRIM_HORIZON"
    rule = TEMPLATE["Rules"]["WebhookNeedsTheTablesStream"]
    assert rule["Assertions"][0]["Assert"] == {
        "Fn::Not": [{"Fn::Equals": [{"Ref": "TableStreamArn"}, ""]}]
    }
    deliveries = events["Deliveries"]["Properties"]
    assert deliveries["BatchSize"] == 1
    assert deliveries["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    # A waiting server never keeps the stream's batches from the function.
    most = deliveries["ScalingConfig"]["MaximumConcurrency"]
    assert most < properties("WebhookFunction")["ReservedConcurrentExecutions"]


def test_an_operator_learns_of_lost_events_while_the_stream_still_has_them() -> None:
    stream = properties("WebhookFunction")["Events"]["EndedAnalyses"]["Properties"]
    # DynamoDB keeps a stream's entries for 24 hours.
    given_up_s = stream["MaximumRecordAgeInSeconds"]
    assert 0 < given_up_s <= 12 * 3600
    # The entries are tried again until then, each alone in the end, and are not lost then.
    assert stream["BisectBatchOnFunctionError"] is True
    assert "MaximumRetryAttempts" not in stream
    assert stream["DestinationConfig"]["OnFailure"]["Destination"] == {
        "Fn::GetAtt": ["WebhookDeadLetterQueue", "Arn"]
    }
    watched = {
        "WebhookAlarm": ("AWS/SQS", {"Fn::GetAtt": ["WebhookDeadLetterQueue", "QueueName"]}),
        "WebhookErrorsAlarm": ("AWS/Lambda", {"Ref": "WebhookFunction"}),
    }
    for name, (namespace, watches) in watched.items():
        alarm = properties(name)
        assert (alarm["Namespace"], alarm["Dimensions"][0]["Value"]) == (namespace, watches)
        assert alarm["Period"] * alarm["EvaluationPeriods"] <= given_up_s / 4
        assert alarm["AlarmActions"] == properties("DeadLetterAlarm")["AlarmActions"]


def test_a_bucket_of_our_own_is_private() -> None:
    bucket = properties("Bucket")
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    for policy in ("BucketPolicy", "AnalysisQueuePolicy", "WebhookQueuePolicy"):
        denied = [
            one
            for one in properties(policy)["PolicyDocument"]["Statement"]
            if one["Effect"] == "Deny"
        ]
        assert denied[0]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert RESOURCES["Bucket"]["DeletionPolicy"] == "Retain"
    assert RESOURCES["Table"]["DeletionPolicy"] == "Retain"


def test_browsers_upload_from_one_page_and_read_nothing() -> None:
    condition, given, otherwise = properties("Bucket")["CorsConfiguration"]["Fn::If"]
    assert TEMPLATE["Conditions"][condition] == {
        "Fn::Not": [{"Fn::Equals": [{"Ref": "WebOrigin"}, ""]}]
    }
    assert DEFAULTS["WebOrigin"] == ""
    (rule,) = given["CorsRules"]
    assert rule["AllowedOrigins"] == [{"Ref": "WebOrigin"}]
    assert rule["AllowedMethods"] == ["POST"]
    assert otherwise == {"Ref": "AWS::NoValue"}
    pattern = re.compile(TEMPLATE["Parameters"]["WebOrigin"]["AllowedPattern"])
    for origin in ("", "https://d111111abcdef8.cloudfront.net", "https://a.example:8443"):
        assert pattern.fullmatch(origin)
    for origin in ("*", "http://a.example", "https://*.example", "https://a.example/"):
        assert not pattern.fullmatch(origin)


def test_the_light_function_signs_for_reports_only() -> None:
    (readable,) = [one for one in statements("LightRole") if "s3:GetObject" in one["Action"]]
    assert resolve(readable["Resource"]) == f"arn:aws:s3:::seoul-ht-09/users/*/{REPORT}"


def test_the_dashboard_is_json() -> None:
    body = json.loads(resolve(properties("Dashboard")["DashboardBody"]))
    assert len(body["widgets"]) == 5


# What it does


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    # Where moto's state machines call the other services.
    monkeypatch.setenv("MOTO_PORT", str(port))
    address = f"http://{host}:{port}"
    yield address
    # Moto's state outlives its server.
    s3, bucket = client("s3", address), resolve(properties("Bucket")["BucketName"])
    for item in s3.list_objects_v2(Bucket=bucket)["Contents"]:
        s3.delete_object(Bucket=bucket, Key=item["Key"])
    s3.delete_bucket(Bucket=bucket)
    server.stop()


def client(service: str, endpoint: str) -> Any:
    return boto3.client(service, endpoint_url=endpoint, region_name=REGION)


def make_bucket(s3: Any) -> str:
    bucket = resolve(properties("Bucket")["BucketName"])
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    return bucket


@pytest.mark.aws
def test_an_upload_is_queued_and_results_are_not(endpoint: str) -> None:
    s3, sqs = client("s3", endpoint), client("sqs", endpoint)
    bucket = make_bucket(s3)
    queue = resolve(properties("AnalysisQueue"))
    url = sqs.create_queue(
        QueueName=queue["QueueName"],
        Attributes={"VisibilityTimeout": str(queue["VisibilityTimeout"])},
    )["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    (notification,) = properties("Bucket")["NotificationConfiguration"]["QueueConfigurations"]
    s3.put_bucket_notification_configuration(
        Bucket=bucket,
        NotificationConfiguration={
            "QueueConfigurations": [
                {
                    "QueueArn": arn["QueueArn"],
                    "Events": [notification["Event"]],
                    "Filter": {"Key": {"FilterRules": notification["Filter"]["S3Key"]["Rules"]}},
                }
            ]
        },
    )
    analysis_id = "0123456789abcdef" * 2
    for name in ("summary.json", "frames.csv", "track.npz", "original"):
        s3.put_object(Bucket=bucket, Key=make_key("user+1@x.kr", analysis_id, name), Body=b"x")
    s3.put_object(Bucket=bucket, Key="cohorts/original", Body=b"x")
    requests = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            requests += parse_queue_message(message["Body"], bucket, Access().operator)
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert [(one.key, one.user_id) for one in requests] == [
        (make_key("user+1@x.kr", analysis_id, "original"), "user+1@x.kr")
    ]


class Functions:
    """Stands for both functions where the state machine invokes them."""

    def __init__(self, queued: str = "completed") -> None:
        self.events: list[tuple[str, Any]] = []
        self.queued = queued

    def invoke(self, name: str, event: Any) -> Any:
        self.events.append((name, event))
        if name.endswith("-light"):
            assert event["action"] == "get_status"
            return {
                "analysis_id": event["analysis_id"],
                "status": self.queued,
                "summary": {"n": 3},
            }
        if event["s3_key"].endswith("broken.mp4"):
            return {"error": "damaged", "code": "undecodable", "status_code": 422}
        if event["s3_key"].endswith("large.mp4"):
            return {"analysis_id": "a" * 32, "status": "queued"}
        return {"analysis_id": "b" * 32, "status": "success", "summary": {"n": 2}}


def run_cohort(
    endpoint: str,
    monkeypatch: pytest.MonkeyPatch,
    request: dict[str, Any],
    *,
    write: bool = True,
    queued: str = "completed",
) -> tuple[dict[str, Any], Functions]:
    """Run the state machine; return how its execution ended, and what it invoked.

    Moto writes a results file without results. Without `write` they are the execution's output.
    """
    from moto.awslambda_simple.models import LambdaSimpleBackend

    functions = Functions(queued)

    def invoke(_self: Any, function_name: str, _qualifier: Any, body: Any, *_headers: Any) -> bytes:
        answer = functions.invoke(function_name.rpartition(":")[2], json.loads(body))
        return json.dumps(answer).encode()

    monkeypatch.setattr(LambdaSimpleBackend, "invoke", invoke)
    monkeypatch.setitem(default_user_config["lambda"], "use_docker", False)
    monkeypatch.setitem(default_user_config["stepfunctions"], "execute_state_machine", True)
    s3, states = client("s3", endpoint), client("stepfunctions", endpoint)
    bucket = make_bucket(s3)
    for key in ("a/1.mp4", "a/large.mp4", "b/2.mp4", "c/broken.mp4", "d/"):
        s3.put_object(Bucket=bucket, Key=f"cohorts/{key}", Body=b"x")
    definition = resolve(properties("Cohort")["Definition"])
    map_state = definition["States"]["AnalyzeFiles"]
    # Moto does not know it.
    writer = map_state["ResultWriter"].pop("WriterConfig")
    assert writer == {"Transformation": "COMPACT", "OutputType": "JSONL"}
    # The table is written by the function itself, of what moto does not write.
    del definition["States"]["WriteTable"], map_state["Next"]
    map_state["End"] = True
    if not write:
        del map_state["ResultWriter"]
    # No half minute here.
    map_state["ItemProcessor"]["States"]["WaitForIt"]["Seconds"] = 0
    arn = states.create_state_machine(
        name="cohort",
        definition=json.dumps(definition),
        roleArn="arn:aws:iam::123456789012:role/cohort",
    )["stateMachineArn"]
    execution = states.start_execution(stateMachineArn=arn, input=json.dumps(request))
    done: dict[str, Any] = {"status": "RUNNING"}
    while done["status"] == "RUNNING":
        time.sleep(0.1)
        done = states.describe_execution(executionArn=execution["executionArn"])
    states.delete_state_machine(stateMachineArn=arn)
    return done, functions


@pytest.mark.aws
def test_a_cohort_is_analysed(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    request = {"prefix": "cohorts/a/", "parameters": {"step": 2}}
    done, functions = run_cohort(endpoint, monkeypatch, request)
    assert done["status"] == "SUCCEEDED", done
    assert sorted(functions.events, key=str) == [
        (
            "parkinson-eye-tracking",
            {
                "action": "process_s3_file",
                "s3_key": f"cohorts/a/{name}.mp4",
                "parameters": {"step": 2},
            },
        )
        for name in ("1", "large")
    ] + [
        (
            "parkinson-eye-tracking-light",
            {"action": "get_status", "analysis_id": "a" * 32},
        )
    ]
    details = json.loads(done["output"])["ResultWriterDetails"]
    assert details["Key"].startswith("cohort-results/")


@pytest.mark.long
@pytest.mark.aws
def test_what_is_never_done_is_not_asked_for_without_end(
    endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = {"prefix": "cohorts/a/"}
    done, functions = run_cohort(endpoint, monkeypatch, request, write=False, queued="queued")
    asked = [event for name, event in functions.events if name.endswith("-light")]
    # Two hours, at half a minute each.
    assert len(asked) == 240
    assert done["status"] == "SUCCEEDED", done


@pytest.mark.aws
def test_a_cohort_without_parameters_has_the_defaults_and_results_in_order(
    endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = {"prefix": "cohorts/a/"}
    done, functions = run_cohort(endpoint, monkeypatch, request, write=False)
    assert done["status"] == "SUCCEEDED", done
    assert functions.events[0][1]["parameters"] == {}
    rows = {row["key"]: row["answer"] for row in json.loads(done["output"])}
    assert rows["cohorts/a/1.mp4"]["summary"] == {"n": 2}
    # The one that was queued has its own summary, from the status.
    assert rows["cohorts/a/large.mp4"]["summary"] == {"n": 3}


@pytest.mark.aws
def test_a_folder_that_the_console_made_is_no_failure(
    endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    done, functions = run_cohort(endpoint, monkeypatch, {"prefix": "cohorts/d/"}, write=False)
    assert done["status"] == "SUCCEEDED", done
    assert functions.events == []
    assert json.loads(done["output"]) == [{"key": "cohorts/d/", "answer": {"status": "folder"}}]


@pytest.mark.aws
def test_a_file_that_cannot_be_analysed_fails_with_its_code(
    endpoint: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    _done, functions = run_cohort(endpoint, monkeypatch, {"prefix": "cohorts/c/"}, write=False)
    assert len(functions.events) == 1
    # How many may fail, moto does not heed: its log says how the own execution of the file ends.
    assert "Error=NotAnalyzed" in caplog.text
    assert "undecodable" in caplog.text
