"""Several values of a filter, and the one address that each choice has."""

from __future__ import annotations

import pytest

from ckanext.marathon.search import query
from ckanext.marathon.search.query import Pair

AREA, FORMAT = ("vocab_service_problem", "AGU"), ("res_format", "CSV")
JALAPA, VILLA_NUEVA = ("vocab_department", "21"), ("vocab_municipality", "0115")


class TestAnyOf:
    @pytest.mark.parametrize(
        ("pairs", "written"),
        [
            ([], ""),
            ([FORMAT], '+(res_format:"CSV")'),
            (
                [FORMAT, AREA, ("res_format", "XLSX")],
                '+(res_format:"CSV" OR res_format:"XLSX") +(vocab_service_problem:"AGU")',
            ),
            ([JALAPA, VILLA_NUEVA], '+(vocab_department:"21" OR vocab_municipality:"0115")'),
            ([FORMAT, FORMAT], '+(res_format:"CSV")'),
            ([("tags", 'a" OR b:"c\\')], '+(tags:"a\\" OR b:\\"c\\\\")'),
            ([("a:b OR c", "d")], 'a:b OR c:"d"'),
        ],
        ids=str,
    )
    def test_values_of_a_filter_are_alternatives(self, pairs: list[Pair], written: str) -> None:
        assert query.write_filter_of_any(pairs) == written

    def test_a_group_of_filters_can_be_left_out(self) -> None:
        found = query.write_filter_of_any([JALAPA, AREA, VILLA_NUEVA], leave_out=query.PLACES)
        assert found == '+(vocab_service_problem:"AGU")'


class TestAddresses:
    def test_parameters_that_do_not_filter_are_ignored(self) -> None:
        parameters = [("q", "agua"), ("page", "2"), ("sort", "x"), ("_limit", "0"), ("ext_a", "b")]
        assert query.list_chosen([*parameters, ("tags", ""), FORMAT]) == [FORMAT]

    def test_the_address_does_not_depend_on_the_order_of_clicks(self) -> None:
        order = ["vocab_department", "vocab_municipality", "vocab_service_problem", "res_format"]
        pairs = [FORMAT, ("unknown", "x"), AREA, ("res_format", "API"), VILLA_NUEVA]
        others = [("sort", "title_string asc"), ("q", "agua")]
        first = query.list_parameters(pairs, order, others)
        assert first == query.list_parameters(pairs[::-1], order, others[::-1])
        assert [name for name, _value in first] == [
            "q",
            "vocab_municipality",
            "vocab_service_problem",
            "res_format",
            "res_format",
            "unknown",
            "sort",
        ]
