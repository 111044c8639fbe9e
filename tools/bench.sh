#!/usr/bin/env bash
# tools/bench.sh [OPTIONS of bench/run.py]: measures beside LangChain + Chroma; 10 to 20 minutes on two cores.
. "$(dirname "$0")/common.sh"
tools/build.sh release
environment=$(venv bench/requirements.txt)
exec "$environment/bin/python" bench/run.py "$@"
