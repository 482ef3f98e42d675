"""The service with a recommender that computes nothing, and a route with a constant answer.

`/v1/recommend` parses, checks, queues and answers as ever; what comes out of the queue is one ready
answer. `/constant` reads nothing and sends the bytes of that answer.

    python benchmarks/serving/stub.py MODEL
"""

import sys
from dataclasses import replace
from pathlib import Path

from fastapi import Response

from ysmean.data.requests import Request
from ysmean.service import run
from ysmean.service.app import create_app
from ysmean.service.keys import NO_KEYS
from ysmean.service.served import Served
from ysmean.service.service import Service
from ysmean.service.settings import Settings


def stub(settings, keys):
    """Return the application with a ready answer instead of a computed one."""
    ready = []

    def compute(self, model, requests):
        if not ready:
            ready.append(model.recommender.recommend_many([Request()])[0])
        # Every answer has a name of its own, as the memory of answers expects.
        return [
            Served.of(replace(ready[0], user_id=request.user_id, request_id=f"{id(request):032x}"))
            for request in requests
        ]

    Service._compute = compute
    app = create_app(settings, keys)

    @app.post("/constant")
    async def constant():
        if not ready:
            compute(None, app.state.service.model, [])
        if len(ready) == 1:
            ready.append(Served.of(ready[0]).body)
        return Response(ready[1], media_type="application/json")

    return app


if __name__ == "__main__":
    model = Path(sys.argv[1])
    run.create_app = stub
    options = dict(zip(sys.argv[2::2], sys.argv[3::2], strict=True))
    store = options.get("--events-db")
    run.run(Settings(model=model, events_db=store), NO_KEYS, "127.0.0.1", 0, 0.0)
