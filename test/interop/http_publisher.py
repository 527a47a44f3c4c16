"""Publishes to a hub over HTTP, on one kept connection. One object for each thread."""
import http.client
import json

BASE = "/api/v1"


class Answer:
    def __init__(self, status, fields, text):
        self.status = status
        self.fields = fields
        self.text = text

    @property
    def json(self):
        return json.loads(self.text)

    @property
    def id(self):
        return self.json["id"]

    def problem(self):
        """The problem's name, as in docs/problems.md; none where it is no problem."""
        return self.json["type"].rsplit(":", 1)[-1] if self.status >= 400 else None

    def __repr__(self):
        return f"<{self.status} {self.text[:300]}>"


class HttpPublisher:
    def __init__(self, port, token, seconds=20):
        self.token = token
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)

    def request(self, method, path, body=None, **fields):
        headers = {"Authorization": f"Bearer {self.token}"}
        headers.update({name.replace("_", "-"): value for name, value in fields.items()})
        try:
            self._connection.request(method, BASE + path, body, headers)
            answer = self._connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read().decode())
        except (OSError, http.client.HTTPException):
            self._connection.close()
            raise

    def send(self, body, key=None):
        """One event, or a list of them, as JSON; the answer, whatever it is."""
        fields = {"Idempotency-Key": key} if key else {}
        return self.request("POST", "/events", json.dumps(body, ensure_ascii=False).encode(), **fields)

    def user(self, user, reason, **more):
        """An event that the original knows too, to one user; the id. `reason` makes it unmistakable."""
        return self._published({**login_failed(reason), "user_id": str(user), **more})

    def broadcast(self, reason, **more):
        return self._published({**login_failed(reason), "broadcast": True, **more})

    def _published(self, body):
        answer = self.send(body)
        assert answer.status == 201, answer
        return answer.id

    def close(self):
        self._connection.close()


def login_failed(reason):
    return {"type": "security.login.failed", "data": {"reason": reason}}


def import_started(name):
    return {"type": "import.started", "data": {"file_name": name, "file_format": "ofx"}}
