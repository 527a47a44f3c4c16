"""The application behind Pushpin: every request becomes a stream of the channel `bench`."""
import http.server
import sys


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = b": welcome\n\n"
        self.send_response(200)
        for name, value in (("Content-Type", "text/event-stream"), ("Grip-Hold", "stream"),
                            ("Grip-Channel", "bench"), ("Content-Length", str(len(body)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    http.server.ThreadingHTTPServer.request_queue_size = 4096
    http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
