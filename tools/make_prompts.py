#!/usr/bin/env python3
"""Writes the prompts of src/eval/prompts/ as a table of C++, so that the program needs no files beside it.

Usage: tools/make_prompts.py OUT.cpp FILE.yaml...      (the build runs it)
"""
import pathlib
import sys


def main():
    out = ['#include "eval/detail/builtin_prompts.hpp"', "", "namespace slipway::eval::detail {", "",
           "const BuiltinPrompt builtin_prompts[] = {"]
    files = sorted(pathlib.Path(name) for name in sys.argv[2:])
    for file in files:
        out.append(f'    {{"{file.stem}", R"~~~({file.read_text(encoding="utf-8")})~~~"}},')
    out += ["};", f"const std::size_t builtin_prompt_count = {len(files)};", "", "}  // namespace slipway::eval::detail", ""]
    pathlib.Path(sys.argv[1]).write_text("\n".join(out), encoding="utf-8")


if __name__ == "__main__":
    main()
