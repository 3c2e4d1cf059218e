"""The check of a bucket and a table that the stack did not create: it names what is missing."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest

from deploy.storage import find_bucket_faults, find_table_faults
from tests.aws_server import Aws
from tests.deploy.test_template import properties, resolve

ROOT = Path(__file__).parents[2]
BUCKET, TABLE = "storage-check", "storage-check-table"
PREFIXES = ["users/", "cohort-results/"]


def list_bucket_faults(aws: Aws) -> list[str]:
    return [one.partition(":")[0] for one in find_bucket_faults(aws.s3, BUCKET, PREFIXES, 365)]


def make_table(aws: Aws, key: str, **more: Any) -> None:
    aws.dynamodb.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"}
            for name in (key, *(["user_id", "created_at"] if more else []))
        ],
        KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
        **more,
    )


def test_a_bare_bucket_lacks_everything_and_the_stacks_own_nothing(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws.s3.create_bucket(Bucket=BUCKET)
    try:
        faults = list_bucket_faults(aws)
        assert [one.split()[0] for one in faults] == [
            *("versioning", "public", "connections", "no", "incomplete"),
            *("files", "earlier") * (len(PREFIXES) + 1),
        ]
        assert faults[-2].startswith("files under parts/ are not deleted after 1 days")
        # Each setting of the template's bucket, as its own fault goes.
        about = properties("Bucket")
        aws.s3.put_bucket_versioning(
            Bucket=BUCKET, VersioningConfiguration=about["VersioningConfiguration"]
        )
        assert len(list_bucket_faults(aws)) == len(faults) - 1
        aws.s3.put_public_access_block(
            Bucket=BUCKET,
            PublicAccessBlockConfiguration=about["PublicAccessBlockConfiguration"],
        )
        assert len(list_bucket_faults(aws)) == len(faults) - 2
        policy = resolve(properties("BucketPolicy")["PolicyDocument"])
        aws.s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))
        assert len(list_bucket_faults(aws)) == len(faults) - 3
        (notification,) = about["NotificationConfiguration"]["QueueConfigurations"]
        rules = notification["Filter"]["S3Key"]["Rules"]
        aws.s3.put_bucket_notification_configuration(
            Bucket=BUCKET,
            NotificationConfiguration={
                "QueueConfigurations": [
                    {
                        "QueueArn": "arn:aws:sqs:us-east-1:123456789012:test-queue",
                        "Events": [notification["Event"]],
                        "Filter": {"Key": {"FilterRules": rules}},
                    }
                ]
            },
        )
        assert len(list_bucket_faults(aws)) == len(faults) - 4
        aws.s3.put_bucket_lifecycle_configuration(
            Bucket=BUCKET, LifecycleConfiguration={"Rules": list(make_rules(about))}
        )
        assert list_bucket_faults(aws) == []
        # A rule that keeps files for longer is none.
        longer = [one.partition(":")[0] for one in find_bucket_faults(aws.s3, BUCKET, PREFIXES, 30)]
        assert longer == [f"files under {one} are not deleted after 30 days" for one in PREFIXES]
        # A rule that leaves some files out, by their size or tag, is none either.
        for part in (
            {"ObjectSizeGreaterThan": 1},
            {"Tag": {"Key": "kind", "Value": "video"}},
            {"And": {"Prefix": "", "ObjectSizeGreaterThan": 1}},
        ):
            answer = {"Rules": [one | {"Filter": part} for one in make_rules(about)]}
            told = MagicMock(return_value=answer)
            monkeypatch.setattr(aws.s3, "get_bucket_lifecycle_configuration", told)
            assert list_bucket_faults(aws) == faults[-2 * (len(PREFIXES) + 1) :]
    finally:
        aws.s3.delete_bucket(Bucket=BUCKET)


def make_rules(bucket: dict[str, Any]) -> Any:
    """Yield the template's lifecycle rules as S3's own API takes them."""
    for rule in bucket["LifecycleConfiguration"]["Rules"]:
        about = resolve(rule["Fn::If"][1] if "Fn::If" in rule else rule)
        if about["Id"] == "own-files":
            continue
        made = {
            "ID": about["Id"],
            "Status": "Enabled",
            "Filter": {"Prefix": about.get("Prefix", "")},
        }
        if "ExpirationInDays" in about:
            made["Expiration"] = {"Days": about["ExpirationInDays"]}
        elif "ExpiredObjectDeleteMarker" in about:
            made["Expiration"] = {"ExpiredObjectDeleteMarker": True}
        for name in ("NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload"):
            if name in about:
                made[name] = about[name]
        yield made


def test_a_table_of_another_shape_is_named(aws: Aws) -> None:
    make_table(aws, "analysisId")
    try:
        faults = list(find_table_faults(aws.dynamodb, TABLE))
        assert "its key is analysisId, expected analysis_id" in faults[0]
        assert "user_id-created_at-index" in faults[1]
        assert "expires_at" in faults[2]
        assert len(faults) == 5
    finally:
        aws.dynamodb.delete_table(TableName=TABLE)


def test_the_stacks_own_table_lacks_nothing(aws: Aws) -> None:
    about = properties("Table")
    make_table(
        aws,
        "analysis_id",
        GlobalSecondaryIndexes=about["GlobalSecondaryIndexes"],
        DeletionProtectionEnabled=about["DeletionProtectionEnabled"],
    )
    try:
        aws.dynamodb.update_time_to_live(
            TableName=TABLE, TimeToLiveSpecification=about["TimeToLiveSpecification"]
        )
        aws.dynamodb.update_continuous_backups(
            TableName=TABLE,
            PointInTimeRecoverySpecification=about["PointInTimeRecoverySpecification"],
        )
        assert list(find_table_faults(aws.dynamodb, TABLE)) == []
    finally:
        aws.dynamodb.update_table(TableName=TABLE, DeletionProtectionEnabled=False)
        aws.dynamodb.delete_table(TableName=TABLE)


@pytest.mark.parametrize(("bucket", "code"), [("test-bucket", 1), ("none", 2)])
def test_the_command_says_it_by_its_exit_code(aws: Aws, bucket: str, code: int) -> None:
    command = [sys.executable, "-m", "deploy.storage", "--bucket", bucket, "--table"]
    done = subprocess.run(
        [*command, "test-analyses"],
        cwd=ROOT,
        env={"PATH": "", **aws.environment, "AWS_ENDPOINT_URL": aws.url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    if code == 1:
        assert "bucket test-bucket: versioning is off" in done.stdout
        assert "table test-analyses: records are kept for ever" in done.stdout
