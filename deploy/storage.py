"""``python -m deploy.storage``: say which settings a bucket and a table lack.

It is for a bucket and a table that the stack (``template.yaml``) did not create.

The stack sets all of this on what it creates, and cannot set it on anything else. Nothing is
changed here. Needs permission to read the settings of both.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from handler.aws import USER_INDEX
from handler.keys import OWN_PREFIX, PARTS

NOT_SET = {
    "NoSuchLifecycleConfiguration",
    "NoSuchPublicAccessBlockConfiguration",
    "NoSuchBucketPolicy",
    "ServerSideEncryptionConfigurationNotFoundError",
}
PARTS_DAYS = 1
"""Parts of divided recordings are removed when they are joined; this is for what was left."""
KEYS = {"analysis_id": "HASH"}
INDEX_KEYS = {"user_id": "HASH", "created_at": "RANGE"}


def find_bucket_faults(s3: Any, bucket: str, prefixes: list[str], days: int) -> Iterator[str]:
    """Yield a sentence for each setting that a bucket lacks, with the command that sets it.

    Parameters
    ----------
    s3 : boto3 client
    bucket : str
        Name of the bucket.
    prefixes : list of str
        Beginnings of the keys of users' files and results.
    days : int
        How many days files are kept; 0: for ever.
    """
    if s3.get_bucket_versioning(Bucket=bucket).get("Status") != "Enabled":
        yield (
            "versioning is off: a file that is written over is lost, and what was analysed cannot "
            "be shown. aws s3api put-bucket-versioning --versioning-configuration Status=Enabled"
        )
    block = _ask(s3.get_public_access_block, Bucket=bucket)
    settings = block.get("PublicAccessBlockConfiguration", {})
    if len(settings) < 4 or not all(settings.values()):
        yield "public access is not blocked: aws s3api put-public-access-block"
    if '"aws:SecureTransport"' not in _ask(s3.get_bucket_policy, Bucket=bucket).get("Policy", ""):
        yield "connections without TLS are not refused: aws s3api put-bucket-policy"
    told = s3.get_bucket_notification_configuration(Bucket=bucket)
    if not any(_tells_of_uploads(one) for one in told.get("QueueConfigurations", [])):
        yield "no queue is told of users/*/original: put-bucket-notification-configuration"
    rules = _ask(s3.get_bucket_lifecycle_configuration, Bucket=bucket).get("Rules", [])
    rules = [one for one in rules if one.get("Status") == "Enabled"]
    if not any("AbortIncompleteMultipartUpload" in one for one in rules):
        yield "incomplete uploads are kept: a rule AbortIncompleteMultipartUpload is missing"
    kept = dict.fromkeys(prefixes if days else [], days) | {PARTS: PARTS_DAYS}
    for prefix, most in kept.items():
        covering = [one for one in rules if prefix.startswith(_read_prefix(one))]
        if not any(0 < one.get("Expiration", {}).get("Days", 0) <= most for one in covering):
            yield f"files under {prefix} are not deleted after {most} days: a rule is missing"
        if not any("NoncurrentVersionExpiration" in one for one in covering):
            yield f"earlier versions under {prefix} are kept for ever: a rule is missing"


def find_table_faults(dynamodb: Any, table: str) -> Iterator[str]:
    """Yield a sentence for each setting that a table lacks; `dynamodb` is a boto3 client."""
    about = dynamodb.describe_table(TableName=table)["Table"]
    if (found := _read_keys(about)) != KEYS:
        yield f"its key is {', '.join(found)}, expected analysis_id (text): make another table"
    types = {one["AttributeName"]: one["AttributeType"] for one in about["AttributeDefinitions"]}
    indexes = {one["IndexName"]: one for one in about.get("GlobalSecondaryIndexes", [])}
    index = indexes.get(USER_INDEX)
    if index is None or _read_keys(index) != INDEX_KEYS:
        yield f"the index {USER_INDEX} of user_id and created_at is missing: lists do not work"
    elif index["Projection"]["ProjectionType"] != "ALL":
        yield f"the index {USER_INDEX} does not hold all attributes: lists do not work"
    if any(types.get(name, "S") != "S" for name in (*KEYS, *INDEX_KEYS)):
        yield "analysis_id, user_id or created_at is no text (S)"
    ttl = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    enabled = ttl.get("TimeToLiveStatus") in ("ENABLED", "ENABLING")
    if not enabled or ttl.get("AttributeName") != "expires_at":
        yield "records are kept for ever: aws dynamodb update-time-to-live for expires_at"
    if not about.get("DeletionProtectionEnabled"):
        yield "it can be deleted by mistake: update-table --deletion-protection-enabled"
    backups = dynamodb.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
    point = backups.get("PointInTimeRecoveryDescription", {})
    if point.get("PointInTimeRecoveryStatus") != "ENABLED":
        yield "what is lost cannot be recovered: aws dynamodb update-continuous-backups"


def _tells_of_uploads(notification: dict[str, Any]) -> bool:
    rules = notification.get("Filter", {}).get("Key", {}).get("FilterRules", [])
    found = {one["Name"].lower(): one["Value"] for one in rules}
    return (
        any(one.startswith("s3:ObjectCreated") for one in notification["Events"])
        and "users/".startswith(found.get("prefix", ""))
        and "/original".endswith(found.get("suffix", ""))
    )


def _read_keys(schema: dict[str, Any]) -> dict[str, str]:
    return {one["AttributeName"]: one["KeyType"] for one in schema["KeySchema"]}


def _read_prefix(rule: dict[str, Any]) -> str:
    """Return the beginning of the keys that a lifecycle rule is for; "" if it is for all.

    A rule with another condition than a prefix (a tag, a size, several conditions) leaves some of
    these keys out: the result is then a text with which no key begins.
    """
    about = rule.get("Filter", {})
    if about.keys() - {"Prefix"}:
        return "\0"
    return str(about.get("Prefix", rule.get("Prefix", "")))


def _ask(call: Callable[..., dict[str, Any]], **arguments: str) -> dict[str, Any]:
    """Return what a client's method answers about a setting; empty if it was never set."""
    try:
        return call(**arguments)
    except ClientError as error:
        if error.response["Error"]["Code"] in NOT_SET:
            return {}
        raise


def main() -> None:
    """Print what is missing; exit with 1 if anything is, with 2 if AWS does not tell."""
    parser = argparse.ArgumentParser(prog="python -m deploy.storage", description=__doc__)
    parser.add_argument("--bucket", required=True)
    parser.add_argument("--table", required=True)
    parser.add_argument("--own-prefix", default=OWN_PREFIX, help="as the stack's OwnPrefix")
    parser.add_argument("--retention-days", type=int, default=365, help="0: files are kept")
    options = parser.parse_args()
    own = options.own_prefix.partition("{user_id}")[0]
    prefixes = list(dict.fromkeys(("users/", own, "cohort-results/")))
    try:
        faults = [
            *(
                f"bucket {options.bucket}: {fault}"
                for fault in find_bucket_faults(
                    boto3.client("s3"), options.bucket, prefixes, options.retention_days
                )
            ),
            *(
                f"table {options.table}: {fault}"
                for fault in find_table_faults(boto3.client("dynamodb"), options.table)
            ),
        ]
    except (BotoCoreError, ClientError) as error:
        print(f"deploy.storage: {error}", file=sys.stderr)
        sys.exit(2)
    print("\n".join(faults) or "Nothing is missing.")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
