// Boost.JSON compiled once, as its documentation offers: no shared library to carry along.
#include <boost/json/src.hpp>
