"""The page's files as the service sends them."""

import re

import pytest
from fastapi.testclient import TestClient

from snippets import ROOT
from ysmean.service.app import create_app
from ysmean.service.keys import Keys
from ysmean.service.settings import Settings
from ysmean.service.studio import FOLDER, assets

MOST = 200_000  # bytes of all files together


def test_the_page_and_its_files_need_neither_a_key_nor_a_model(bundle):
    keys = Keys.parse("read read-key-0123456789", "keys")
    client = TestClient(create_app(Settings(model=bundle), keys))  # not started: no model
    page = client.get("/")
    assert page.status_code == 200 and page.headers["content-type"].startswith("text/html")
    for name, asset in assets().items():
        response = client.get(f"/studio/{name}")
        assert response.content == asset.content
        assert response.headers["content-type"] == asset.media_type
    assert client.get("/v1/users").status_code == 401


@pytest.mark.parametrize(
    "name", ["", "nothing.js", "../app.py", "..%2fapp.py", "%2e%2e/app.py", "a/b.js"]
)
def test_nothing_else_is_sent(client, name):
    response = client.get(f"/studio/{name}")
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"


def test_the_policy_allows_this_origin_alone_and_nothing_inline(client):
    headers = client.get("/").headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy and "script-src 'self'" in policy
    for loose in ("unsafe-inline", "unsafe-eval", "*", "http:", "https:", "data:"):
        assert loose not in policy
    assert headers["x-content-type-options"] == "nosniff"


def test_answers_keep_the_policy_that_allows_nothing(client):
    policy = client.get("/v1/model").headers["content-security-policy"]
    assert policy == "default-src 'none'; frame-ancestors 'none'"


def test_a_file_that_is_the_same_still_is_not_sent_again(client):
    first = client.get("/studio/main.js")
    again = client.get("/studio/main.js", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304 and not again.content
    other = client.get("/studio/main.js", headers={"If-None-Match": '"other"'})
    assert other.status_code == 200 and other.content == first.content


def test_all_files_together_are_small():
    assert sum(len(asset.content) for asset in assets().values()) < MOST
    assert {path.name for path in FOLDER.iterdir()} == set(assets())


def test_every_file_is_needed_and_every_module_is_loaded_at_once():
    text = {name: asset.content.decode() for name, asset in assets().items()}
    page = text["index.html"]
    needed, found = {"main.js"}, ["main.js"]
    while found:
        imported = set(re.findall(r'from "\./([\w.]+)"', text[found.pop()])) - needed
        needed |= imported
        found += imported
    assert needed == {name for name in text if name.endswith(".js")}
    assert set(re.findall(r'"modulepreload" href="studio/(.*)"', page)) == needed - {"main.js"}
    named = set(re.findall(r'="studio/([\w.]+)"', page))
    assert named == set(text) - {"index.html"}


def test_no_file_names_another_origin_or_makes_html_of_strings():
    for name, asset in assets().items():
        code = asset.content.decode().replace("http://www.w3.org/", "")
        for unwanted in ("http://", "https://", "innerHTML", "eval(", "Function(", " style="):
            assert unwanted not in code, f"{name}: {unwanted}"


def test_the_files_are_in_the_wheel():
    """Hatch takes all files of the package that git does not ignore."""
    rules = (ROOT / ".gitignore").read_text().split()
    assert 'packages = ["src/ysmean"]' in (ROOT / "pyproject.toml").read_text()
    assert not {"*.js", "*.css", "*.html", "*.svg", "studio/"} & set(rules)
