// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plot.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iomanip>
#include <sstream>

namespace onair::sim {

namespace {

constexpr double kWidth = 960;
constexpr double kHeight = 320;
constexpr double kLeft = 48;
constexpr double kTop = 28;
constexpr double kBottom = 24;

struct Column {
  double delay = 0;
  double playout = 0;
  bool is_used = false;
};

// 1, 2 or 5 times a power of ten, at least a fifth of `span`.
double grid_step(double span) {
  const auto raw = span / 5;
  const auto power = std::pow(10, std::floor(std::log10(raw)));
  for (const auto factor : {1.0, 2.0, 5.0})
    if (factor * power >= raw)
      return factor * power;
  return 10 * power;
}

}  // namespace

std::string plot(std::string_view title, const std::vector<Sample>& samples) {
  std::ostringstream svg;
  svg << std::fixed << std::setprecision(1);
  svg << R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 )" << kWidth << ' ' << kHeight
      << R"(" font-family="sans-serif" font-size="11">)" << '\n'
      << R"(<rect width="100%" height="100%" fill="#fff"/>)" << '\n'
      << R"(<text x=")" << kLeft << R"(" y="18">)" << title
      << R"(: <tspan fill="#789">packets</tspan>, <tspan fill="#c30">late</tspan>, )"
      << R"(<tspan fill="#06c">latency</tspan>, in ms over seconds</text>)" << '\n';
  if (!samples.empty()) {
    const auto length = std::max(1.0, samples.back().at);
    auto highest = 10.0;
    for (const auto& sample : samples)
      highest = std::max({highest, sample.delay, sample.playout});
    const auto x = [&](double at) { return kLeft + at / length * (kWidth - kLeft - 8); };
    const auto y = [&](double value) {
      return kHeight - kBottom - std::max(0.0, value) / highest * (kHeight - kTop - kBottom);
    };
    for (auto value = 0.0; value <= highest; value += grid_step(highest))
      svg << R"(<path stroke="#ddd" d="M)" << kLeft << ' ' << y(value) << 'H' << kWidth - 8
          << R"("/><text text-anchor="end" x=")" << kLeft - 4 << R"(" y=")" << y(value) + 4
          << R"(">)" << std::lround(value) << "</text>\n";
    for (auto at = 0.0; at <= length; at += grid_step(length))
      svg << R"(<text text-anchor="middle" x=")" << x(at) << R"(" y=")" << kHeight - 8 << R"(">)"
          << std::lround(at) << "</text>\n";
    std::vector<Column> columns(static_cast<std::size_t>(kWidth));
    for (const auto& sample : samples) {
      auto& column = columns[static_cast<std::size_t>(x(sample.at))];
      column.delay = std::max(column.delay, sample.delay);
      column.playout = std::max(column.playout, sample.playout);
      column.is_used = true;
    }
    std::ostringstream packets;
    std::ostringstream latency;
    packets << std::fixed << std::setprecision(1);
    latency << std::fixed << std::setprecision(1);
    for (std::size_t i = 0; i < columns.size(); ++i) {
      if (!columns[i].is_used)
        continue;
      packets << 'M' << i << ' ' << y(0) << 'V' << y(columns[i].delay);
      latency << (latency.tellp() == 0 ? 'M' : 'L') << i << ' ' << y(columns[i].playout);
    }
    svg << R"(<path stroke="#9ab" d=")" << packets.str() << "\"/>\n"
        << R"(<path stroke="#06c" fill="none" d=")" << latency.str() << "\"/>\n";
    for (const auto& sample : samples)
      if (sample.is_late)
        svg << R"(<circle fill="#c30" r="2" cx=")" << x(sample.at) << R"(" cy=")" << y(sample.delay)
            << "\"/>\n";
  }
  svg << "</svg>\n";
  return svg.str();
}

}  // namespace onair::sim
