"""A strict reading of a report's page."""

import re
from html.parser import HTMLParser

VOID = {"meta", "br", "hr"}


class Page(HTMLParser):
    """Everything the tests ask of a page; refuses tags that are not closed in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.tables, self.headings = [], [], {}, []
        self.text, self.rows = "", None
        self.feed(text)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.rows = []
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append({"text": "", "small": "", "bold": False, **dict(attrs)})
        if tag == "b" and self.cell is not None:
            self.cell["bold"] = True
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag == "caption":
            self.caption = ""

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-3:]}"
        self.open.pop()
        if tag == "table":
            self.tables[self.caption] = self.rows

    def handle_data(self, data):
        if "style" not in self.open:
            self.text += data
        if "caption" in self.open:
            self.caption += data
        elif self.cell is not None:
            self.cell["small" if "small" in self.open else "text"] += data

    @property
    def cell(self):
        inside = "td" in self.open or "th" in self.open
        return self.rows[-1][-1] if inside else None

    def named(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def numbers(parsed, caption):
    head, *rows = parsed.tables[caption]
    columns = [cell["text"] for cell in head]
    return {row[0]["text"]: dict(zip(columns, row, strict=True)) for row in rows}


def called(name):
    names = {
        "mean": "fitted mean",
        "mean-equal": "plain mean",
        "mean-pure": "mean without consensus",
    }
    return names.get(name, name)
