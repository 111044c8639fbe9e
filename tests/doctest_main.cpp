// The main function of every unit test program.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include "core/sandbox.hpp"

int main(int argc, char** argv) {
  slipway::run_sandbox_child(argc, argv);
  return doctest::Context(argc, argv).run();
}
