#pragma once

#include <fmt/core.h>

// fmt::format for the whole tree. Its non-template half is instantiated once, in format.cpp, so that no libfmt is
// linked.
