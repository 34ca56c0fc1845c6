"""Addresses of the services that missions name in their declarations. Sources: the services' own documentation."""

from __future__ import annotations

MIRROR = "mirror:"  # « mirror:heasarc » is what a mirror (a setting) has of the service « heasarc »

# Folders of archives, named by `RemoteFolder.service`.
SERVICES: dict[str, str] = {
    "heasarc": "https://heasarc.gsfc.nasa.gov/FTP",
    # Copies of most of HEASARC's folders in the AWS open data programme: the same paths, in two buckets.
    "heasarc_s3": "https://nasa-heasarc.s3.amazonaws.com",
    "heasarc_s3_public": "https://heasarc-public.s3.amazonaws.com",
    "erosita_edr": "https://erosita.mpe.mpg.de/edr/eROSITAObservations/CalPvObs",
    "erosita_dr1": "https://erosita.mpe.mpg.de/dr1/erodat/data/download",
    "cxc": "https://cxc.cfa.harvard.edu/cdaftp",
    "xsa": "https://nxsa.esac.esa.int/nxsa-sl/servlet",
    "darts": "https://data.darts.isas.jaxa.jp/pub",
}

# Table Access Protocol services (IVOA TAP 1.1), named by `TapSource.service`; « /sync » is added when they are asked.
TAP_SERVICES: dict[str, str] = {
    "heasarc": "https://heasarc.gsfc.nasa.gov/xamin/vo/tap",
    "xsa": "https://nxsa.esac.esa.int/tap-server/tap",
}
