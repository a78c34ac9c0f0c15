"""Whether Amazon's own client takes the files of this folder, and a simulated S3 keeps them as they are."""

import json, pathlib, sys

import boto3
from moto import mock_aws

HERE = pathlib.Path(__file__).resolve().parent


@mock_aws
def main():
    s3 = boto3.client("s3", region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test")
    for bucket in ["pictures", "pictures-second-region"]:
        s3.create_bucket(Bucket=bucket)
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    lifecycle = json.loads((HERE / "lifecycle.json").read_text())
    s3.put_bucket_lifecycle_configuration(Bucket="pictures", LifecycleConfiguration=lifecycle)
    kept = s3.get_bucket_lifecycle_configuration(Bucket="pictures")["Rules"]
    assert [rule["ID"] for rule in kept] == [rule["ID"] for rule in lifecycle["Rules"]], kept
    print(f"ok       lifecycle.json: {len(kept)} rules")
    replication = json.loads((HERE / "replication.json").read_text())
    s3.put_bucket_replication(Bucket="pictures", ReplicationConfiguration=replication)
    kept = s3.get_bucket_replication(Bucket="pictures")["ReplicationConfiguration"]["Rules"]
    assert kept[0]["Destination"]["Bucket"].endswith("pictures-second-region"), kept
    print("ok       replication.json")


sys.exit(main())
