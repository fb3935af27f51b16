"""After a restore nothing of before is taken for what stands now."""

from __future__ import annotations

from pathlib import Path

import pytest

from state.errors import StarsError
from state.manager import Base
from tests.states.build import (
    LENA,
    WES,
    WIM,
    Office,
)


def test_an_etag_of_before_a_restore_never_matches_after_it(office: Office, tmp_path: Path) -> None:
    manager = office.manager()
    manager.create_state(LENA, "plan", data={"n": 0})
    path = tmp_path / "states.backup"
    office.layer.backup(path)
    seen = manager.update_state(WIM, "plan", {"n": 1})
    office.layer.restore(path, replace=True)
    other = office.manager().update_state(LENA, "plan", {"n": 2})
    assert other.version == seen.version and other.uid != seen.uid
    base = Base(version=seen.version, uid=seen.uid, exact=True, header=True)
    with pytest.raises(StarsError) as caught:
        office.manager().update_state(WIM, "plan", {"n": 3}, base=base)
    assert caught.value.status == 412
    assert office.manager().get_state(LENA, "plan").data == {"n": 2}


def test_going_back_leaves_what_did_not_change_with_its_writer(office: Office) -> None:
    manager = office.manager()
    manager.create_state(LENA, "plan", data={"a": 1, "b": 1})
    manager.update_state(WIM, "plan", {"b": 2})
    manager.update_state(LENA, "plan", {"c": 3})
    manager.restore_version(WES, "plan", 1)
    found = {path: (by.agent, by.version) for path, by in manager.blame(LENA, "plan").items()}
    assert found == {"/a": ("agent:lena", 1), "/b": ("agent:wes", 4)}
    assert manager.get_state(LENA, "plan").data == {"a": 1, "b": 1}
