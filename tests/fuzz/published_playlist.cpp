// SPDX-License-Identifier: LGPL-2.1-or-later
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "unit/hlslive/storage/playlist_mutations.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  for (auto* const check : {onair::test::check_any_playlist, onair::test::check_any_outline})
    if (const auto verdict = check(text); verdict.broken) {
      std::fprintf(stderr, "%s\n", verdict.broken->c_str());
      std::abort();
    }
  return 0;
}
