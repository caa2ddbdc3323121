from __future__ import annotations

import pytest
from ansible.module_utils.changing.steps import Failed, Steps
from ansible.module_utils.measuring.errors import Unmeasurable


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (Unmeasurable("timed_out", command="x", seconds=3), "timed_out: x: 3"),
        (OSError(24, "Too many open files"), "OSError: [Errno 24] Too many open files"),
        (ValueError("password=geheim7"), "ValueError: password=[secret]"),
    ],
)
def test_whatever_a_step_meets_fails_it_so_that_the_way_back_follows(error, problem):
    def work():
        raise error

    steps = Steps()
    with pytest.raises(Failed, match=r"^stop a\.service$"):
        steps.do("stop", "a.service", work)
    (told,) = steps.observations
    assert (told.level, told.detail["problem"]) == ("critical", problem)
