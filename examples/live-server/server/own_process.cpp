// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

#include <sys/resource.h>
#include <unistd.h>

#include "server/metrics.hpp"

namespace live {
namespace {

std::string text_of(const char* path) {
  std::ifstream file{path};
  return {std::istreambuf_iterator<char>{file}, {}};
}

double since_1970() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

}  // namespace

// proc(5)
Metrics::Process own_process() {
  Metrics::Process own;
  std::error_code code;
  for (std::filesystem::directory_iterator at{"/proc/self/fd", code}, end; !code && at != end;
       at.increment(code))
    ++own.open_files;
  own.open_files -= std::min<std::uint64_t>(own.open_files, 1);  // by which they are counted
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) == 0)
    own.most_files = files.rlim_cur;
  // Behind the name, which may have blanks and brackets: from the third field on.
  const auto stat = text_of("/proc/self/stat");
  std::istringstream fields{stat.substr(std::min(stat.rfind(')') + 2, stat.size()))};
  const std::vector<std::string> field{std::istream_iterator<std::string>{fields}, {}};
  constexpr std::size_t kFirst = 3;
  const auto number = [&field](std::size_t n) {
    return n - kFirst < field.size() ? std::strtod(field[n - kFirst].c_str(), nullptr) : 0.0;
  };
  const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  own.cpu_seconds = (number(14) + number(15)) / ticks;
  own.resident_bytes =
      static_cast<std::uint64_t>(number(24)) * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  timespec up{};
  clock_gettime(CLOCK_BOOTTIME, &up);
  const auto uptime = static_cast<double>(up.tv_sec) + static_cast<double>(up.tv_nsec) / 1e9;
  own.start_seconds = since_1970() - uptime + number(22) / ticks;
  return own;
}

}  // namespace live
