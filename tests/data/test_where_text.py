"""The text of a constraint: what it prints it parses, and a mistake is marked where it is."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

import wheres
from ysmean.data.where import And, Comparison, Not, Number, Or, parse_where
from ysmean.data.where.tree import MAX_CLAUSES, MAX_DEPTH
from ysmean.errors import WhereError


@given(wheres.anything)
def test_what_a_constraint_prints_parses_to_an_equal_constraint(where):
    assert parse_where(str(where)) == where


def a(n):
    return Comparison("a", "=", Number(str(n)))


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a = 1 or a = 2 and a = 3", Or((a(1), And((a(2), a(3)))))),
        ("a = 1 and a = 2 or a = 3", Or((And((a(1), a(2))), a(3)))),
        ("not a = 1 and a = 2", And((Not(a(1)), a(2)))),
        ("not (a = 1 and a = 2)", Not(And((a(1), a(2))))),
        ("a = 1 and a = 2 and a = 3", And((a(1), a(2), a(3)))),
        ("a = 1 and (a = 2 and a = 3)", And((a(1), And((a(2), a(3)))))),
        ("((a = 1))", a(1)),
    ],
)
def test_not_binds_before_and_and_and_before_or(text, tree):
    assert parse_where(text) == tree


@given(st.text("()andortisul ='\"`,<1.+-\n", max_size=30))
def test_any_text_is_a_constraint_or_a_marked_mistake(text):
    try:
        parse_where(text)
    except WhereError as error:
        assert str(error).split("\n")[1].strip().startswith("^")


@pytest.mark.parametrize(
    ("text", "marked", "message"),
    [
        ("year >>= 1990", ">= 1990", "expected a number or a quoted value"),
        ("year 1990", "1990", "expected = != < <= > >=, 'in', 'not in', 'contains all' or"),
        ("and = 3", "and = 3", "expected the name of a feature"),
        ("year = 1 xor year = 2", "xor year = 2", "expected 'and', 'or' or the end"),
        ("year = 1)", ")", "expected 'and', 'or' or the end"),
        ("(year = 1", "", "expected 'and', 'or' or ')'"),
        ("(year = 1 year", "year", "expected 'and', 'or' or ')'"),
        ("()", ")", "expected the name of a feature"),
        ("not", "", "expected the name of a feature"),
        ("year not 3", "3", "expected 'in'"),
        ("year is 3", "3", "expected 'null'"),
        ("year is not", "", "expected 'null'"),
        ("year contains (3)", "(3)", "expected 'all'"),
        ("year = null", "null", "write 'is null' or 'is not null'"),
        ("year = 1 and", "", "expected the name of a feature"),
        ("", "", "expected the name of a feature"),
        ("year in ()", ")", "expected a number or a quoted value"),
        ("year in (1, 2", "", "expected ',' or ')'"),
        ("year = 1e999", "1e999", "expected a number or a quoted value"),
        ("language = 'oops", "'oops", "this quote is never closed"),
        ("year = 1 and §", "§", "not understood"),
    ],
)
def test_an_error_shows_the_text_and_marks_the_place(text, marked, message):
    with pytest.raises(WhereError, match=re.escape(message)) as caught:
        parse_where(text)
    shown, mark = str(caught.value).split("\n")
    assert shown[mark.index("^") :] == marked


def test_a_line_break_does_not_part_the_mark_from_its_place():
    with pytest.raises(WhereError) as caught:
        parse_where("year = 1\nand year ! 2")
    shown, mark = str(caught.value).split("\n")
    assert shown[mark.index("^")] == "!"


def test_of_a_long_text_only_what_is_around_the_mark_is_shown():
    many = ", ".join(["abc"] * 500)
    with pytest.raises(WhereError) as caught:
        parse_where(f"a in ({many}, !, {many})")
    shown, mark = str(caught.value).split("\n")
    assert shown[mark.index("^")] == "!"
    assert len(shown) < 150 and shown.startswith("where: …") and shown.endswith("…")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(" * 10_000 + "a = 1" + ")" * 10_000, f"nested more than {MAX_DEPTH} deep"),
        ("not " * 10_000 + "a = 1", f"nested more than {MAX_DEPTH} deep"),
        (" or ".join(["a = 1"] * 10_000), f"more than {MAX_CLAUSES} clauses"),
        ("a in (" + "1," * 100_001 + "1)", "more than 100,000 values"),
        ("a = '" + "x" * 1_000_000 + "'", "where has 1,000,006 characters; at most 1,000,000"),
    ],
)
def test_a_hostile_text_is_refused_in_one_sentence(text, message):
    with pytest.raises(WhereError, match=re.escape(message)) as caught:
        parse_where(text)
    assert len(str(caught.value)) < 300


def test_the_deepest_and_longest_constraints_are_read():
    deep = "(" * (MAX_DEPTH - 1) + "a = 1" + ")" * (MAX_DEPTH - 1)
    assert parse_where(deep) == a(1)
    assert len(parse_where(" or ".join(["a = 1"] * MAX_CLAUSES)).parts) == MAX_CLAUSES
