"""The client `remove-bg-api` of PyPI."""
import base64
import sys

import remove_bg_api
from remove_bg_api import RemoveBg

base, key, picture = sys.argv[1:]
sys.modules[RemoveBg.__module__].API_URL = base

client = RemoveBg(key)
assert client.account.balance() > 0
with open(picture, "rb") as file:
    given = file.read()
for cut in (
    client.remove_bg_file(picture),
    client.remove_bg_bytes(given, size="full"),
    client.remove_bg_base64(base64.b64encode(given)),
    client.remove_bg_file(picture, data={"crop": True, "crop_margin": "10%", "size": "auto", "format": "png"}),
):
    assert cut[:8] == b"\x89PNG\r\n\x1a\n"
try:
    client.remove_bg_bytes(b"no picture")
except Exception as error:
    assert "400" in type(error).__name__, repr(error)
else:
    raise AssertionError("what is no picture was taken")
print("ok       remove-bg-api (PyPI)")
