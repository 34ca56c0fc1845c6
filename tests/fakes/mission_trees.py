"""What the archives of the twelve missions hold of some observations: paths below each service's address → size in bytes.

Only data. Names follow the missions' documents (docs/missions.md, « Files »); sizes are small round numbers in proportion to real
ones. `TREES` has one observation of each mission with everything that its archive can have; `FURTHER_TREES` others that are odd
in one way. `DECOYS` are files beside them that are never to be fetched.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

KB = 1024


@dataclass(frozen=True)
class MissionTree:
    """One observation: its catalogue row (besides `obs_id`), and files by service and path. `decoys` are among them."""

    mission: str
    obs_id: str
    files: Mapping[str, Mapping[str, int]]
    row: Mapping[str, Any] = field(default_factory=dict)
    decoys: frozenset[str] = frozenset()

    def paths(self, service: str) -> tuple[str, ...]:
        return tuple(self.files.get(service, {}))


def _tree(
    mission: str, obs_id: str, service: str, root: str, names: Iterable[str], decoys: Iterable[str] = (), **row: Any
) -> MissionTree:
    wanted, unwanted = [f"{root}{name}" for name in names], [f"{root}{name}" for name in decoys]
    sizes = {path: (number % 7 + 1) * KB for number, path in enumerate((*wanted, *unwanted))}
    return MissionTree(mission, obs_id, {service: sizes}, row, frozenset(unwanted))


def _in(folder: str, *names: str, suffix: str = "") -> list[str]:
    return [f"{folder}/{name}{suffix}" for name in names]


# -- XMM-Newton -------------------------------------------------------------------------------------------------------------

_X = "P0405320501"
_PPS = [
    *(f"{_X}{one}.FTZ" for one in ("M1S002MIEVLI0000", "M1U005MIEVLI0000", "M2S003MIEVLI0000", "PNS001PIEVLI0000")),
    *(
        f"{_X}{exposure}{product}{band}000.FTZ"
        for exposure in ("M1S002", "M1U005", "M2S003", "PNS001")
        for product in ("IMAGE_", "EXPMAP", "BKGMAP")
        for band in "123458"
    ),
    *(f"{_X}EPX000{product}.FTZ" for product in ("OIMAGE8000", "BKGMAP8000", "EXPMAP8000")),
    *(
        f"{_X}{exposure}{product}{source}.FTZ"
        for exposure in ("M1S002", "PNS001")
        for product in ("SRSPEC0", "BGSPEC0", "SRCARF0", "SRCTSR8")
        for source in ("001", "00A")
    ),
    *(f"{_X}{exposure}FBKTSR0000.FTZ" for exposure in ("M1S002", "M1U005", "M2S003", "PNS001", "R1S004")),
    *(f"{_X}R1S004{product}.FTZ" for product in ("SRSPEC1001", "SRSPEC2001", "BGSPEC1001", "RSPMAT1001", "SRCTSR1001")),
    f"{_X}RGX000FLUXED1001.FTZ",
    *(f"{_X}OMS006{product}.FTZ" for product in ("IMAGE_1000", "IMAGE_2000", "RSIMAGV000", "SIMAGEL000")),
]
_PPS_DECOYS = [
    *(f"{_X}{one}" for one in ("M1S002FBKTSR0000.PDF", "M1S002IMAGE_8000.PNG", "PNS001SRSPEC0001.PDF", "OBX000ATTTSR0000.FTZ")),
    *(f"{_X}{one}" for one in ("M1S007TIEVLI0000.FTZ", "R1S004EVENLI0000.FTZ", "R1S004IMAGE_1000.FTZ", "EPX000SUMMAR0000.HTM")),
    *(f"{_X}{one}" for one in ("EPX000OBSMLI0000.FTZ", "EPX000REGION0000.ASC", "PNX000DETMSK1000.FTZ")),
    "PP0405320501EEVLIS000_0.HTM", "INDEX.HTM",
]  # fmt: skip
_ODF = [
    *(f"1258_0405320501_{one}.FIT.gz" for one in ("M1S00210IME", "M1S00220IME", "M1S00200AUX", "M1X00000HCH", "M2S00310IME")),
    *(f"1258_0405320501_{one}.FIT.gz" for one in ("PNS00101IME", "PNS00100AUX", "PNX00000PMH", "R1S00401SPE", "R2S00501SPE")),
    *(f"1258_0405320501_{one}.FIT.gz" for one in ("OMS00600IMI", "OMX00000NPH", "SCX00000TCS", "SCX00000ATS", "RMX00000ESX")),
    *(f"1258_0405320501_{one}.ASC.gz" for one in ("SCX00000RAS", "SCX00000ROS")),
    "1258_0405320501_SCX00000SUM.ASC", "MANIFEST.266826",
]  # fmt: skip
XMM_ROOT = "xmm/data/rev0/0405320501/"
XMM = _tree(
    "xmm_pointed", "0405320501", "heasarc", XMM_ROOT, [*_in("PPS", *_PPS), *_in("ODF", *_ODF)],
    [*_in("PPS", *_PPS_DECOYS), "ODF/readme.txt", "4XMM/C0405320501EPX000SRCIMG8010001.png"],
)  # fmt: skip
# What XSA packs of the same observation: members of its tar files (the ODF's is a tar file in a tar file).
XSA_PPS_MEMBERS = tuple(f"0405320501/pps/{name}" for name in (*_PPS, *_PPS_DECOYS))
XSA_ODF_OUTER = "0405320501/1258_0405320501.TAR"
XSA_ODF_MEMBERS = tuple(name.removesuffix(".gz") for name in _ODF)

# -- Chandra ----------------------------------------------------------------------------------------------------------------

_ORDERS = ("Hm1", "Hp1", "Mm1", "Mp1", "Mp3")
CHANDRA = _tree(
    "chandra", "2749", "heasarc", "chandra/data/byobsid/9/2749/",
    [
        *_in("primary", *(f"acisf02749N004_{one}.fits.gz" for one in ("evt2", "full_img2", "cntr_img2", "pha2"))),
        *_in("primary", "acisf02749_000N004_bpix1.fits.gz", "acisf02749_000N004_fov1.fits.gz"),
        *_in("primary", "orbitf136814700N001_eph1.fits.gz", "pcadf02749_000N001_asol1.fits.gz"),
        *_in("primary/responses", *(f"acisf02749N004_{o}_{one}.fits.gz" for o in _ORDERS for one in ("arf2", "rmf2"))),
        *_in("secondary", *(f"acisf02749_000N004_{one}.fits.gz" for one in ("evt1", "flt1", "msk1", "mtl1", "stat1"))),
        *_in("secondary", "acisf136980412N004_0_bias0.fits.gz", "acisf136980412N004_5_bias0.fits.gz"),
        *_in("secondary", "acisf136981522N004_pbk0.fits.gz"),
        "oif.fits",
    ],
    [
        *_in("primary", "acisf02749N004_full_img2.jpg", "acisf02749N004_cntr_img2.jpg"),
        *_in("secondary", "axaff02749N003_VV001_vvref2.pdf.gz", "aspect/pcadf136975249N004_osol1.fits.gz"),
        "axaff02749N003_VV001_vv2.pdf", "00README",
    ],
)  # fmt: skip
CHANDRA_HRC = _tree(
    "chandra", "17661", "heasarc", "chandra/data/byobsid/1/17661/",
    [
        *_in("primary", *(f"hrcf17661N002_{one}.fits.gz" for one in ("evt2", "full_img2", "cntr_img2"))),
        *_in("primary", "hrcf17661_001N002_dtf1.fits.gz", "hrcf17661_001N002_fov1.fits.gz"),
        *_in("secondary", *(f"hrcf17661_001N002_{one}.fits.gz" for one in ("evt1", "bpix1", "msk1", "mtl1", "std_flt1"))),
        "oif.fits",
    ],
    ["secondary/hrcf17661_001N002_std_dtfstat1.fits.gz"],
)  # fmt: skip
# Alternating exposures: long and short frames have lists of their own.
CHANDRA_INTERLEAVED = _tree(
    "chandra", "1612", "heasarc", "chandra/data/byobsid/2/1612/",
    [
        *_in("primary", *(f"acisf01612_000N003_e{e}_{one}.fits.gz" for e in "12" for one in ("evt2", "full_img2", "cntr_img2"))),
        *_in("secondary", *(f"acisf01612_000N003_e{e}_{one}.fits.gz" for e in "12" for one in ("evt1", "flt1"))),
    ],
)  # fmt: skip
# An observation in three parts.
CHANDRA_PARTS = _tree(
    "chandra", "108", "heasarc", "chandra/data/byobsid/8/108/",
    [
        *_in("primary", *(f"acisf00108_00{n}N002_{one}.fits.gz" for n in "012" for one in ("evt2", "full_img2", "cntr_img2"))),
        *_in("secondary", *(f"acisf00108_00{n}N002_evt1.fits.gz" for n in "012")),
    ],
)  # fmt: skip

# -- eROSITA ----------------------------------------------------------------------------------------------------------------

CALPV = MissionTree(
    "erosita_calpv", "700199",
    {"erosita_edr": {"Puppis_A.tar.gz": 90 * KB, "eFEDS.tar.gz": 200 * KB}},
    {"archive_url": "https://erosita.mpe.mpg.de/edr/eROSITAObservations/CalPvObs/Puppis_A.tar.gz"},
    frozenset({"eFEDS.tar.gz"}),
)  # fmt: skip
CALPV_MEMBERS = (
    "Puppis_A/pm00_700199_020_EventList_c001.fits", "Puppis_A/pm00_700200_020_EventList_c001.fits", "Puppis_A/README",
)  # fmt: skip
_T = "134135"
ERASS = _tree(
    "erosita_all_sky_de_dr1", _T, "erosita_dr1", "135/134/",
    [
        f"EXP_010/em01_{_T}_020_EventList_c010.fits.gz",
        *(f"EXP_010/em01_{_T}_02{band}_Image_c010.fits.gz" for band in range(1, 8)),
        *(f"DET_010/em01_{_T}_02{band}_ExposureMap_c010.fits.gz" for band in range(1, 8)),
        *(f"DET_010/em01_{_T}_02{band}_BackgrImage_c010.fits.gz" for band in range(1, 5)),
        *(
            f"SOU_010/em01_{_T}_{module}20_{product}_{source}_c010.fits.gz"
            for source in ("00005", "00012")
            for module in "08"
            for product in ("SourceSpec", "BackgrSpec", "ARF", "RMF", "LightCurve")
        ),
    ],
    [
        f"DET_010/em01_{_T}_021_SensMap1Blik5_c010.fits.gz", f"DET_010/em01_{_T}_021_ApeSensMap1B_c010.fits.gz",
        f"UPP_010/em01_{_T}_021_UpperLimit_c010.fits.gz", "EXP_010/readme.txt",
    ],
)  # fmt: skip

# -- NuSTAR -----------------------------------------------------------------------------------------------------------------

_N = "nu40001014013"
NUSTAR = _tree(
    "nustar_pointed", "40001014013", "heasarc", "nustar/data/obs/00/4/40001014013/",
    [
        *_in("event_cl", *(f"{_N}{m}0{mode}_cl.evt.gz" for m in "AB" for mode in range(1, 7))),
        *_in("event_cl", *(f"{_N}{m}01_{one}.gz" for m in "AB" for one in ("sk.img", "gti.fits"))),
        *_in("event_cl", *(f"{_N}{m}06_sk.img.gz" for m in "AB")),
        *_in("event_cl", *(f"{_N}{m}01_{r}.{e}.gz" for m in "AB" for r in ("sr", "bk") for e in ("pha", "lc"))),
        *_in("event_cl", *(f"{_N}{m}01_sr.{e}.gz" for m in "AB" for e in ("arf", "rmf"))),
        *_in("event_uf", *(f"{_N}{m}_uf.evt.gz" for m in "AB")),
        *_in("hk", *(f"{_N}{m}_fpm.hk.gz" for m in "AB"), f"{_N}_eng.hk.gz", f"{_N}_met.fits.gz"),
        *_in("auxil", f"{_N}_att.fits.gz", f"{_N}_orb.fits.gz"),
        f"{_N}.cat.gz",
    ],
    ["event_cl/nu40001014013A01_sr.gif", "event_cl/nu40001014013A01_ph.gif.gz", "log/nu40001014013.log.gz"],
)  # fmt: skip

# -- Swift ------------------------------------------------------------------------------------------------------------------

_S = "sw00085374001"
SWIFT_MJD = 56963.3  # 2014-11-02
SWIFT = _tree(
    "swift", "00085374001", "heasarc", "swift/data/obs/2014_11/00085374001/",
    [
        *_in("xrt/event", *(f"{_S}x{one}_{level}.evt.gz" for level in ("cl", "uf") for one in
             ("pcw2po", "pcw3po", "pcw3st", "wtw2po", "wtw2sl", "wtw2st"))),
        *_in("xrt/products", *(f"{_S}x{mode}_{one}.img.gz" for mode in ("pc", "wt") for one in ("sk", "ex"))),
        *_in("xrt/products", *(f"{_S}x{one}sr.{e}.gz" for one in ("pcw3po", "wtw2po") for e in ("pha", "arf", "lc"))),
        *_in("xrt/image", f"{_S}ximw1po_rw.img.gz"),
        *_in("xrt/hk", f"{_S}xhd.hk.gz", f"{_S}xtr.hk.gz"),
        *_in("uvot/image", *(f"{_S}u{f}_{one}.img.gz" for f in ("uu", "bb", "w1", "m2", "wh") for one in ("sk", "ex", "rw"))),
        *_in("uvot/products", f"{_S}u_sk.img.gz", f"{_S}u_ex.img.gz", f"{_S}u.cat.gz"),
        *_in("uvot/event", f"{_S}um2w1po_uf.evt.gz"),
        *_in("uvot/hk", f"{_S}uct.hk.gz"),
        *_in("bat/event", f"{_S}bevshsp_uf.evt.gz", f"{_S}bevshto_uf.evt.gz"),
        *_in("bat/rate", f"{_S}brt1s.lc.gz", f"{_S}brtms.lc.gz"),
        *_in("bat/survey", f"{_S}bsvabo0123g4567.dph.gz"),
        *_in("auxil", f"{_S}sat.fits.gz", f"{_S}pat.fits.gz", f"{_S}uat.fits.gz", f"{_S}sao.fits.gz", f"{_S}s.mkf.gz"),
    ],
    [
        "xrt/products/sw00085374001xpc_sk.gif.gz", "bat/hk/sw00085374001bhd.hk.gz", "tdrss/sw00085374001msb.fits.gz",
        "log/swift.log",
    ],
    start_mjd=SWIFT_MJD, xrt_exposure=1572.1, uvot_exposure=1500.0, bat_exposure=1600.0,
)  # fmt: skip

# -- ROSAT ------------------------------------------------------------------------------------------------------------------

_PSPC = ("bas", "anc", "im1", "im2", "im3", "bk1", "bk2", "bk3", "his", "src", "raw")
ROSAT = _tree(
    "rosat_pointed", "RP800044N00", "heasarc", "rosat/data/pspc/processed_data/800000/rp800044n00/",
    [*(f"rp800044n00_{one}.fits.Z" for one in _PSPC), "rp800044n00_mex.fits"],
    ["rp800044n00_ime.fits.Z", "rp800044n00.public_contents", "rp800044n00_im1.gif"],
    instruments="PSPCB", fits_type="RDF 4.2", proc_rev=2,
)  # fmt: skip
ROSAT_HRI = _tree(
    "rosat_pointed", "RH400344N00", "heasarc", "rosat/data/hri/processed_data/400000/rh400344n00/",
    [f"rh400344n00_{one}.fits.Z" for one in ("bas", "anc", "im1", "bk1", "his", "src")],
    instruments="HRI", fits_type="RDF 4.2", proc_rev=2,
)  # fmt: skip
RASS = _tree(
    "rosat_all_sky", "RS930521N00", "heasarc", "rosat/data/pspc/processed_data/900000/rs930521n00/",
    [f"rs930521n00_{one}.fits.Z" for one in (*_PSPC[:8], "mex")],
    ["rs930521n00_im1.gif"],
)  # fmt: skip

# -- Suzaku, ASCA -----------------------------------------------------------------------------------------------------------

_Z = "ae701018010"
SUZAKU = _tree(
    "suzaku", "701018010", "heasarc", "suzaku/data/obs/7/701018010/",
    [
        *_in("xis/event_cl", *(f"{_Z}xi{n}_0_{one}_cl.evt.gz" for n in range(4) for one in ("3x3n066z", "5x5n066z"))),
        *_in("xis/event_cl", f"{_Z}xi1_0_3x3b131b_cl.evt.gz", f"{_Z}xi0_1_3x3n066z_cl.evt.gz", f"{_Z}xi0_0_timn070a_cl.evt.gz"),
        *_in("xis/event_uf", *(f"{_Z}xi{n}_0_3x3n066z_uf.evt.gz" for n in range(4))),
        *_in("xis/hk", *(f"{_Z}xi{n}_0.hk.gz" for n in range(4)), f"{_Z}xis_0_conf_uf.gti.gz"),
        *_in("xis/products", *(f"{_Z}xi{n}_0_{one}_sk.img.gz" for n in range(4) for one in ("3x3n066z", "5x5n066z"))),
        *_in("xis/products", *(f"{_Z}xi{n}_0_3x3n066z_sr.{e}.gz" for n in range(4) for e in ("pi", "lc"))),
        *_in("auxil", f"{_Z}.att.gz", f"{_Z}.orb.gz", f"{_Z}.ehk.gz"),
    ],
    ["xis/products/ae701018010xis_0_im.gif", "hxd/event_cl/ae701018010hxd_0_pinno_cl.evt.gz", "log/ae701018010.log"],
)  # fmt: skip
_A = "ad51011020"
_LISTS = ("s000102h", "s000102m", "s000202h", "s100102h", "s100102m", "g200170h", "g200170m", "g200170l", "g300170h")
ASCA = _tree(
    "asca", "51011020", "heasarc", "asca/data/rev2/51011020/",
    [
        *_in("screened", *(f"{_A}{one}.evt.gz" for one in _LISTS)),
        *_in("unscreened", *(f"{_A}{one}.unf.gz" for one in _LISTS)),
        *_in("images", *(f"{_A}{pair}_{b}.totsky.gz" for pair in ("sis32002", "gis25670") for b in ("lo", "hi", "all"))),
        *_in("images", f"{_A}sis32001_all.totsky.gz", f"{_A}sis32001.totexpo.gz"),
        *_in("images", f"{_A}sis32002.totexpo.gz", f"{_A}gis25670.totexpo.gz"),
        *_in("spectra", *(f"{_A}{one}_{s}.{e}.gz" for one in ("s032002", "g225670") for s in "12" for e in ("pi", "arf"))),
        *_in("spectra", "s0c1g0234p40e1_512v0_8i.rmf.gz"),
        *_in("lcurves", *(f"{_A}{one}_{s}.lc.gz" for one in ("s032002", "g225670") for s in "12")),
        *_in("telem", "ft940301_1234.5678.gz"),
        *_in("aux", "ft940301_1234_5678.mkf.gz", "fa940301_1234.5678.gz", f"{_A}g200170h.cal.gz", f"{_A}_001_index.html"),
        *_in("calib", "gis_temp2gain_v4_0.fits.gz"),
    ],
    ["images/ad51011020sis32002.gif", "spectra/ad51011020s032002_1.ps.gz"],
)  # fmt: skip

# -- INTEGRAL, XRISM --------------------------------------------------------------------------------------------------------

_W = "218500510010"
_WINDOW = (
    "jmx1_events",
    "jmx2_events",
    "jmx1_hk",
    "isgri_events",
    "picsit_events",
    "compton_events",
    "ibis_hk",
    "spi_oper",
    "sc_hk",
)
INTEGRAL = _tree(
    "integral_pointed", _W, "heasarc", "integral/data/",
    [
        *(f"scw/2185/{_W}.001/{one}.fits.gz" for one in (*_WINDOW, "swg")),
        f"scw/2185/{_W}.001/{_W}_scw.txt",
        *(f"scw/2185/rev.001/{one}.fits.gz" for one in ("raw/isgri_raw_cal", "raw/spi_raw_dfe", "osm/hk_averages")),
        "scw/2185/rev.001/idx/jmx1_index.fits.gz",
        *(f"scw/2185/rev.001/{one}" for one in ("cfg/irem_conf.fits", "rev.txt")),
        *(f"aux/adp/2185.001/{one}.fits.gz" for one in ("attitude_historic", "orbit_historic", "time_correlation")),
    ],
    [f"scw/2185/{_W}.001/omc_science.fits.gz", "aux/adp/2185.001/readme.txt", "scw/2185/218500500010.001/isgri_events.fits.gz"],
    scw_ver="001",
)  # fmt: skip
_R = "xa000126000"
XRISM = _tree(
    "xrism_pointed", "000126000", "heasarc", "xrism/data/obs/0/000126000/",
    [
        *_in("resolve/event_cl", *(f"{_R}rsl_p0px{f}_cl.evt.gz" for f in ("0000", "1000", "4000", "5000"))),
        *_in("resolve/event_uf", *(f"{_R}rsl_p0px{f}_uf.evt.gz" for f in ("0000", "1000")), f"{_R}rsl_el.gti.gz"),
        *_in("resolve/hk", f"{_R}rsl_a0.hk1.gz"),
        *_in("resolve/products", f"{_R}rsl_p0px1000_cl.sky.img.gz", f"{_R}rsl_p0px1000_cl.det.img.gz"),
        *_in("resolve/products", f"{_R}rsl_p0px1000_src.pi.gz", f"{_R}rsl_p0px1000_src.lc.gz"),
        *_in("xtend/event_cl", f"{_R}xtd_p031100010_cl.evt.gz", f"{_R}xtd_p032000010_cl.evt.gz"),
        *_in("xtend/event_uf", f"{_R}xtd_p031100010_uf.evt.gz", f"{_R}xtd_p032000010_uf.evt.gz", f"{_R}xtd_p031100010.bimg.gz"),
        *_in("xtend/hk", f"{_R}xtd_a0.hk.gz"),
        *_in("xtend/products", *(f"{_R}xtd_p0{m}_cl.sky.img.gz" for m in ("31100010", "32000010"))),
        *_in("xtend/products", f"{_R}xtd_p031100010_src.pi.gz"),
        *_in("auxil", f"{_R}.att.gz", f"{_R}.ehk.gz", f"{_R}.orb.gz"),
    ],
    ["resolve/products/xa000126000rsl_p0px1000_cl.sky.gif.gz", "log/xa000126000.log.gz"],
    instruments="RESOLVE XTEND",
)  # fmt: skip

TREES: dict[str, MissionTree] = {
    tree.mission: tree
    for tree in (XMM, CHANDRA, CALPV, ERASS, NUSTAR, SWIFT, ROSAT, RASS, SUZAKU, ASCA, INTEGRAL, XRISM)
}  # fmt: skip
FURTHER_TREES: tuple[MissionTree, ...] = (CHANDRA_HRC, CHANDRA_INTERLEAVED, CHANDRA_PARTS, ROSAT_HRI)
