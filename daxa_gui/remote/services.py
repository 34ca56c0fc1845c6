"""Addresses of the archive services that missions name in their RemoteFolders. Sources: the services' own documentation."""

SERVICES: dict[str, str] = {
    "heasarc": "https://heasarc.gsfc.nasa.gov/FTP",
    "erosita_edr": "https://erosita.mpe.mpg.de/edr/eROSITAObservations/CalPvObs",
    "erosita_dr1": "https://erosita.mpe.mpg.de/dr1/erodat/data/download",
}
