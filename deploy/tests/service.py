"""Processes of the real program for the checks of this folder, and requests to them."""

import contextlib, functools, http.client, json, os, pathlib, random, re, signal, socket, ssl, subprocess, time

ROOT = pathlib.Path(__file__).resolve().parents[2]
# A red square before a green screen, which needs no network to be cut out.
SCREEN = "color=0x00b140:s=320x240:r=5:d=1,drawbox=x=100:y=60:w=120:h=120:color=red:t=fill"


def free_port():
    """A port below those that connections get by themselves, so that it stays free while a program is started again."""
    for port in random.sample(range(10_000, 32_000), 100):
        with contextlib.suppress(OSError), socket.socket() as one:
            one.bind(("127.0.0.1", port))
            return port
    raise SystemExit("FAILED   no port is free")


@functools.cache
def picture():
    """A JPEG of it."""
    command = ["ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", SCREEN, "-frames:v", "1", "-f", "mjpeg", "-q:v", "2", "-"]
    return subprocess.run(command, check=True, capture_output=True).stdout


def wait(what, seconds, of):
    """Waits until `what` gives something that is true, and returns it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError, http.client.HTTPException):
            if found := what():
                return found
        time.sleep(0.05)
    raise SystemExit(f"FAILED   {of}: not within {seconds} s")


class Passed:
    """Prints what holds, and ends at the first thing that does not."""

    def __init__(self):
        self.count = 0

    def __call__(self, holds, what, found=None):
        if not holds:
            raise SystemExit(f"FAILED   {what}: {found!r}")
        self.count += 1
        print(f"ok       {what}", flush=True)


def connect(base, source="127.0.0.1", seconds=60):
    """A connection from one of this machine's addresses, whatever the certificate."""
    scheme, host = base.split("://")
    if scheme == "http":
        return http.client.HTTPConnection(host, timeout=seconds, source_address=(source, 0))
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    return http.client.HTTPSConnection(host, timeout=seconds, context=trusting, source_address=(source, 0))


def ask(base, method, path, body=None, headers=None, source="127.0.0.1", seconds=60):
    """Status, headers and body of one request on a connection of its own."""
    connection = connect(base, source, seconds)
    headers = dict(headers or {})
    if isinstance(body, (dict, list)):
        body, headers["Content-Type"] = json.dumps(body), "application/json"
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def multipart(fields):
    """A body of fields, whose boundary is x; those that take files have the picture."""
    body = b""
    for name, value in fields.items():
        if name in ("image", "image_file", "video", "file", "background_image", "mask", "bg_image_file"):
            head, value = f'name="{name}"; filename="my picture (1).jpg"\r\nContent-Type: image/jpeg', picture()
        else:
            head, value = f'name="{name}"', (value if isinstance(value, str) else json.dumps(value)).encode()
        body += f"--x\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() + value + b"\r\n"
    return body + b"--x--\r\n"


class Process:
    """`backgroundfx serve` or `worker` on a folder of its own, with settings from the environment."""

    def __init__(self, program, folder, *arguments, port=None, **settings):
        self.folder, self.port = pathlib.Path(folder), port or free_port()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.base = f"http://127.0.0.1:{self.port}"
        self.command = [program, *(arguments or ["serve"]), "--listen", f"127.0.0.1:{self.port}"]
        self.environment = os.environ | {f"BACKGROUNDFX_SERVE_{name.upper()}": str(value) for name, value in settings.items()}
        self.environment.setdefault("BACKGROUNDFX_SERVE_DATA", str(self.folder / "data"))
        self.key = None
        self.start()

    def start(self):
        out = open(self.folder / "out", "ab")
        log = open(self.folder / "log", "ab")
        self.process = subprocess.Popen(self.command, stdout=out, stderr=log, env=self.environment)
        wait(lambda: ask(self.base, "GET", "/v1/ready")[0] == 200, 60, f"{self.command} is ready")
        if found := re.search(r"^api key: (\S+)", (self.folder / "out").read_text(), re.M):
            self.key = found[1]

    def refused(self):
        """What it says when it does not start."""
        made = subprocess.run(self.command, capture_output=True, text=True, env=self.environment, timeout=60)
        assert made.returncode != 0, made
        return made.stderr

    def end(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        return self.process.wait(60)


@contextlib.contextmanager
def running(*command, log, **options):
    """Another program in the background, which ends with the block."""
    with open(log, "ab") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, start_new_session=True, **options)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
