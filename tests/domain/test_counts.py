from __future__ import annotations

import random

import pytest

from ckanext.marathon.domain import workshop

T, W, M, Y, I = workshop.COUNT_FIELDS  # noqa: E741 (I for indigenous people, beside Y for youth)


def of(total: int | None, women: int | None = None, men: int | None = None) -> dict:
    return {T: total, W: women, M: men}


class TestCheck:
    @pytest.mark.parametrize(
        ("given", "at"),
        [
            (of(20, 10, 10), []),
            (of(20, 8, 8), []),  # people who are neither, or were not asked
            (of(20, 11, 10), [T]),
            (of(20, 21), [W]),
            (of(20, None, 21), [M]),
            (of(None, 30, 30), []),
            (of(0, 0, 0), []),
            ({T: 5, Y: 6, I: 7}, [Y, I]),
            ({T: 5, Y: 5, I: 5}, []),
            ({}, []),
        ],
    )
    def test_a_part_is_never_more_than_the_whole(self, given: dict, at: list[str]) -> None:
        assert [fault.path[0] for fault in workshop.check_counts(given)] == at


class TestMask:
    @pytest.mark.parametrize(
        ("given", "masked"),
        [
            (of(20, 10, 10), []),
            (of(20, 4, 16), [W, M]),  # 20 - 16 would say the 4
            (of(20, 16, 4), [W, M]),
            (of(20, 0, 20), [W, M]),
            (of(4, 2, 2), [T, W, M]),
            (of(None, 3, 30), [W]),  # nothing to subtract from
            (of(20, 17, None), [W]),  # the 3 others
            (of(20, 19, None), [W]),  # the only other one
            (of(20, 16, None), [W]),
            (of(20, 15, None), []),
            (of(20, 19, 1), [W, M]),
            ({T: 20, Y: 19, I: 19}, [Y, I]),
            ({T: 20, Y: 3}, [Y]),
            ({T: 20, Y: 18}, [Y]),
            ({T: 20, Y: 20}, []),
            ({T: 20, Y: 10, I: 4}, [I]),
            ({}, []),
            (of(5, 5, 0), [W, M]),
        ],
    )
    def test_small_groups_and_counts_that_reveal_them_are_masked(
        self, given: dict, masked: list[str]
    ) -> None:
        shown, names = workshop.mask_counts(given)
        assert names == masked
        assert shown == {n: None if n in masked else given.get(n) for n in workshop.COUNT_FIELDS}

    def test_no_small_sex_can_be_found_by_subtraction(self) -> None:
        rng = random.Random(20161017)
        for _ in range(5_000):
            total = rng.randrange(0, 40)
            women = rng.randrange(0, total + 1)
            men = rng.randrange(0, total - women + 1)
            shown, _ = workshop.mask_counts(of(total, women, men))
            for one, other in ((W, M), (M, W)):
                assert shown[one] is None or shown[one] >= workshop.SMALLEST_SHOWN
                if shown[T] is not None and shown[one] is not None:
                    rest = shown[T] - shown[one]
                    assert rest == 0 or rest >= workshop.SMALLEST_SHOWN, (total, women, men)
                assert shown[other] is None or shown[one] is not None or shown[T] is None
