"""Whether the real program has CloudFront, simulated by moto, forget what was deleted: deploy/cloudfront/check.py PROGRAM"""

import json, logging, os, pathlib, shutil, sys, tempfile

import boto3
from moto.server import ThreadedMotoServer

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests"))
from service import Passed, Process, ask, multipart, wait

passed = Passed()


def main(program):
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    aws = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    aws.start()
    host, port = aws.get_host_and_port()
    os.environ |= {"AWS_ENDPOINT_URL_CLOUDFRONT": f"http://{host}:{port}", "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "secret"}
    client = boto3.client("cloudfront", region_name="us-east-1", endpoint_url=os.environ["AWS_ENDPOINT_URL_CLOUDFRONT"])
    origin = {"Id": "service", "DomainName": "api.example.com", "CustomOriginConfig": {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only"}}
    behaviour = {"TargetOriginId": "service", "ViewerProtocolPolicy": "https-only"}
    settings = {"CallerReference": "check", "Origins": {"Quantity": 1, "Items": [origin]}, "DefaultCacheBehavior": behaviour, "Comment": "", "Enabled": True}
    distribution = client.create_distribution(DistributionConfig=settings)["Distribution"]["Id"]
    folder = pathlib.Path(tempfile.mkdtemp(prefix="cloudfront"))
    service = None
    try:
        service = Process(program, folder / "service", data=folder / "data", model="chroma", caches=f"cloudfront:{distribution}")
        headers = {"X-API-Key": service.key, "Content-Type": "multipart/form-data; boundary=x", "Prefer": "wait=60"}
        jobs = [json.loads(ask(service.base, "POST", "/v1/jobs", multipart({"image": "", "model": "chroma"}), headers)[2])["id"] for _ in range(2)]
        links = [json.loads(ask(service.base, "GET", f"/v1/jobs/{jobs[0]}/results/1/link{query}", None, headers)[2])["url"] for query in ("", "?seconds=60")]
        passed(len(set(links)) == 2 and ask(service.base, "GET", links[0])[0] == 200, "links are given", links)
        for job in jobs:
            passed(ask(service.base, "DELETE", f"/v1/jobs/{job}", None, headers)[0] == 200, "a job is deleted")
        summaries = lambda: client.list_invalidations(DistributionId=distribution)["InvalidationList"].get("Items", [])
        found = wait(summaries, 20, "CloudFront is told")
        told = [client.get_invalidation(DistributionId=distribution, Id=one["Id"])["Invalidation"]["InvalidationBatch"]["Paths"]["Items"] for one in found]
        passed(told == [[f"/v1/files/{jobs[0]}/*"]], "of the job that links were given of, once", told)
        passed(ask(service.base, "GET", links[0])[0] == 404, "the link leads nowhere")
        print(f"{passed.count} passed")
    finally:
        if service:
            service.process.kill()
        aws.stop()
        shutil.rmtree(folder, ignore_errors=True)


main(*sys.argv[1:])
