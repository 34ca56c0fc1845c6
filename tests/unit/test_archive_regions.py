"""Regions of an archive's observations: put in, looked at, replaced without loss, taken away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from daxa_gui.archive.layout import OutputLayout
from daxa_gui.archive.regions import ArchiveRegions
from daxa_gui.archive.store import ArchiveStore
from daxa_gui.core.errors import ArchiveError, FileError, InputError
from daxa_gui.core.filters import SkyShape
from daxa_gui.core.selection import Selection
from daxa_gui.exchange.region_files import read_region_file
from daxa_gui.region_sets import set_many, set_regions

OBS = ("xmm_pointed", "0201903501")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ArchiveStore]:
    made = ArchiveStore.create(OutputLayout(tmp_path / "out").archive("stars"))
    ids = ("0201903501", "0201903502")
    made.add_selections([(Selection("xmm_pointed", "1", ids, ()), [{"obs_id": one} for one in ids])])
    yield made
    made.close()


@pytest.fixture
def ds9(tmp_path: Path) -> Path:
    path = tmp_path / "mine.reg"
    path.write_text('fk5\ncircle(10,20,3") # color=red\nblob(1,2)\n')
    return path


def test_that_regions_of_a_file_are_put_at_daxas_place(store: ArchiveStore, ds9: Path) -> None:
    made = set_regions(store, *OBS, ds9)
    place = store.layout.folder / "regions" / "xmm_pointed" / "0201903501" / "source_regions_radec.reg"
    assert made.path == str(place) and made.n_regions == 1 and made.verbatim == ("fk5; blob(1,2)",) and made.source == "mine.reg"
    assert ArchiveRegions(store).regions(*OBS) == [made] == ArchiveRegions(store).regions()
    assert read_region_file(place).regions[0].sizes_deg == pytest.approx((3 / 3600,))
    assert [event.text for event in store.events(*OBS)] == ["Regions set: 1 regions from mine.reg."]


def test_that_replaced_and_removed_regions_are_kept(store: ArchiveStore, ds9: Path) -> None:
    regions = ArchiveRegions(store)
    first = Path(set_regions(store, *OBS, ds9).path).read_text()
    second = Path(set_regions(store, *OBS, [SkyShape("circle", ((1.0, 2.0),), (0.1,))]).path).read_text()
    assert [path.read_text() for path in regions.previous(*OBS)] == [first]
    regions.remove(*OBS)
    assert regions.regions(*OBS) == [] and not regions.path(*OBS).exists()
    assert [path.read_text() for path in regions.previous(*OBS)] == [second, first]
    again = set_regions(store, *OBS, regions.previous(*OBS)[0])  # taking one back
    assert Path(again.path).read_text() == second
    regions.remove("xmm_pointed", "0201903502")  # there are none: nothing happens
    assert len(store.events(OBS[0], "0201903502")) == 0


def test_that_a_file_that_cannot_be_used_changes_nothing(store: ArchiveStore, ds9: Path, tmp_path: Path) -> None:
    before = set_regions(store, *OBS, ds9)
    text = Path(before.path).read_text()
    (tmp_path / "pixels.reg").write_text("image;circle(1,2,3)\n")
    with pytest.raises(FileError, match="image coordinates"):
        set_regions(store, *OBS, tmp_path / "pixels.reg")
    with pytest.raises(FileError, match="cannot be read"):
        set_regions(store, *OBS, tmp_path / "absent.reg")
    with pytest.raises(InputError, match="no observation"):
        set_regions(store, "xmm_pointed", "9999999999", ds9)
    with pytest.raises(InputError, match="cannot be used"):
        ArchiveRegions(store).path("xmm_pointed", "../../x")
    assert ArchiveRegions(store).regions() == [before] and Path(before.path).read_text() == text
    assert not ArchiveRegions(store).previous(*OBS)


def test_that_a_disk_that_refuses_leaves_row_and_file(store: ArchiveStore, ds9: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = set_regions(store, *OBS, ds9)
    text = Path(before.path).read_text()

    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(ArchiveError, match="no space"):
        set_regions(store, *OBS, 'icrs;circle(1,2,3")\n')
    monkeypatch.undo()
    assert ArchiveRegions(store).regions() == [before] and Path(before.path).read_text() == text


def test_that_daxas_form_sets_many_or_none(store: ArchiveStore, ds9: Path, tmp_path: Path) -> None:
    from astropy.coordinates import SkyCoord
    from astropy.io import fits
    from astropy.units import Quantity
    from regions import CircleSkyRegion

    header = fits.Header()
    for n, (kind, pixel, value, step) in enumerate((("RA---TAN", 50.5, 10.0, -0.01), ("DEC--TAN", 50.5, 20.0, 0.01)), 1):
        header[f"CTYPE{n}"], header[f"CRPIX{n}"], header[f"CRVAL{n}"], header[f"CDELT{n}"] = kind, pixel, value, step
    fits.PrimaryHDU(np.zeros((100, 100), np.int16), header).writeto(tmp_path / "image.fits")
    (tmp_path / "pixels.reg").write_text("image;circle(50.5,50.5,3)\n")
    objects = [CircleSkyRegion(SkyCoord(1.123456789012, 2.0, unit="deg"), Quantity(0.1, "deg"))]
    with pytest.raises(InputError, match="no observation"):
        set_many(store, {"xmm_pointed": {"0201903501": str(ds9), "1": str(ds9)}})
    with pytest.raises(FileError, match="image coordinates"):
        set_many(store, {"xmm_pointed": {"0201903501": objects, "0201903502": str(tmp_path / "pixels.reg")}})
    assert not ArchiveRegions(store).regions()
    form = {"regions": str(tmp_path / "pixels.reg"), "wcs_src": str(tmp_path / "image.fits")}
    first, second = set_many(store, {"xmm_pointed": {"0201903501": objects, "0201903502": form}})
    assert read_region_file(first.path).regions[0].points[0] == pytest.approx((1.123456789012, 2.0), abs=1e-11)
    circle = read_region_file(second.path).regions[0]
    assert circle.points[0] == pytest.approx((10.0, 20.0), abs=1e-9) and circle.sizes_deg[0] == pytest.approx(0.03, rel=1e-5)


def test_that_an_archive_to_look_at_shows_its_regions_and_keeps_them(store: ArchiveStore, ds9: Path) -> None:
    made = set_regions(store, *OBS, ds9)
    looking = ArchiveStore.open(store.layout, read_only=True)
    try:
        assert ArchiveRegions(looking).regions() == [made]
        with pytest.raises(ArchiveError, match="looked at only"):
            set_regions(looking, *OBS, 'icrs;circle(1,2,3")\n')
        with pytest.raises(ArchiveError, match="looked at only"):
            ArchiveRegions(looking).remove(*OBS)
    finally:
        looking.close()
    assert Path(made.path).exists()
