"""Validates the objects of this folder strictly against the schemas of Kubernetes, and looks at what no schema knows."""

import pathlib, subprocess, sys

import yaml

HERE = pathlib.Path(__file__).resolve().parent
# Kinds that Kubernetes itself does not have.
OTHERS = {"Kustomization", "ScaledObject", "TriggerAuthentication"}


def main():
    objects = []
    for file in sorted(HERE.glob("*.yaml")) + [HERE / "secrets.yaml.example"]:
        for one in yaml.safe_load_all(file.read_text()):
            objects.append(one)
            if one["kind"] in OTHERS:
                continue
            alone = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "/tmp") / f"{one['kind']}.yaml"
            alone.write_text(yaml.safe_dump(one))
            command = [pathlib.Path(sys.executable).parent / "kubernetes-validate", "--strict", alone]
            made = subprocess.run(command, capture_output=True, text=True)
            alone.unlink()
            told = made.stdout + made.stderr
            assert made.returncode == 0 and "passed" in told, f"{file.name}: {told}"
            print(f"ok       {file.name}: {one['kind']} {one['metadata']['name']}")
    named = {(one["kind"], one["metadata"]["name"]): one for one in objects if "metadata" in one}
    listed = set(yaml.safe_load((HERE / "kustomization.yaml").read_text())["resources"])
    assert listed == {file.name for file in HERE.glob("*.yaml")} - {"kustomization.yaml"}, "kustomization.yaml lists all files"
    for (kind, name), one in named.items():
        if kind in ("Deployment", "Job"):
            pod = one["spec"]["template"]["spec"]
            for container in pod["containers"]:
                rights = container["securityContext"]
                assert rights["readOnlyRootFilesystem"] and not rights["allowPrivilegeEscalation"] and rights["capabilities"]["drop"] == ["ALL"]
                assert pod["securityContext"]["runAsNonRoot"] and "memory" in container["resources"]["limits"], (kind, name)
                for variable in container.get("env", []):
                    source = variable.get("valueFrom", {}).get("secretKeyRef")
                    keys = named["Secret", "backgroundfx"]["stringData"]
                    assert not source or source["key"] in keys, f"{variable['name']} names a key that the Secret has not"
        if kind in ("HorizontalPodAutoscaler", "ScaledObject"):
            assert ("Deployment", one["spec"]["scaleTargetRef"]["name"]) in named
            assert "replicas" not in named["Deployment", one["spec"]["scaleTargetRef"]["name"]]["spec"], "two would say how many there are"
        if kind in ("Service", "PodDisruptionBudget"):
            selector = one["spec"]["selector"].get("matchLabels", one["spec"]["selector"])
            pods = named["Deployment", name]["spec"]["template"]["metadata"]["labels"]
            assert selector.items() <= pods.items(), (kind, name)
    autoscaler = named["HorizontalPodAutoscaler", "api"]["spec"]
    assert (autoscaler["minReplicas"], autoscaler["maxReplicas"]) == (3, 100)
    print("ok       names, selectors, rights and scaling fit each other")


main()
