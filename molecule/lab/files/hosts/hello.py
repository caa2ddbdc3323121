"""The lab's application: a page of a hospital's registration system, and /health for those who look after it."""

import os
import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PAGE = """<!DOCTYPE html>
<html lang="zh-CN">
<head><meta charset="utf-8"><title>挂号系统</title></head>
<body><h1>挂号系统</h1><p>请选择科室与就诊时间。</p></body>
</html>
"""
ANSWERS = {"/": ("text/html; charset=utf-8", PAGE), "/health": ("application/json", '{"status": "ok"}\n')}


class Handler(BaseHTTPRequestHandler):
    """Answers GET and HEAD."""

    def do_GET(self):
        kind, text = ANSWERS.get(self.path, ("text/plain", "not found\n"))
        body = text.encode()
        self.send_response(200 if self.path in ANSWERS else 404)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815 - the name that http.server looks for

    def log_request(self, code="-", size="-"):
        pass  # nginx keeps the access log


server = ThreadingHTTPServer(("127.0.0.1", 8080), Handler)
# systemd counts the service as started from now on, not before (sd_notify(3)).
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
    notify.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
server.serve_forever()
