"""Archive services as pages in memory: listings with names as the missions have them, for planning without a network."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import unquote

from daxa_gui.remote.addresses import StatusError
from daxa_gui.remote.listing import PAGE_TYPES, Page

HEASARC = "https://heasarc.gsfc.nasa.gov/FTP"
DR1 = "https://erosita.mpe.mpg.de/dr1/erodat/data/download"
EDR = "https://erosita.mpe.mpg.de/edr/eROSITAObservations/CalPvObs"
ADDRESSES = {"heasarc": HEASARC, "erosita_dr1": DR1, "erosita_edr": EDR}


def apache_page(path: str, names: list[str]) -> str:
    """A folder's listing as HEASARC's web server writes it: rounded sizes, links that sort, a link up."""
    rows = "".join(
        f'<img src="/icons/unknown.gif" alt="[   ]"> <a href="{name}">{name}</a>{" " * max(1, 45 - len(name))}'
        f"2020-01-{1 + number % 28:02d} 12:00  {1 + number % 900}K  \n"
        for number, name in enumerate(names)
    )
    return (
        f'<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 3.2 Final//EN">\n<html>\n <head>\n  <title>Index of {path}</title>\n </head>\n'
        f' <body>\n<h1>Index of {path}</h1>\n<pre><img src="/icons/blank.gif" alt="Icon "> <a href="?C=N;O=D">Name</a>   '
        f'<a href="?C=M;O=A">Last modified</a>  <a href="?C=S;O=A">Size</a>  <a href="?C=D;O=A">Description</a><hr>'
        f'<img src="/icons/back.gif" alt="[PARENTDIR]"> <a href="{path.rstrip("/").rpartition("/")[0]}/">Parent Directory</a>'
        f"                             -   \n{rows}<hr></pre>\n</body></html>\n"
    )


class CannedWeb:
    """`pages` by address (with a slash at the end), `sizes` of files by address. Counts what it is asked."""

    def __init__(self, pages: dict[str, str], sizes: dict[str, int]) -> None:
        self.pages, self.sizes = pages, sizes
        self.asked: list[str] = []

    def page(self, url: str, types: tuple[str, ...] = PAGE_TYPES) -> Page:
        self.asked.append(url)
        text = self.pages.get(url)
        if text is None:
            raise StatusError(404, f"There is no {url} on the server (404).")
        return Page(url, "text/html", text)

    def size(self, url: str) -> int | None:
        self.asked.append(url)
        size = self.sizes.get(unquote(url))
        if size is None:
            raise StatusError(404, f"There is no {url} on the server (404).")
        return size


def archive_of(mission: str, obs_id: str) -> Iterator[tuple[str, list[str]]]:
    """Addresses of the folders of an observation with the names in them, as its archive has them (pictures, pages and all)."""
    folder = _FOLDERS[mission]
    yield from folder(obs_id)


def _xmm(obs_id: str) -> Iterator[tuple[str, list[str]]]:
    root, pipeline = f"{HEASARC}/xmm/data/rev0/{obs_id}", []
    for camera, letter in (("M1S001", "M"), ("M2S002", "M"), ("PNS003", "P")):
        pipeline += [f"P{obs_id}{camera}{letter}IEVLI0000.FTZ", f"P{obs_id}{camera}FBKTSR0000.FTZ"]
        for band in "123458":
            pipeline += [f"P{obs_id}{camera}{code}{band}000.FTZ" for code in ("IMAGE_", "EXPMAP", "BKGMAP")]
        for source in range(1, 31):
            pipeline += [f"P{obs_id}{camera}{code}0{source:03X}.FTZ" for code in ("SRSPEC", "BGSPEC", "SRCTSR")]
            pipeline += [f"P{obs_id}{camera}SRCTSR0{source:03X}.PDF"]
    yield f"{root}/PPS/", [*pipeline, f"P{obs_id}OBX000ATTTSR0000.FTZ", "INDEX.HTM", "MANIFEST.1234"]
    raw = [f"2185_{obs_id}_{camera}S00{ccd:03d}IME.FIT.gz" for camera in ("M1", "M2", "PN") for ccd in range(12)]
    yield f"{root}/ODF/", [*raw, f"2185_{obs_id}_SCX00000SUM.ASC.gz", f"2185_{obs_id}_RMS00100ECX.FIT.gz", "MANIFEST.7"]


def _chandra(obs_id: str) -> Iterator[tuple[str, list[str]]]:
    root, name = f"{HEASARC}/chandra/data/byobsid/{obs_id[-1]}/{obs_id}", f"acisf{obs_id:0>5}"
    primary = [f"{name}N003_{what}.fits.gz" for what in ("evt2", "cntr_img2", "full_img2", "bpix1", "fov1", "src2")]
    pictures = [f"{name}N003_{what}.jpg" for what in ("cntr_img2", "full_img2")]
    yield f"{root}/primary/", [*primary, *pictures, f"{name}N003_VV001_vv2.pdf", f"pcadf{obs_id:0>5}_000N001_asol1.fits.gz"]
    kinds = ("evt1", "flt1", "msk1", "mtl1", "stat1", "std_dstrk_evt1")
    yield f"{root}/secondary/", [f"{name}_000N003_{kind}.fits.gz" for kind in kinds] + [f"{name}_000N003_1_bias0.fits.gz"]


def _calpv(obs_id: str) -> Iterator[tuple[str, list[str]]]:
    yield f"{EDR}/", ["Puppis_A.tar.gz"]


def _dr1(obs_id: str) -> Iterator[tuple[str, list[str]]]:
    root = f"{DR1}/{obs_id[3:]}/{obs_id[:3]}"
    yield (
        f"{root}/EXP_010/",
        [f"em01_{obs_id}_020_{what}_c010.fits.gz" for what in ("EventList",)]
        + [f"em01_{obs_id}_02{band}_Image_c010.fits.gz" for band in range(1, 8)],
    )
    yield (
        f"{root}/DET_010/",
        [f"em01_{obs_id}_02{band}_{what}_c010.fits.gz" for band in range(1, 8) for what in ("ExposureMap", "DetectionMask")],
    )


def _nustar(obs_id: str) -> Iterator[tuple[str, list[str]]]:
    root = f"{HEASARC}/nustar/data/obs/{obs_id[1:3]}/{obs_id[0]}/{obs_id}"
    cleaned = [f"nu{obs_id}{module}0{mode}_cl.evt.gz" for module in "AB" for mode in range(1, 7)]
    made = [f"nu{obs_id}{module}01_{what}.gz" for module in "AB" for what in ("sk.img", "sr.pha", "sr.arf", "sr.lc", "cl.gif")]
    yield f"{root}/event_cl/", cleaned + made
    yield f"{root}/event_uf/", [f"nu{obs_id}{module}_uf.evt.gz" for module in "AB"]
    yield f"{root}/hk/", [f"nu{obs_id}{module}_fpm.hk.gz" for module in "AB"]
    yield f"{root}/auxil/", [f"nu{obs_id}_{what}.fits.gz" for what in ("att", "mast", "orb")]


def _swift(obs_id: str) -> Iterator[tuple[str, list[str]]]:
    root = f"{HEASARC}/swift/data/obs/2012_03/{obs_id}"
    modes = ("pcw3po", "wtw2sl", "wtw2st", "pcw2po")
    yield f"{root}/xrt/event/", [f"sw{obs_id}x{mode}_{what}.evt.gz" for mode in modes for what in ("cl", "uf")]
    yield f"{root}/xrt/products/", [f"sw{obs_id}xpc_{what}.gz" for what in ("sk.img", "ex.img", "sk.gif")]
    yield f"{root}/xrt/image/", []
    yield f"{root}/xrt/hk/", [f"sw{obs_id}x{what}.hk.gz" for what in ("hd", "en", "tp")]
    yield (
        f"{root}/uvot/image/",
        [f"sw{obs_id}u{band}_{what}.img.gz" for band in ("uu", "w1", "m2") for what in ("rw", "sk", "ex")],
    )
    yield f"{root}/auxil/", [f"sw{obs_id}{what}.gz" for what in ("sat.fits", "pat.fits", "sao.fits", "s.mkf")]


def _rosat(obs_id: str) -> Iterator[tuple[str, list[str]]]:
    name = obs_id.lower()
    folder = f"{HEASARC}/rosat/data/{'hri' if name[1] == 'h' else 'pspc'}/processed_data/{obs_id[2]}00000/{name}/"
    kinds = ("bas", "anc", "raw", "his", "src", "im1", "im2", "im3", "mex", "bk1", "bk2", "bk3")
    yield folder, [f"{name}_{kind}.fits.Z" for kind in kinds] + [f"{name}.public_contents", f"{name}_qlk.gif"]


def _suzaku(obs_id: str) -> Iterator[tuple[str, list[str]]]:
    root = f"{HEASARC}/suzaku/data/obs/{obs_id[0]}/{obs_id}"
    units = [
        f"ae{obs_id}xi{number}_0_{mode}n{clock}" for number in (0, 1, 3) for mode in ("3x3", "5x5") for clock in ("066a", "069b")
    ]
    yield f"{root}/xis/event_cl/", [f"{unit}_cl.evt.gz" for unit in units]
    yield f"{root}/xis/event_uf/", [f"{unit}_uf.evt.gz" for unit in units]
    yield f"{root}/xis/products/", [f"ae{obs_id}xis_0_im.gif", *(f"ae{obs_id}xi{number}_0_sk.img.gz" for number in (0, 1, 3))]
    yield f"{root}/xis/hk/", [f"ae{obs_id}xi{number}_0.hk.gz" for number in (0, 1, 3)]
    yield f"{root}/auxil/", [f"ae{obs_id}.att.gz", f"ae{obs_id}.orb.gz"]


def _asca(obs_id: str) -> Iterator[tuple[str, list[str]]]:
    root = f"{HEASARC}/asca/data/rev2/{obs_id}"
    yield f"{root}/screened/", [f"ad{obs_id}{unit}h.evt.gz" for unit in ("s000102", "s100102", "g200170", "g300170")]
    yield (
        f"{root}/images/",
        [f"ad{obs_id}{pair}_{band}.totsky.gz" for pair in ("sis32002", "gis25670") for band in ("all", "lo", "hi")]
        + [f"ad{obs_id}{pair}_all.totexpo.gz" for pair in ("sis32002", "gis25670")],
    )
    yield f"{root}/unscreened/", [f"ad{obs_id}{unit}h.unf.gz" for unit in ("s000102", "s100102", "g200170", "g300170")]
    yield f"{root}/aux/", [f"ft{obs_id}.mkf.gz"]


def _integral(obs_id: str) -> Iterator[tuple[str, list[str]]]:
    root, revolution = f"{HEASARC}/integral/data", obs_id[:4]
    names = [f"{unit}_{what}.fits.gz" for unit in ("isgri", "picsit", "jmx1", "jmx2", "spi") for what in ("events", "raw", "prp")]
    yield (
        f"{root}/scw/{revolution}/{obs_id}.001/",
        [*names, "swg.fits", "sc_fad.fits.gz", f"{obs_id}_scw.txt", "omc_shots.fits.gz"],
    )
    yield f"{root}/scw/{revolution}/rev.001/", ["idx/", "raw/", "cfg.txt"]
    yield f"{root}/scw/{revolution}/rev.001/idx/", ["isgri_gain.fits.gz", "spi_gain.fits.gz"]
    yield f"{root}/scw/{revolution}/rev.001/raw/", ["jmx1_raw.fits.gz"]
    yield f"{root}/aux/adp/{revolution}.001/", ["attitude_historic.fits.gz", "orbit_historic.fits.gz", "revno.txt"]


def _xrism(obs_id: str) -> Iterator[tuple[str, list[str]]]:
    root = f"{HEASARC}/xrism/data/obs/{obs_id[0]}/{obs_id}"
    yield f"{root}/resolve/event_cl/", [f"xa{obs_id}rsl_p0px{n}000_cl.evt.gz" for n in range(6)]
    yield f"{root}/resolve/event_uf/", [f"xa{obs_id}rsl_p0px{n}000_uf.evt.gz" for n in range(6)]
    yield f"{root}/resolve/products/", [f"xa{obs_id}rsl_p0px1000_cl.sky.img.gz", f"xa{obs_id}rsl_p0px1000_cl.gif.gz"]
    yield f"{root}/xtend/event_cl/", [f"xa{obs_id}xtd_p0300000{n}0_cl.evt.gz" for n in (1, 2)]
    yield f"{root}/xtend/event_uf/", [f"xa{obs_id}xtd_p0300000{n}0_uf.evt.gz" for n in (1, 2)]
    yield f"{root}/xtend/products/", [f"xa{obs_id}xtd_p030000010_cl.sky.img.gz"]
    yield f"{root}/auxil/", [f"xa{obs_id}.{what}.gz" for what in ("att", "ehk", "orb", "mkf")]


_FOLDERS = {
    "xmm_pointed": _xmm,
    "chandra": _chandra,
    "erosita_calpv": _calpv,
    "erosita_all_sky_de_dr1": _dr1,
    "nustar_pointed": _nustar,
    "swift": _swift,
    "rosat_pointed": _rosat,
    "rosat_all_sky": _rosat,
    "suzaku": _suzaku,
    "asca": _asca,
    "integral_pointed": _integral,
    "xrism_pointed": _xrism,
}

_OBS_IDS = {
    "xmm_pointed": "09{:08d}",
    "chandra": "{:d}",
    "erosita_calpv": "7{:05d}",
    "erosita_all_sky_de_dr1": "{:06d}",
    "nustar_pointed": "6{:010d}",
    "swift": "{:011d}",
    "rosat_pointed": "RP7{:05d}N00",
    "rosat_all_sky": "RS9{:05d}N00",
    "suzaku": "8{:08d}",
    "asca": "8{:07d}",
    "integral_pointed": "2{:03d}{:04d}0010",
    "xrism_pointed": "0{:08d}",
}


def rows_of(mission: str, n: int) -> list[dict[str, object]]:
    """Catalogue rows of `n` observations, with what the mission's `files` function needs. All are public."""
    rows: list[dict[str, object]] = []
    for number in range(n):
        numbers = (number // 60, number % 60) if mission == "integral_pointed" else (1000 + 7 * number,)
        obs_id = _OBS_IDS[mission].format(*numbers)
        about = {
            "start_mjd": 56000.5,
            "public_mjd": 50000.0,
            "archive_url": "https://x.example/Puppis_A.tar.gz",
            "simulated": False,
        }
        rows.append({"obs_id": obs_id, **about})
    return rows


def canned_web(rows: dict[str, list[dict[str, object]]]) -> CannedWeb:
    """The services with the archives of these observations by mission."""
    pages: dict[str, str] = {}
    sizes: dict[str, int] = {}
    for mission, observations in rows.items():
        for row in observations:
            for address, names in archive_of(mission, str(row["obs_id"])):
                pages[address] = apache_page("/" + address.split("/", 3)[3], names)
            if mission == "chandra":
                obs_id = str(row["obs_id"])
                sizes[f"{HEASARC}/chandra/data/byobsid/{obs_id[-1]}/{obs_id}/oif.fits"] = 20160
            elif mission == "nustar_pointed":
                obs_id = str(row["obs_id"])
                sizes[f"{HEASARC}/nustar/data/obs/{obs_id[1:3]}/{obs_id[0]}/{obs_id}/nu{obs_id}.cat.gz"] = 4000
    sizes[f"{EDR}/Puppis_A.tar.gz"] = 123_456_789
    return CannedWeb(pages, sizes)
