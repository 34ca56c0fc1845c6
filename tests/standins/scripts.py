"""Set-up scripts of the installations. They talk, and they push each other aside, as those of the real packages do."""

SETSAS = r"""# XMM-Newton SAS: source this
SAS_DIR="@SAS@"
SAS_PATH="@SAS@"
export SAS_DIR SAS_PATH
SAS_VERBOSITY=${SAS_VERBOSITY:-4}
SAS_SUPPRESS_WARNING=1
export SAS_VERBOSITY SAS_SUPPRESS_WARNING
PATH="$SAS_DIR/bin:$SAS_DIR/bin/devel:$PATH"
LD_LIBRARY_PATH="$SAS_DIR/lib:$SAS_DIR/libextra${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
PYTHONPATH="$SAS_DIR/python${PYTHONPATH:+:$PYTHONPATH}"
PERL5LIB="$SAS_DIR/perl5"
SAS_PERL=perl
export PATH LD_LIBRARY_PATH PYTHONPATH PERL5LIB SAS_PERL
if [ -z "$SAS_CCFPATH" ] && [ -d "$SAS_DIR/../ccf" ]; then
  SAS_CCFPATH="$(cd "$SAS_DIR/../ccf" && pwd)"
  export SAS_CCFPATH
fi
echo "sas @VERSION@ - [stand-in]"
echo "Do not forget to define SAS_CCFPATH, SAS_CCF and SAS_ODF"
"""

HEADAS_INIT = r"""# HEASoft: set HEADAS, then source this
if [ -z "$HEADAS" ]; then
  echo "headas-init.sh: ERROR -- set HEADAS before sourcing headas-init.sh" >&2
  return 1 2>/dev/null || exit 1
fi
LHEASOFT="$HEADAS"
FTOOLS="$HEADAS"
export LHEASOFT FTOOLS
if [ -n "$HOME" ]; then mkdir -p "$HOME/pfiles" 2>/dev/null; fi
case "$PFILES" in
  *"$HEADAS/syspfiles"*) ;;
  *) PFILES="$HOME/pfiles;$HEADAS/syspfiles" ;;
esac
PATH="$HEADAS/bin:$PATH"
LD_LIBRARY_PATH="$HEADAS/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
PYTHONPATH="$HEADAS/lib/python:$HEADAS/lib${PYTHONPATH:+:$PYTHONPATH}"
LHEAPERL=/usr/bin/perl
PERLLIB="$HEADAS/lib/perl"
PERL5LIB="$HEADAS/lib/perl"
LHEA_DATA="$HEADAS/refdata"
LHEA_HELP="$HEADAS/help"
PGPLOT_DIR="$HEADAS/lib"
export PFILES PATH LD_LIBRARY_PATH PYTHONPATH LHEAPERL PERLLIB PERL5LIB LHEA_DATA LHEA_HELP PGPLOT_DIR
"""

CALDBINIT = r"""# CALDB: source this
CALDB="@CALDB@"
CALDBCONFIG="$CALDB/software/tools/caldb.config"
CALDBALIAS="$CALDB/software/tools/alias_config.fits"
export CALDB CALDBCONFIG CALDBALIAS
"""

CIAO_SH = r"""# CIAO: source this
if [ -n "$ASCDS_INSTALL" ] && [ "$ASCDS_INSTALL" != "@CIAO@" ] && [ "$1" != "-o" ]; then
  echo "ERROR: The current environment is configured for another CIAO: $ASCDS_INSTALL" >&2
  return 1 2>/dev/null || exit 1
fi
ASCDS_INSTALL="@CIAO@"
ASCDS_CALIB="$ASCDS_INSTALL/data"
ASCDS_WORK_PATH="${ASCDS_WORK_PATH:-/tmp}"
CALDB="$ASCDS_INSTALL/CALDB"
CALDBCONFIG="$CALDB/software/tools/caldb.config"
CALDBALIAS="$CALDB/software/tools/alias_config.fits"
if [ -n "$HOME" ]; then mkdir -p "$HOME/cxcds_param4" 2>/dev/null; fi
PFILES="$HOME/cxcds_param4;$ASCDS_INSTALL/contrib/param:$ASCDS_INSTALL/param"
PATH="$ASCDS_INSTALL/bin:$ASCDS_INSTALL/contrib/bin:$PATH"
LD_LIBRARY_PATH="$ASCDS_INSTALL/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
PYTHONPATH="$ASCDS_INSTALL/python${PYTHONPATH:+:$PYTHONPATH}"
export ASCDS_INSTALL ASCDS_CALIB ASCDS_WORK_PATH CALDB CALDBCONFIG CALDBALIAS PFILES PATH LD_LIBRARY_PATH PYTHONPATH
echo "CIAO configuration is complete..."
echo "CIAO @VERSION@ [stand-in]"
echo "  bindir      : $ASCDS_INSTALL/bin"
echo "  CALDB       : see ciaover"
"""

ESASS_INIT = r"""# eSASS: source this
SASS_ROOT="@SASS@"
SASS_DATADIR="$SASS_ROOT/erosita/data"
export SASS_ROOT SASS_DATADIR
if [ -n "$HOME" ]; then mkdir -p "$HOME/pfiles" 2>/dev/null; fi
PFILES="$HOME/pfiles;$SASS_ROOT/pfiles"
PATH="$SASS_ROOT/bin:$PATH"
LD_LIBRARY_PATH="$SASS_ROOT/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
PERL5LIB="$SASS_ROOT/perl5"
export PFILES PATH LD_LIBRARY_PATH PERL5LIB
echo "eSASS environment set up in $SASS_ROOT"
"""
