// SPDX-License-Identifier: LGPL-2.1-or-later
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "unit/hlslive/storage/playlist_mutations.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto verdict = onair::test::check_any_playlist({reinterpret_cast<const char*>(data), size});
  if (verdict.broken) {
    std::fprintf(stderr, "%s\n", verdict.broken->c_str());
    std::abort();
  }
  return 0;
}
