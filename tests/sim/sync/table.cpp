// SPDX-License-Identifier: LGPL-2.1-or-later
// sync-table: what puts sound and picture onto one time line, side by side on the same scenarios, as
// markdown.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#ifdef HAVE_ALIGNER
#  include "ours.hpp"
#endif
#include "policies/first_arrival.hpp"
#include "policies/report_step.hpp"
#include "record.hpp"
#include "scenario.hpp"
#include "score.hpp"
#include "stock.hpp"

namespace {

using namespace onair;
using namespace onair::sim::sync;
using onair::sim::Medium;

constexpr std::string_view kUsage = R"(usage: sync-table [OPTION]...
  --seed N        of everything that is drawn (1)
  --seeds N       as many seeds, one after the other, in one row each (1)
  --only NAME     this scenario only (may be given again; 72h and 72h+sr are run only so)
  --group NAME    weather, reports or cases only; chaos-N-M: so many of what a seed makes up
  --column NAME   this column only (may be given again)
  --stock         the installed rtpbin as well: minutes, where the others take seconds
  --length S      of each scenario, at most
  --detail        one line of all scores for each run instead
  --skews         a line for each frame: captured, left (s), raw, error (ms) instead
  --units         a line for each unit: audio or video, captured, media, arrival, time given, left
                  the jitter buffer, left (s) instead
  --events        what happens in each scenario instead
  --list          the names
)";

struct Options {
  std::uint64_t seed = 1;
  std::uint64_t seeds = 1;
  std::vector<std::string> only;
  std::vector<std::string> columns;
  std::string group;
  bool has_stock = false;
  double length = 1e9;
  enum class Output { Table, Detail, Skews, Units, Events, List } output = Output::Table;
};

struct Column {
  std::string name;
  std::function<Record(const Scenario&, std::uint64_t)> run;
};

template <typename Kind>
Column column() {
  return {std::string{Kind{}.name()}, [](const Scenario& scenario, std::uint64_t seed) {
            Kind synchroniser;
            return run(scenario, seed, synchroniser);
          }};
}

std::vector<Column> columns_for(const Options& options) {
  std::vector<Column> all;
#ifdef HAVE_ALIGNER
  all.push_back(column<Ours>());
#endif
  all.push_back(column<FirstArrival>());
  all.push_back(column<ReportStep>());
  // Without RTSP rtcp-sync=rtp-info knows nothing and is as good as off.
  for (const auto mode : {StockMode::Always, StockMode::Initial, StockMode::Off, StockMode::Rtp})
    if (!options.columns.empty() || (options.has_stock && mode != StockMode::Rtp))
      all.push_back(
          {std::string{name_of(mode)}, [mode](const Scenario& scenario, std::uint64_t seed) {
             return run_stock(scenario, seed, mode);
           }});
  if (options.columns.empty())
    return all;
  std::vector<Column> columns;
  for (const auto& name : options.columns)
    for (const auto& each : all)
      if (each.name == name)
        columns.push_back(each);
  return columns;
}

std::vector<Scenario> scenarios_for(const Options& options) {
  std::vector<Scenario> scenarios;
  for (const auto& name : options.only)
    scenarios.push_back(find_scenario(name));
  if (!scenarios.empty())
    return scenarios;
  if (options.group == "weather")
    return weather_scenarios();
  if (options.group == "reports")
    return report_scenarios();
  if (options.group == "cases")
    return case_scenarios();
  auto first = 0;
  auto last = 0;
  if (std::sscanf(options.group.c_str(), "chaos-%d-%d", &first, &last) == 2) {
    for (auto number = first; number <= last; ++number)
      scenarios.push_back(chaos(static_cast<std::uint64_t>(number)));
    return scenarios;
  }
  return all_scenarios();
}

std::string optional_seconds(const std::optional<double>& value) {
  if (!value)
    return "-";
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", *value);
  return text;
}

std::string cell(const Score& score) {
  char text[200];
  std::snprintf(text, sizeof text, "%.1f · %.1f · %.1f · %s · %zu / %.1f", score.p50, score.p95,
                score.p99, optional_seconds(score.lock_s).c_str(), score.audio_steps,
                score.worst_audio_step);
  std::string result = score.frames > 0 ? text : "no pairs";
  if (score.not_rising > 0)
    result += " · **" + std::to_string(score.not_rising) + " not rising**";
  if (score.recovery_s)
    result += " · back " + optional_seconds(score.recovery_s);
  return result;
}

void print_detail(const std::string& name, std::uint64_t seed, const std::string& column,
                  const Sender& sender, const Score& s) {
  std::printf(
      "%-24s %llu %-16s lag %.2f frames %zu lock %s told %.1f p50 %.2f p95 %.2f p99 %.2f worst "
      "%.2f end %.2f "
      "raw "
      "%+.2f drift "
      "%+.3f start %s audio-steps %zu (%.3f) not-rising %zu recovery %s hold %.0f %.0f %.0f steps "
      "%zu slews %zu missing %zu dropped %zu idle %zu\n",
      name.c_str(), static_cast<unsigned long long>(seed), column.c_str(), 1e3 * sender.lag,
      s.frames, optional_seconds(s.lock_s).c_str(), s.told_s, s.p50, s.p95, s.p99, s.worst,
      s.end_p99, s.median_raw, s.drift_per_minute, optional_seconds(s.start_s).c_str(),
      s.audio_steps, s.worst_audio_step, s.not_rising, optional_seconds(s.recovery_s).c_str(),
      s.hold_p50, s.hold_p99, s.hold_worst, s.steps, s.slews, s.missing, s.dropped,
      s.idle_deadlines);
}

void print_units(const Record& record) {
  const auto seconds = [](auto time) {
    return std::chrono::duration<double>(time.time_since_epoch()).count();
  };
  for (const auto medium : kMedia)
    for (const auto& unit : record.outputs[index(medium)])
      std::printf("%s %.6f %.6f %.6f %.6f %.6f %.6f\n", medium == Medium::Audio ? "audio" : "video",
                  seconds(unit.captured), seconds(unit.media), seconds(unit.arrival),
                  seconds(unit.time), seconds(unit.released), seconds(unit.left));
}

void print_heading(const Options& options, const std::vector<Column>& columns) {
  std::printf(
      "Each cell: |skew| p50 · p95 · p99 in ms after the lock · seconds until the lock (10 ms kept "
      "for 10 s; - never) · steps of sound above half a sample / the worst in ms · seconds until "
      "it "
      "is back after a break. Scenarios with +sr: against the truth; without: against what "
      "arrivals can see. Seed %llu.\n\n| scenario |",
      static_cast<unsigned long long>(options.seed));
  for (const auto& each : columns)
    std::printf(" %s |", each.name.c_str());
  std::printf("\n|---|");
  for (std::size_t i = 0; i < columns.size(); ++i)
    std::printf("---|");
  std::printf("\n");
}

const char* name_of_medium(Medium medium) {
  return medium == Medium::Audio ? "audio" : "video";
}

void print_events(const Scenario& scenario) {
  std::printf("%s: weather %d%s, reports %d, %.0f fps%s", scenario.name.c_str(),
              static_cast<int>(scenario.weather), scenario.is_separate ? " apart" : "",
              static_cast<int>(scenario.reports), scenario.frame_rate,
              scenario.is_framed ? " framed" : "");
  for (const auto& each : scenario.silences)
    std::printf("; %s silent %.2f-%.2f%s", name_of_medium(each.medium), each.from, each.to,
                each.clock_stands ? ", clock stands" : "");
  for (const auto& each : scenario.sparse)
    std::printf("; %s sparse %.2f-%.2f", name_of_medium(each.medium), each.from, each.to);
  for (const auto& each : scenario.restarts)
    std::printf("; %s restarts %.2f%s", name_of_medium(each.medium), each.at,
                each.new_ssrc ? ", new ssrc" : "");
  for (const auto& each : scenario.switches)
    std::printf("; switch %.2f by %.0f ms%s", each.at, 1e3 * each.by,
                each.is_stamped ? ", stamped" : "");
  for (const auto& each : scenario.outages)
    std::printf("; outage %.2f-%.2f%s", each.from, each.to, each.is_held ? ", held" : "");
  std::printf("\n");
}

int print(const Options& options) {
  const auto columns = columns_for(options);
  if (options.output == Options::Output::Table)
    print_heading(options, columns);
  for (auto& scenario : scenarios_for(options)) {
    scenario.length = std::min(scenario.length, options.length);
    if (options.output == Options::Output::Events) {
      print_events(scenario);
      continue;
    }
    for (auto seed = options.seed; seed < options.seed + options.seeds; ++seed) {
      const auto sender = draw_sender(scenario, seed);
      if (options.output == Options::Output::Table)
        std::printf("| %s |", scenario.name.c_str());
      for (const auto& each : columns) {
        const auto record = each.run(scenario, seed);
        if (options.output == Options::Output::Skews) {
          for (const auto& skew : find_skews(scenario, sender, record))
            std::printf("%.4f %.4f %.3f %.3f\n", skew.captured, skew.left, skew.raw, skew.error);
          continue;
        }
        if (options.output == Options::Output::Units) {
          print_units(record);
          continue;
        }
        const auto result = score(scenario, sender, record);
        if (options.output == Options::Output::Detail)
          print_detail(scenario.name, seed, each.name, sender, result);
        else
          std::printf(" %s |", cell(result).c_str());
      }
      if (options.output == Options::Output::Table)
        std::printf("\n");
      std::fflush(stdout);
    }
  }
  return EXIT_SUCCESS;
}

int list() {
  for (const auto& scenario : all_scenarios())
    std::printf("%s\n", scenario.name.c_str());
  std::printf("72h\n72h+sr\n");
  return EXIT_SUCCESS;
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
    const auto value = [&]() -> const char* { return i + 1 < argc ? argv[++i] : ""; };
    if (option == "--seed")
      options.seed = std::strtoull(value(), nullptr, 10);
    else if (option == "--seeds")
      options.seeds = std::strtoull(value(), nullptr, 10);
    else if (option == "--only")
      options.only.emplace_back(value());
    else if (option == "--stock")
      options.has_stock = true;
    else if (option == "--length")
      options.length = std::atof(value());
    else if (option == "--group")
      options.group = value();
    else if (option == "--column")
      options.columns.emplace_back(value());
    else if (option == "--detail")
      options.output = Options::Output::Detail;
    else if (option == "--skews")
      options.output = Options::Output::Skews;
    else if (option == "--units")
      options.output = Options::Output::Units;
    else if (option == "--events")
      options.output = Options::Output::Events;
    else if (option == "--list")
      options.output = Options::Output::List;
    else
      return usage();
  }
  return options.output == Options::Output::List ? list() : print(options);
}
