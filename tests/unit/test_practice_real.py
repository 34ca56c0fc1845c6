"""The event lists of the practice sky against real ones of the same missions (in ../shared/data; skipped without it)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from daxa_gui.practice import chandra, nustar, sky, swift, xmm

REAL = Path(__file__).resolve().parents[3] / "shared/data"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One simulated list of each kind."""
    www = tmp_path_factory.mktemp("www")
    writers = {"M1": xmm, "swift": swift, "FPMA": nustar, "chandra": chandra}
    missions = {"M1": "xmm_pointed", "FPMA": "nustar_pointed"}
    return {
        name: module.write(www, sky.observations_of(missions.get(name, name))[0], name, 1)[0] for name, module in writers.items()
    }


@pytest.fixture
def opened(written: dict[str, Path]) -> Iterator[Callable[[str], fits.HDUList]]:
    files: list[fits.HDUList] = []

    def open_one(name: str) -> fits.HDUList:
        files.append(fits.open(written[name]))
        return files[-1]

    yield open_one
    for file in files:
        file.close()


# Keywords that come from processing history, calibration files or electronics that a simulation does not have.
NOT_SIMULATED = {
    "M1": "SLCTEXPR DSFORM3 HISTORY CONTINUE",
    "swift": """
        ABERRAT ATTFLAG CALDBVER FILIN001 FOLOWSUN FORMATVS MFORM3 MTYPE3 NPIXSOU OUTERTHR PROCVER SEQPNUM SOFTVER TIERABSO
        TIERRELA TLM2FITS USER UTCFINIT VSUBBAD WAVEFORM WHALFHT WHALFWD XPHASCO XPITYPE XRTFLAG XRTHNFLG XRTMAXTP XRTPHA XRTVSUB
        XSTDPHAS TCDLT4 TCDLT5 TCRPX4 TCRPX5 TCRVL4 TCRVL5 TCTYP4 TCTYP5""",
    "FPMA": "ABERRAT CALDBVER DATETLM FILIN001 FOLOWSUN NPIXSOU SOFTVER TLM2FITS TSORTKEY TUNIT2 TUNIT3 TUNIT4 USER",
}
REAL_FILES = {
    "M1": "xmm/0404910601/eclean/mos1_exp1_clean_evts.fits",
    "swift": "swift/2014_11/00085374001/xrt/event/sw00085374001xpcw3po_cl.evt.gz",
    "FPMA": "nustar/nu90410111001A06_cl_sunpos.evt",
    "chandra": "chandra/15043_flare_evt2.fits",
}


def real(name: str) -> Path:
    path = REAL / REAL_FILES[name]
    if not path.exists():
        pytest.skip(f"the real file {path} is not there")
    return path


@pytest.mark.filterwarnings("ignore::astropy.io.fits.verify.VerifyWarning")
@pytest.mark.parametrize("name", REAL_FILES)
def test_that_columns_have_the_names_and_forms_of_real_lists(opened: Callable[[str], fits.HDUList], name: str) -> None:
    with fits.open(real(name)) as file:
        theirs = {column.name: column.format.lstrip("1") for column in file["EVENTS"].columns}
    ours = {column.name: column.format.lstrip("1") for column in opened(name)["EVENTS"].columns}
    if name == "FPMA":
        theirs["STATUS"] = ours["STATUS"]  # 2B in this file, 16X in others
    theirs.pop("pha_ro", None)
    assert ours == theirs


@pytest.mark.filterwarnings("ignore::astropy.io.fits.verify.VerifyWarning")
@pytest.mark.parametrize("name", NOT_SIMULATED)
def test_that_keywords_of_real_lists_are_there(opened: Callable[[str], fits.HDUList], name: str) -> None:
    with fits.open(real(name)) as file:
        theirs = set(file["EVENTS"].header)
    missing = theirs - set(opened(name)["EVENTS"].header) - {"", *NOT_SIMULATED[name].split()}
    subspace = re.compile(r"\d*DS(REF|TYP|UNI|VAL)\d+")  # cleaned lists have more terms
    assert {key for key in missing if not subspace.fullmatch(key)} == set()


@pytest.mark.filterwarnings("ignore::astropy.io.fits.verify.VerifyWarning")
@pytest.mark.parametrize(
    ("name", "keywords"),
    [
        ("M1", "DATAMODE MJDREF TIMESYS TCRPX6 TCDLT6 TCDLT7 TNULL6 TLMAX6 XMMEA_EM DSVAL2"),
        ("swift", "DATAMODE MJDREFI MJDREFF TIMESYS TCRPX2 TCDLT2 TNULL2 TLMAX2 TNULL9 DSVAL1"),
        ("FPMA", "MJDREFI MJDREFF TIMESYS TNULL8 TNULL13 TLMAX8 DSVAL1"),
        ("chandra", "DATAMODE MJDREF TCRPX11 TLMAX11 TLMAX17 GRATING DSVAL4"),
    ],
)
def test_that_values_that_never_change_equal_those_of_real_lists(
    opened: Callable[[str], fits.HDUList], name: str, keywords: str
) -> None:
    ours = opened(name)["EVENTS"].header
    with fits.open(real(name)) as file:
        theirs = file["EVENTS"].header
        for keyword in ("TELESCOP", "INSTRUME", *keywords.split()):
            # Our Chandra list lacks one column (pha_ro) and one term of the data subspace.
            other = {("chandra", "TLMAX17"): "TLMAX16", ("chandra", "DSVAL4"): "DSVAL3"}.get((name, keyword), keyword)
            assert ours[other] == pytest.approx(theirs[keyword]), keyword


def test_that_sky_and_camera_coordinates_are_related_as_in_real_lists(opened: Callable[[str], fits.HDUList]) -> None:
    def relation(file: fits.HDUList) -> tuple[np.ndarray, float]:
        data, angle = file["EVENTS"].data, file["EVENTS"].header["PA_PNT"]
        design = np.stack([np.ones(len(data)), data["DETX"], data["DETY"]], axis=1)
        return np.linalg.lstsq(design, data["X"].astype(float), rcond=None)[0][1:], np.radians(angle)

    with fits.open(real("M1")) as theirs:
        for slopes, angle in (relation(theirs), relation(opened("M1"))):
            assert slopes == pytest.approx([-np.cos(angle), -np.sin(angle)], abs=1e-3)
