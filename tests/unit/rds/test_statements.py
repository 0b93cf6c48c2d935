from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from underpass.twin.services.rds.statements import transaction_end


@pytest.mark.parametrize(
    "sql",
    [
        "",
        "select 1",
        "begin; insert into t values (1); commit;",
        "BEGIN;\ninsert into t values (1);\nCOMMIT;\n-- the end\n",
        "insert into t values ('a; commit; b'); select 1;",
        "insert into t values (E'it\\'s; commit; '); select 1;",
        'select 1 as "a; commit; b"; select 1;',
        "-- x; commit; \nselect 1; select 2;",
        "/* x; commit; */ select 1; select 2;",
        "create function f() returns int as $$ begin; commit; end $$ language plpgsql; select 1;",
        "do $body$ begin perform 1; commit; end $body$; select 1;",
        "copy t from stdin;\n1; commit;\n\\.\nselect 1;",
        "create function f() returns int begin atomic select 1; end; select 2;",
        "savepoint a; insert into t values (1); rollback to savepoint a; select 1;",
        "select commit from t; select rollback from t; select 1;",
        "create table commits (i int); insert into commits values (1);",
    ],
)
def test_one_transaction_is_let_through(sql: str) -> None:
    assert transaction_end(sql) is None


@pytest.mark.parametrize(
    ("sql", "line", "text"),
    [
        ("commit; select 1;", 1, "commit;"),
        ("select 1;\n\n-- half of it\n  COMMIT;\nselect 2;", 4, "COMMIT;"),
        ("begin;\nselect 1;\nend;\nselect 2", 3, "end;"),
        ("select 1;\nrollback;\nselect 2;", 2, "rollback;"),
        ("select 1;\nprepare transaction 'x';\nselect 2;", 2, "prepare transaction 'x';"),
        ("copy t from stdin;\n1\n\\.\ncommit;\nselect 1;", 4, "commit;"),
        ("select 'a';commit and chain;select 1;", 1, "commit and chain;"),
    ],
)
def test_what_ends_the_transaction_halfway_is_named(sql: str, line: int, text: str) -> None:
    found = transaction_end(sql)
    assert found is not None
    assert (found.line, found.text) == (line, text)


QUOTED = st.sampled_from(
    [
        "'{}'",
        '"{}"',
        "$${}$$",
        "$tag${}$tag$",
        "/*{}*/",
        "--{}\n",
    ]
)


@given(st.lists(st.tuples(QUOTED, st.sampled_from(["; commit; ", "rollback;", "end ; x", " "]))))
def test_nothing_quoted_ends_a_transaction(parts: list[tuple[str, str]]) -> None:
    sql = "select " + ", ".join(form.format(inner) for form, inner in parts) + " 1;\nselect 2;"
    assert transaction_end(sql) is None
