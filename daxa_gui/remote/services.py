"""Addresses of the services that missions name in their declarations. Sources: the services' own documentation."""

# Folders of archives, named by `RemoteFolder.service`.
SERVICES: dict[str, str] = {
    "heasarc": "https://heasarc.gsfc.nasa.gov/FTP",
    "erosita_edr": "https://erosita.mpe.mpg.de/edr/eROSITAObservations/CalPvObs",
    "erosita_dr1": "https://erosita.mpe.mpg.de/dr1/erodat/data/download",
}

# Table Access Protocol services (IVOA TAP 1.1), named by `TapSource.service`; « /sync » is added when they are asked.
TAP_SERVICES: dict[str, str] = {
    "heasarc": "https://heasarc.gsfc.nasa.gov/xamin/vo/tap",
    "xsa": "https://nxsa.esac.esa.int/tap-server/tap",
}
