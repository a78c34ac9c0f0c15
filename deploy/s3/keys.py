"""Whether the real program seals files under a key of a key management service, simulated by moto: deploy/s3/keys.py PROGRAM"""

import json, logging, os, pathlib, shutil, sys, tempfile

import boto3
from moto.server import ThreadedMotoServer

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests"))
from service import Passed, Process, ask, multipart

passed = Passed()


def main(program):
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    kms = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    kms.start()
    host, port = kms.get_host_and_port()
    os.environ |= {"AWS_ENDPOINT_URL_KMS": f"http://{host}:{port}", "AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "secret"}
    client = boto3.client("kms", region_name="eu-central-1", endpoint_url=os.environ["AWS_ENDPOINT_URL_KMS"])
    key = client.create_key(Description="pictures")["KeyMetadata"]["KeyId"]
    client.create_alias(AliasName="alias/pictures", TargetKeyId=key)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="keys"))
    service = None
    try:
        service = Process(program, folder / "service", data=folder / "data", model="chroma", object_keys="kms:alias/pictures")
        headers = {"X-API-Key": service.key, "Content-Type": "multipart/form-data; boundary=x", "Prefer": "wait=60"}
        status, _, answer = ask(service.base, "POST", "/v1/jobs", multipart({"image": "", "model": "chroma"}), headers)
        job = json.loads(answer)
        passed(status == 200 and job["status"] == "succeeded", "a job is made", answer[:300])
        kept = [path for path in (folder / "data/objects").rglob("*") if path.is_file()]
        begins = {path.name: path.read_bytes()[:4] for path in kept}
        passed(len(kept) >= 2 and set(begins.values()) == {b"BFXS"}, "all files are sealed", begins)
        result = lambda: ask(service.base, "GET", f"/v1/jobs/{job['id']}/results/1", None, {"X-API-Key": service.key})
        service.end()
        service.start()
        status, _, answer = result()
        passed(status == 200 and answer[:4] == b"\x89PNG", "a new process has the service unwrap their keys", (status, answer[:200]))
        service.end()
        kms.stop()
        told = service.refused()
        passed("storage_unusable" in told and "keys" in told, "without the service it does not start, and says why", told)
        print(f"{passed.count} passed")
    finally:
        if service:
            service.process.kill()
        shutil.rmtree(folder, ignore_errors=True)


main(*sys.argv[1:])
