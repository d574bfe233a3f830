// SPDX-License-Identifier: LGPL-2.1-or-later
// latency-table: the policies side by side on the same weather, as markdown.
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "adaptive.hpp"
#include "oracle.hpp"
#include "plot.hpp"
#include "policies/fixed.hpp"
#include "policies/neteq.hpp"
#include "policies/srt.hpp"
#include "policies/webrtc_video.hpp"
#include "score.hpp"
#include "weather.hpp"

namespace {

using namespace onair;
using namespace onair::sim;
using namespace std::chrono_literals;

constexpr std::string_view kUsage = R"(usage: latency-table [OPTION]...
  --target SHARE        of late packets (0.001)
  --seed N              of the weather (1)
  --seeds N             as many seeds, one after the other, in one row each (1)
  --length SECONDS      of each trace (600)
  --max-latency MS      of the adaptive policy (1000; 600 with --eager)
  --loss-target SHARE   of given-up packets, with --eager (0.0001)
  --repair-hold MS      L stays up so long after a repair (0)
  --held-out            the networks that nothing was tuned on
  --eager               eager release: given-up packets instead of late ones
  --only NAME           this network only
  --ours                the adaptive policy and the oracle only
  --plot NAME FILE      write one picture (SVG) of the adaptive policy on that network instead
)";

struct Options {
  double target = 0.001;
  double loss_target = 0.0001;
  std::uint64_t seed = 1;
  std::uint64_t seeds = 1;
  Duration length = 10min;
  Duration max_latency{0};
  Duration repair_hold{0};
  bool is_held_out = false;
  bool is_eager = false;
  bool is_ours_only = false;
  std::string only;
  std::string plot_file;
};

struct Column {
  std::string name;
  std::function<std::unique_ptr<Policy>(Medium)> make;
  double log_ratio = 0;
  int met = 0;  // traces on which the late share is at most 1.2 times the target
};

LatencyController::Config controller_config(const Options& options) {
  LatencyController::Config config;
  config.late_target = options.target;
  config.loss_target = options.loss_target;
  config.max_latency = options.max_latency;
  config.repair_hold = options.repair_hold;
  if (options.is_eager)
    config.release = LatencyController::Release::Eager;
  return config;
}

std::vector<Column> columns_for(const Options& options) {
  std::vector<Column> columns;
  const auto add = [&](std::string name, auto make) {
    columns.push_back({std::move(name), std::move(make), 0, 0});
  };
  if (!options.is_eager && !options.is_ours_only) {
    for (const auto latency : {50ms, 100ms, 200ms, 500ms})
      add("fixed " + std::to_string(latency.count()), [latency](Medium) {
        return std::make_unique<FixedPolicy>(FixedPolicy::Config{.latency = latency});
      });
    add("SRT 120", [](Medium) { return std::make_unique<SrtPolicy>(SrtPolicy::Config{}); });
    add("libwebrtc", [](Medium medium) -> std::unique_ptr<Policy> {
      if (medium == Medium::Audio)
        return std::make_unique<NetEqPolicy>(NetEqPolicy::Config{});
      return std::make_unique<WebrtcVideoPolicy>(WebrtcVideoPolicy::Config{});
    });
  }
  add("adaptive", [config = controller_config(options)](Medium) {
    return std::make_unique<AdaptivePolicy>(config);
  });
  return columns;
}

std::string cell(const Score& score, double ratio, double target) {
  char text[160];
  const auto late = std::max(score.late_packets, score.late_units);
  std::snprintf(text, sizeof text, "%s%.3f / %.3f%s · %.0f · %.0f · %.0f · **%.2f**",
                late > 1.2 * target ? "_" : "", 100 * score.late_packets, 100 * score.late_units,
                late > 1.2 * target ? "_" : "", 1e3 * score.mean_delay, 1e3 * score.p95_delay,
                score.changes, ratio);
  return text;
}

std::vector<Kind> kinds_for(const Options& options) {
  std::vector<Kind> kinds;
  for (const auto& kind : options.is_held_out ? held_out_kinds() : known_kinds())
    if (options.only.empty() || options.only == kind.name)
      kinds.push_back(kind);
  return kinds;
}

int print_table(const Options& options) {
  auto columns = columns_for(options);
  const auto target = options.is_eager ? options.loss_target : options.target;
  std::printf(
      "Each cell: %s packets / units in %% (in _italics_ above 1.2 times the target) · mean "
      "delay in ms · its 95th percentile · changes of L per minute · **mean ÷ oracle's**.\n"
      "Target %g %%, seed %llu. Delays are above the quickest path of the trace.\n\n| weather "
      "| oracle, ms |",
      options.is_eager ? "given-up" : "late", 100 * target,
      static_cast<unsigned long long>(options.seed));
  for (const auto& column : columns)
    std::printf(" %s |", column.name.c_str());
  std::printf("\n|---|---|");
  for (std::size_t i = 0; i < columns.size(); ++i)
    std::printf("---|");
  std::printf("\n");
  auto rows = 0;
  for (auto seed = options.seed; seed < options.seed + options.seeds; ++seed) {
    for (const auto& kind : kinds_for(options)) {
      const auto trace = make_trace(kind, seed, options.length);
      const auto oracle = consult_oracle(trace, options.target);
      std::printf("| %s, %s | %.1f |", trace.name.c_str(),
                  kind.medium == Medium::Audio ? "audio" : "video", 1e3 * oracle.mean_delay);
      for (auto& column : columns) {
        const auto policy = column.make(kind.medium);
        const auto score =
            options.is_eager ? score_eager(trace, *policy) : score_paced(trace, *policy);
        const auto ratio = score.mean_delay / oracle.mean_delay;
        column.log_ratio += std::log(ratio);
        column.met += std::max(score.late_packets, score.late_units) <= 1.2 * target ? 1 : 0;
        std::printf(" %s |", cell(score, ratio, target).c_str());
      }
      std::printf("\n");
      ++rows;
    }
  }
  std::printf("| geometric mean, target met | |");
  for (const auto& column : columns)
    std::printf(" **%.2f**, %d of %d |", std::exp(column.log_ratio / std::max(1, rows)), column.met,
                rows);
  std::printf("\n");
  return EXIT_SUCCESS;
}

int write_plot(const Options& options) {
  for (const auto& kind : kinds_for(options)) {
    const auto trace = make_trace(kind, options.seed, options.length);
    AdaptivePolicy policy{controller_config(options)};
    std::vector<Sample> samples;
    score_paced(trace, policy, [&](const Arrival& arrival, Duration playout, bool is_late) {
      const auto& packet = arrival.packet;
      // media + playout - sent: what a packet on its way that long would have waited for.
      const auto release = packet.media.time_since_epoch() + playout;
      samples.push_back({in_ms(packet.arrival - trace.arrivals.front().packet.arrival) / 1e3,
                         in_ms(packet.arrival - arrival.sent - trace.least_path),
                         in_ms(release - arrival.sent.time_since_epoch() - trace.least_path),
                         is_late});
    });
    std::ofstream{options.plot_file} << plot(trace.name, samples);
    return EXIT_SUCCESS;
  }
  std::fprintf(stderr, "no such weather: %s\n", options.only.c_str());
  return EXIT_FAILURE;
}

int usage() {
  std::fputs(kUsage.data(), stderr);
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  for (auto i = 1; i < argc; ++i) {
    const std::string_view option = argv[i];
    const auto value = [&]() -> const char* { return i + 1 < argc ? argv[++i] : "0"; };
    if (option == "--target")
      options.target = std::atof(value());
    else if (option == "--loss-target")
      options.loss_target = std::atof(value());
    else if (option == "--seed")
      options.seed = std::strtoull(value(), nullptr, 10);
    else if (option == "--seeds")
      options.seeds = std::strtoull(value(), nullptr, 10);
    else if (option == "--length")
      options.length = std::chrono::seconds{std::atoi(value())};
    else if (option == "--max-latency")
      options.max_latency = std::chrono::milliseconds{std::atoi(value())};
    else if (option == "--repair-hold")
      options.repair_hold = std::chrono::milliseconds{std::atoi(value())};
    else if (option == "--held-out")
      options.is_held_out = true;
    else if (option == "--eager")
      options.is_eager = true;
    else if (option == "--ours")
      options.is_ours_only = true;
    else if (option == "--only")
      options.only = value();
    else if (option == "--plot") {
      options.only = value();
      options.plot_file = value();
    } else {
      return usage();
    }
  }
  if (options.max_latency == Duration{0})
    options.max_latency = options.is_eager ? 600ms : 1000ms;
  return options.plot_file.empty() ? print_table(options) : write_plot(options);
}
