"""Validates the objects of this folder strictly against the schemas of Kubernetes, and looks at what no schema knows:

    deploy/kubernetes/check.py PROGRAM

The program itself reads the settings that containers are given here and by Compose, those in comments too: it refuses what it does not know.
"""

import os, pathlib, re, subprocess, sys, tempfile

import yaml

HERE = pathlib.Path(__file__).resolve().parent
PROGRAM = sys.argv[1]
# Kinds that Kubernetes itself does not have.
OTHERS = {"Kustomization", "ScaledObject", "TriggerAuthentication"}


def reads(where, settings):
    """Has the program read `settings` as a process that is given them would."""
    with tempfile.TemporaryDirectory() as home:
        mine = {name: value for name, value in settings.items() if name.startswith("BACKGROUNDFX_")}
        made = subprocess.run([PROGRAM, "config", "show"], env={"HOME": home, "PATH": os.environ["PATH"]} | mine, capture_output=True, text=True)
        assert made.returncode == 0, f"{where}: {made.stderr}"
    print(f"ok       {where}: the program reads its {len(mine)} settings")


def main():
    objects = []
    for file in sorted(HERE.glob("*.yaml")) + [HERE / "secrets.yaml.example"]:
        for one in yaml.safe_load_all(file.read_text()):
            objects.append(one)
            if one["kind"] in OTHERS:
                continue
            with tempfile.NamedTemporaryFile("w", suffix=".yaml") as alone:
                alone.write(yaml.safe_dump(one))
                alone.flush()
                command = [pathlib.Path(sys.executable).parent / "kubernetes-validate", "--strict", alone.name]
                made = subprocess.run(command, capture_output=True, text=True)
            told = made.stdout + made.stderr
            assert made.returncode == 0 and "passed" in told, f"{file.name}: {told}"
            print(f"ok       {file.name}: {one['kind']} {one['metadata']['name']}")
    named = {(one["kind"], one["metadata"]["name"]): one for one in objects if "metadata" in one}
    listed = set(yaml.safe_load((HERE / "kustomization.yaml").read_text())["resources"])
    assert listed == {file.name for file in HERE.glob("*.yaml")} - {"kustomization.yaml"}, "kustomization.yaml lists all files"
    # What is commented out is set too.
    settings = re.sub(r"(?m)^  # (BACKGROUNDFX_)", r"  \1", (HERE / "settings.yaml").read_text())
    settings = next(iter(yaml.safe_load_all(settings)))["data"]
    secrets = named["Secret", "backgroundfx"]["stringData"]
    for (kind, name), one in named.items():
        if kind in ("Deployment", "Job"):
            pod = one["spec"]["template"]["spec"]
            for container in pod["containers"]:
                rights = container["securityContext"]
                assert rights["readOnlyRootFilesystem"] and not rights["allowPrivilegeEscalation"] and rights["capabilities"]["drop"] == ["ALL"]
                assert pod["securityContext"]["runAsNonRoot"] and "memory" in container["resources"]["limits"], (kind, name)
                given = dict(settings) if "envFrom" in container else {}
                for variable in container["env"]:
                    given[variable["name"]] = variable.get("value") or secrets[variable["valueFrom"]["secretKeyRef"]["key"]]
                reads(f"{kind} {name}", given)
        if kind in ("HorizontalPodAutoscaler", "ScaledObject"):
            assert ("Deployment", one["spec"]["scaleTargetRef"]["name"]) in named
            assert "replicas" not in named["Deployment", one["spec"]["scaleTargetRef"]["name"]]["spec"], "two would say how many there are"
        if kind in ("Service", "PodDisruptionBudget"):
            selector = one["spec"]["selector"].get("matchLabels", one["spec"]["selector"])
            pods = named["Deployment", name]["spec"]["template"]["metadata"]["labels"]
            assert selector.items() <= pods.items(), (kind, name)
    autoscaler = named["HorizontalPodAutoscaler", "api"]["spec"]
    assert (autoscaler["minReplicas"], autoscaler["maxReplicas"]) == (3, 100)
    for name, service in yaml.safe_load((HERE.parent / "container/compose.yaml").read_text())["services"].items():
        if service.get("image") == "backgroundfx:video":
            reads(f"compose.yaml {name}", service["environment"])
    print("ok       names, selectors, rights and scaling fit each other")


main()
