import pytest

from ysmean.evaluation.page.html import Html, details, el, figure, join, number, table


def test_text_is_escaped_and_markup_is_not():
    inner = el("b", "<script>", title='say "hi" & <go>')
    assert inner == '<b title="say &quot;hi&quot; &amp; &lt;go&gt;">&lt;script&gt;</b>'
    assert el("p", "1 < 2", inner) == f"<p>1 &lt; 2{inner}</p>"


def test_a_plain_text_that_looks_like_markup_is_text():
    assert el("td", "<td>sly</td>") == "<td>&lt;td&gt;sly&lt;/td&gt;</td>"


def test_attributes_have_hyphens_and_those_without_a_value_are_left_out():
    made = el("line", x1=1.0, y2=2.345, aria_label="a", class_="b", tabindex=0, role=None)
    assert made == '<line x1="1" y2="2.35" aria-label="a" class="b" tabindex="0"></line>'


def test_void_elements_are_not_closed():
    assert el("meta", charset="utf-8") == '<meta charset="utf-8">'


def test_lists_are_spread_out_and_none_is_nothing():
    assert join("a", None, ["b", ("c", [el("i")])], 0) == "abc<i></i>0"
    assert isinstance(join("a"), Html)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (12.5, "12.5"),
        (3.0, "3"),
        (100.0, "100"),
        (0.0, "0"),
        (-0.001, "0"),
        (-0.5, "-0.5"),
        (7, "7"),
    ],
)
def test_numbers_are_short(value, text):
    assert number(value) == text


def test_tables_have_headers_with_a_scope_and_a_caption():
    made = table(["", "<n>"], [["row & co", 1], ["next", el("td", "2", class_="x")]], "what")
    assert '<th scope="col">&lt;n&gt;</th>' in made and "<caption>what</caption>" in made
    assert '<th scope="row">row &amp; co</th><td>1</td>' in made
    assert '<th scope="row">next</th><td class="x">2</td>' in made


def test_figures_and_details_say_what_they_hold():
    assert figure(el("svg"), "a < b") == (
        "<figure><svg></svg><figcaption>a &lt; b</figcaption></figure>"
    )
    assert details("more", "text") == "<details><summary>more</summary>text</details>"
