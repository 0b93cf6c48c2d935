"""The web service: ``python -m app``."""

from __future__ import annotations

import json
import urllib.request

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from . import aws, database

RATES = "http://127.0.0.1:9000/"  # the sidecar


def index(_: Request) -> Response:
    """Show the page in the bucket."""
    return HTMLResponse(aws.page("index.html"))


def healthz(_: Request) -> Response:
    """Say that it serves."""
    return PlainTextResponse("ok")


def order(request: Request) -> Response:
    """Take an order: ``POST /orders?item=tea&price=4&currency=GBP``."""
    try:
        item, price = request.query_params["item"], float(request.query_params["price"])
    except (KeyError, ValueError):
        return JSONResponse({"error": "needs ?item=...&price=..."}, status_code=400)
    with urllib.request.urlopen(RATES, timeout=2) as answer:
        rates = json.load(answer)
    currency = request.query_params.get("currency", "EUR")
    if currency not in rates:
        return JSONResponse({"error": f"takes {', '.join(rates)}"}, status_code=400)
    euros = round(price * rates[currency], 2)
    number = database.add(item, euros)
    aws.send(number)
    return JSONResponse({"order": number, "euros": euros}, status_code=201)


def show(request: Request) -> Response:
    """Show an order."""
    found = database.find(int(request.path_params["number"]))
    return JSONResponse(found or {"error": "no such order"}, status_code=200 if found else 404)


def counts(_: Request) -> Response:
    """Show how many orders there are, and are fulfilled."""
    return JSONResponse(database.counts())


APPLICATION = Starlette(
    routes=[
        Route("/", index),
        Route("/healthz", healthz),
        Route("/orders", order, methods=["POST"]),
        Route("/orders/{number:int}", show),
        Route("/counts", counts),
    ]
)

if __name__ == "__main__":
    uvicorn.run(
        APPLICATION,
        host="0.0.0.0",  # noqa: S104  the task's own address; its security group decides who reaches it
        port=8000,
        access_log=False,
        timeout_keep_alive=75,  # longer than the load balancer keeps an idle connection
        timeout_graceful_shutdown=20,
    )
