"""Licences and sources of what we depend on, against deny.toml, by what cargo itself tells: where cargo-deny is not installed.

    deploy/supply/check.py

Weaknesses are not looked up: that needs cargo-deny and its database.
"""

import json, pathlib, re, subprocess, tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]


def allowed(expression, names):
    """Whether an SPDX expression can be met with licences of these names (SPDX specification 2.3, annex D)."""
    tokens = re.findall(r"[()]|[^\s()]+", expression.replace("/", " OR "))

    def either():
        found = both()
        while tokens[:1] == ["OR"]:
            tokens.pop(0)
            found = both() or found
        return found

    def both():
        found = one()
        while tokens[:1] == ["AND"]:
            tokens.pop(0)
            found = one() and found
        return found

    def one():
        name = tokens.pop(0)
        if name == "(":
            found = either()
            tokens.pop(0)
            return found
        if tokens[:1] == ["WITH"]:
            name = " ".join([name, tokens.pop(0), tokens.pop(0)])
        return name in names

    return either() and not tokens


def main():
    for expression, expected in [("MIT OR GPL-3.0", True), ("MIT AND GPL-3.0", False), ("(GPL-3.0 OR MIT) AND ISC", True), ("MIT/GPL-2.0", True), ("MIT WITH x", False)]:
        assert allowed(expression, {"MIT", "ISC"}) == expected, expression
    settings = tomllib.loads((ROOT / "deny.toml").read_text())
    own, banned = set(settings["licenses"]["allow"]), {one["name"]: one.get("wrappers") for one in settings["bans"]["deny"]}
    exceptions = {one["crate"]: set(one["allow"]) for one in settings["licenses"]["exceptions"]}
    told = json.loads(subprocess.run(["cargo", "metadata", "--format-version", "1", "--locked"], cwd=ROOT, check=True, capture_output=True).stdout)
    packages, problems = {package["id"]: package for package in told["packages"]}, []
    for package in packages.values():
        name, licence, source = package["name"], package["license"] or "", package["source"]
        if not licence or not allowed(licence, own | exceptions.get(name, set())):
            problems.append(f"{name}: its licence is {licence or 'not told'}")
        if source and not source.startswith("registry+"):
            problems.append(f"{name}: it comes from {source}")
    for node in told["resolve"]["nodes"]:
        for needed in (packages[one]["name"] for one in node["dependencies"]):
            if needed in banned and packages[node["id"]]["name"] not in (banned[needed] or []):
                problems.append(f"{packages[node['id']]['name']}: it depends on {needed}")
    assert not problems, "\n".join(problems)
    print(f"ok       {len(packages)} packages: licences, sources and bans")


main()
