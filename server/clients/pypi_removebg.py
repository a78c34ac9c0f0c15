"""The client `removebg` of PyPI."""
import base64
import sys

import requests
import removebg.removebg as client

base, key, picture = sys.argv[1:]
client.API_ENDPOINT = f"{base}/removebg"


def is_png(path):
    with open(path, "rb") as file:
        return file.read(8) == b"\x89PNG\r\n\x1a\n"


remover = client.RemoveBg(key, "error.log")
remover.remove_background_from_img_file(picture)
assert is_png(picture + "_no_bg.png")
with open(picture, "rb") as file:
    remover.remove_background_from_base64_img(base64.b64encode(file.read()), size="hd", new_file_name="hd.jpg", bg_color="81d4fa")
with open("hd.jpg", "rb") as file:
    assert file.read(2) == b"\xff\xd8", "with a colour behind it, auto gives a JPEG"
try:
    client.RemoveBg("wrong", "error.log").remove_background_from_img_file(picture)
except requests.HTTPError as error:
    assert error.response.status_code == 403
else:
    raise AssertionError("a wrong key was taken")
print("ok       removebg (PyPI)")
