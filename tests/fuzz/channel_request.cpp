// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/channel_request.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

[[noreturn]] void broken(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto read = live::read_channel_request({reinterpret_cast<const char*>(data), size});
  if (const auto* error = std::get_if<live::FieldError>(&read)) {
    if (!error->sentence.starts_with(error->field) || !error->sentence.ends_with('.'))
      broken("no sentence that names the field: " + error->sentence);
    (void)live::Json(error->sentence).dump();  // throws at what is not UTF-8
    return 0;
  }
  const auto written = live::to_json(std::get<live::ChannelRequest>(read)).dump();
  if (live::read_channel_request(written) != read)
    broken("it does not read as the same again: " + written);
  return 0;
}
