"""The sink ``s3-objects`` behind a proxy, and what it is given."""

from contextlib import closing
from time import monotonic

from tests.support.s3_proxy import WAIT_S
from tests.support.signed_requests import account_at

from fetcher.contract.source import Item
from fetcher.s3.urls import Place
from fetcher.sinks.s3_objects import S3Objects, object_of


def sink_for(bucket, proxy, left_s=WAIT_S):
    account = account_at(proxy.url)
    return closing(S3Objects(Place(bucket, "kept"), account, monotonic() + left_s))


def item(number):
    return Item(number, f"http://h/{number}.jpg")


def key(number):
    return object_of(Place("any", "kept"), item(number)).key
