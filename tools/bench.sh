#!/usr/bin/env bash
# tools/bench.sh [OPTIONS of bench/run.py]: measures beside LangChain + Chroma, nginx, LiteLLM, LangGraph, deepeval and ragas; 15 to 25 minutes on two cores.
. "$(dirname "$0")/common.sh"
tools/build.sh release
environment=$(venv bench/requirements.txt)
litellm=$(venv bench/gateway/requirements.txt) || { say "without LiteLLM: the gateway is measured beside nginx alone"; litellm=; }
langgraph=$(venv bench/agents/requirements.txt) || { say "without LangGraph: agents are measured alone"; langgraph=; }
peers=$(venv bench/eval/requirements.txt) || { say "without deepeval and ragas: scores are measured alone"; peers=; }
exec "$environment/bin/python" bench/run.py --litellm "$litellm" --langgraph "$langgraph" --eval-peers "$peers" "$@"
