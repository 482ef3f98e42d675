"""Random constraints: any that can be written, and some that fit a small table."""

from hypothesis import strategies as st

from ysmean.data.where import And, Comparison, IsNull, Membership, Not, Number, Or

MANY = ["in", "not in", "contains all"]
names = st.text("ab `'\"=é.", min_size=1, max_size=5) | st.sampled_from(["Or", "null", "a.b", "7"])
numbers = st.one_of(st.integers(-(10**9), 10**9).map(str), st.floats(-1e300, 1e300).map(repr)).map(
    Number
)
words = st.text("ab '\"`,()=\n", max_size=6) | st.sampled_from(["null", "and"])
values = numbers | words


def nested(clauses):
    """Join clauses by and, or and not."""
    return st.recursive(
        clauses,
        lambda inner: (
            st.builds(Not, inner)
            | st.builds(And, st.lists(inner, min_size=2, max_size=3).map(tuple))
            | st.builds(Or, st.lists(inner, min_size=2, max_size=3).map(tuple))
        ),
        max_leaves=6,
    )


anything = nested(
    st.builds(Comparison, names, st.sampled_from(["=", "!=", "<", "<=", ">", ">="]), values)
    | st.builds(
        Membership,
        names,
        st.lists(values, min_size=1, max_size=3).map(tuple),
        st.sampled_from(MANY),
    )
    | st.builds(IsNull, names, st.booleans())
)

ORDERED = ["=", "!=", "<", "<=", ">", ">="]
rows = st.fixed_dictionaries(
    {
        "year": st.none() | st.sampled_from([1.0, 2.0, 3.5]),
        "language": st.none() | st.sampled_from(["a", "b", "2"]),
        "genres": st.none() | st.lists(st.sampled_from(["a", "b", "2"]), min_size=1, max_size=3),
    }
)
years = st.sampled_from(["1", "2.0", "3.5"]).map(Number)
tags = st.sampled_from(["a", "b", "z"]) | st.just(Number("2"))
tagged = st.sampled_from(["language", "genres"])
fitting = nested(
    st.one_of(
        st.builds(Comparison, st.just("year"), st.sampled_from(ORDERED), years),
        st.builds(
            Membership,
            st.just("year"),
            st.lists(years, min_size=1, max_size=12).map(tuple),
            st.sampled_from(MANY[:2]),
        ),
        st.builds(Comparison, tagged, st.sampled_from(["=", "!="]), tags),
        st.builds(
            Membership,
            tagged,
            st.lists(tags, min_size=1, max_size=12).map(tuple),
            st.sampled_from(MANY[:2]),
        ),
        st.builds(
            Membership,
            st.just("genres"),
            st.lists(tags, min_size=1, max_size=3).map(tuple),
            st.just("contains all"),
        ),
        st.builds(IsNull, st.sampled_from(["year", "language", "genres"]), st.booleans()),
    )
)
