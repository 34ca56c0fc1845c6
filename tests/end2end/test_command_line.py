"""The verbs without a window, on the static tables and on real files."""

import json

import numpy as np
import pytest
from astropy.io import fits

MOS1 = "xmm/0404910601/eclean/mos1_exp1_clean_evts.fits"
MOS1_IMAGE = "xmm/0404910601/images/0404910601_mos1_exp1-0.50-2.00keVimg.fits"
SWIFT = "swift/2014_11/00085374001/xrt/event/sw00085374001xpcw3po_cl.evt.gz"
SWIFT_IMAGE = "swift/2014_11/00085374001/xrt/products/sw00085374001xpc_sk.img.gz"


def test_that_missions_lists_the_static_tables(document):
    missions = {row["name"]: row for row in document("missions")["missions"]}
    assert missions["erosita_all_sky_de_dr1"]["observations"] == 2447
    assert missions["erosita_calpv"]["observations"] == 170


def test_that_find_gives_the_reference_count_for_the_crab(document):
    found = document("find", "--mission", "erosita_calpv", "--near", "83.63308 22.0145", "--radius", "0.5deg")
    assert found["count"] == 83
    assert {"obs_id", "ra_deg", "dec_deg", "mission"} <= set(found["observations"][0])


def test_that_every_cluster_of_the_efeds_sample_is_matched(document, shared_data):
    sample = shared_data / "tables" / "daxa_efeds_clusters.csv"
    found = document("find", "--mission", "erosita_calpv", "--sample", str(sample))["missions"]["erosita_calpv"]
    assert found["sample_size"] == found["matched_positions"] == 542
    first = found["positions"][0]
    assert first["matches"][0]["obs_id"] in {"300007", "300008", "300009", "300010"}
    assert all(m["separation_deg"] <= 5.4 for p in found["positions"] for m in p["matches"])


def test_that_the_image_of_a_real_list_equals_the_sas_image_in_every_pixel(document, shared_data, tmp_path):
    out = tmp_path / "image.fits"
    document(
        "inspect", str(shared_data / MOS1), "--energy", "0.5-2.0", "--image", str(out), "--like", str(shared_data / MOS1_IMAGE)
    )
    ours, theirs = fits.getdata(out), fits.getdata(shared_data / MOS1_IMAGE)
    assert ours.shape == theirs.shape == (512, 512)
    assert int(np.sum(ours)) == 27546
    assert np.array_equal(ours, theirs)


def test_that_the_swift_image_equals_the_archives_image_in_every_pixel(document, shared_data, tmp_path):
    out = tmp_path / "image.fits"
    document(
        "inspect", str(shared_data / SWIFT), "--image", str(out), "--like", str(shared_data / SWIFT_IMAGE), "--energy", "0-20"
    )
    assert np.array_equal(fits.getdata(out), fits.getdata(shared_data / SWIFT_IMAGE))


def test_that_inspect_reports_rows_good_time_and_exposure_of_a_real_list(document, shared_data):
    summary = document("inspect", str(shared_data / MOS1))
    assert summary["rows"] == 72308
    assert summary["ontime_s"] == pytest.approx(12914.866, abs=1e-3)
    assert summary["livetime_s"] == pytest.approx(12667.139, abs=1e-3)


def test_that_light_curve_and_good_times_are_written_as_fits(document, shared_data, tmp_path):
    curve, gti = tmp_path / "lc.fits", tmp_path / "gti.fits"
    summary = document("inspect", str(shared_data / MOS1), "--lightcurve", str(curve), "--bin", "10", "--gti", str(gti))
    with fits.open(curve) as file:
        table = file[1].data
        assert len(table) == summary["lightcurve"]["bins"]
        assert np.nanmax(np.diff(table["TIME"])) == pytest.approx(10.0)
    with fits.open(gti) as file:
        intervals = file[1].data
        assert float(np.sum(intervals["STOP"] - intervals["START"])) == pytest.approx(summary["gti"]["good_time_s"])


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "empty"), (b"hello world\n" * 300, "FITS"), (b"SIMPLE  =                    T" + b" " * 50, "short")],
    ids=["empty", "text", "cut short"],
)
def test_that_a_bad_file_is_named_with_what_is_wrong(command, tmp_path, content, words):
    bad, out = tmp_path / "bad.fits", tmp_path / "out.fits"
    bad.write_bytes(content)
    result = command("inspect", str(bad), "--image", str(out))
    assert result.returncode == 1
    assert str(bad) in result.stderr and words in result.stderr
    assert "Traceback" not in result.stderr
    assert not list(tmp_path.glob("out*"))


def test_that_wrong_usage_ends_with_two(command):
    assert command("find", "--near", "a b").returncode == 2
    assert command("find", "--mission", "einstein").returncode == 2
    assert command("inspect").returncode == 2


def test_that_nothing_found_is_a_result(document):
    found = document("find", "--mission", "erosita_calpv", "--near", "136.0 1.5", "--radius", "0.5deg")
    assert found["count"] == 0 and json.dumps(found["observations"]) == "[]"
