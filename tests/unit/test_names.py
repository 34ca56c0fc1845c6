"""Names of objects: what is known here, what a name says itself, and when somebody else is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from daxa_gui.core.errors import DaxaError, InputError, TransferError
from daxa_gui.core.sky import SkyPosition
from daxa_gui.finding import Finding


class Service:
    """A name service that knows one pulsar, and remembers what it was asked."""

    def __init__(self, fails: DaxaError | None = None) -> None:
        self.asked: list[str] = []
        self.fails = fails

    def __call__(self, name: str) -> SkyPosition:
        self.asked.append(name)
        if self.fails is not None:
            raise self.fails
        return SkyPosition(83.633, 22.0145, name)


@pytest.fixture
def finding(tmp_path: Path) -> Finding:
    return Finding(tmp_path)


@pytest.mark.parametrize("name", ["PSR J0534+22", "PSR J0534+2200", "PSR B0531+21", "G184.6-5.8"])
def test_that_a_coarse_name_is_asked_for(finding: Finding, name: str) -> None:
    service = Service()
    found = finding.resolve_name(name, service)
    assert (found.ra_deg, found.dec_deg, found.name, service.asked) == (83.633, 22.0145, name, [name])


@pytest.mark.parametrize(
    "name", ["1RXS J185635.4-375433", "J053431.9+220052", "J053431+2200", "83.633 22.0145", "05 34 32 +22 00 52"]
)
def test_that_a_good_position_is_taken_without_asking(finding: Finding, name: str) -> None:
    service = Service()
    assert "about" not in finding.resolve_name(name, service).name
    assert service.asked == []


@pytest.mark.parametrize("service", [None, Service(InputError("unknown")), Service(TransferError("no network"))])
def test_that_a_coarse_name_without_an_answer_is_its_own_position_and_says_how_coarse(finding: Finding, service) -> None:
    found = finding.resolve_name("PSR J0534+2200", service)
    assert (found.ra_deg, found.dec_deg) == pytest.approx((83.5, 22.0))
    assert found.name == "PSR J0534+2200 (to about 15′)"
    assert finding.resolve_name("PSR J0534+22", service).name == "PSR J0534+22 (to about 1°)"
    assert finding.resolve_name(found.name, service) == found


def test_that_a_coarse_answer_can_be_asked_for_again(finding: Finding) -> None:
    service = Service()
    assert finding.resolve_name("PSR J0534+22 (to about 1°)", service).name == "PSR J0534+22"
    assert service.asked == ["PSR J0534+22"]


def test_that_a_name_that_nobody_knows_is_an_error(finding: Finding) -> None:
    for service, error in ((None, InputError), (Service(TransferError("no network")), TransferError)):
        with pytest.raises(error):
            finding.resolve_name("M 51", service)


def test_that_fields_of_the_tables_are_known_without_asking(finding: Finding) -> None:
    service = Service()
    assert finding.resolve_name("47tuc", service).name.startswith("47 Tuc")
    assert service.asked == []
