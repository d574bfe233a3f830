// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <iterator>
#include <stdexcept>
#include <string_view>
#include <tuple>
#include <utility>

#include "random.hpp"
#include "scenario.hpp"

namespace onair::sim::sync {

namespace {

constexpr auto kAudio = Medium::Audio;
constexpr auto kVideo = Medium::Video;
constexpr std::string_view kWithReports = "+sr";

struct Network {
  const char* name;
  Weather weather;
};
constexpr Network kNetworks[] = {
    {"clean", Weather::Clean},       {"wifi", Weather::Wifi},
    {"lte", Weather::Lte},           {"bufferbloat", Weather::Bufferbloat},
    {"pacer", Weather::Pacer},       {"backlog", Weather::Backlog},
    {"repairs", Weather::Repairs},   {"routes", Weather::Routes},
    {"cellular", Weather::Cellular}, {"handover", Weather::Handover},
};

// Without reports, with them.
void add_both(std::vector<Scenario>& scenarios, Scenario scenario) {
  scenario.reports = Reports::None;
  scenario.reference = Reference::Arrivals;
  scenarios.push_back(scenario);
  scenario.name += kWithReports;
  scenario.reports = Reports::Honest;
  scenario.reference = Reference::Truth;
  scenarios.push_back(std::move(scenario));
}

}  // namespace

std::vector<Scenario> weather_scenarios() {
  std::vector<Scenario> scenarios;
  for (const auto& network : kNetworks)
    add_both(scenarios, {.name = network.name, .length = 300, .weather = network.weather});
  for (const auto weather : {kNetworks[1], kNetworks[2], kNetworks[3]})
    add_both(scenarios, {.name = weather.name + std::string{"-apart"},
                         .length = 300,
                         .weather = weather.weather,
                         .is_separate = true});
  add_both(scenarios, {.name = "25fps-framed",
                       .length = 300,
                       .weather = Weather::Lte,
                       .frame_rate = 25,
                       .is_framed = true});
  add_both(scenarios, {.name = "15fps",
                       .length = 300,
                       .weather = Weather::Wifi,
                       .frame_rate = 15,
                       .bit_rate = 4e5});
  for (const auto& [name, audio, video] :
       {std::tuple{"drift+500-500", 500.0, -500.0}, std::tuple{"drift-500+500", -500.0, 500.0},
        std::tuple{"drift+500+500", 500.0, 500.0}})
    add_both(scenarios, {.name = name, .length = 1800, .audio_ppm = audio, .video_ppm = video});
  add_both(scenarios, {.name = "drift+500-500-lte",
                       .length = 1800,
                       .weather = Weather::Lte,
                       .audio_ppm = 500,
                       .video_ppm = -500});
  return scenarios;
}

std::vector<Scenario> report_scenarios() {
  struct Kind {
    const char* name;
    Reports reports;
    Reference reference;
  };
  std::vector<Scenario> scenarios;
  for (const auto& kind : {Kind{"sfu", Reports::Sfu, Reference::Arrivals},
                           Kind{"relay", Reports::Relay, Reference::Arrivals},
                           Kind{"300ms-ahead", Reports::Ahead, Reference::Arrivals},
                           Kind{"300ms-behind", Reports::Behind, Reference::Arrivals},
                           Kind{"garbage", Reports::Garbage, Reference::Truth},
                           Kind{"ntp-step", Reports::NtpStep, Reference::Truth},
                           Kind{"late", Reports::Late, Reference::Truth},
                           Kind{"lost", Reports::Lost, Reference::Truth},
                           Kind{"vanishing", Reports::Vanishing, Reference::Truth}}) {
    for (const auto& network : {kNetworks[0], kNetworks[2]})
      scenarios.push_back({.name = std::string{"reports-"} + kind.name + "-" + network.name,
                           .length = 300,
                           .weather = network.weather,
                           .reports = kind.reports,
                           .reference = kind.reference});
  }
  return scenarios;
}

std::vector<Scenario> case_scenarios() {
  std::vector<Scenario> scenarios;
  const auto add = [&](Scenario scenario) { add_both(scenarios, std::move(scenario)); };
  add({.name = "audio-late", .silences = {{kAudio, 0, 10}}});
  add({.name = "video-late", .silences = {{kVideo, 0, 30}}});
  add({.name = "audio-only", .silences = {{kVideo, 0, 1e9}}});
  add({.name = "video-only", .silences = {{kAudio, 0, 1e9}}});
  add({.name = "video-muted", .silences = {{kVideo, 50, 65}}, .recovery_from = 65});
  add({.name = "audio-muted", .silences = {{kAudio, 50, 65}}, .recovery_from = 65});
  add({.name = "video-clock-stands", .silences = {{kVideo, 50, 60, true}}, .recovery_from = 60});
  add({.name = "audio-clock-stands", .silences = {{kAudio, 50, 60, true}}, .recovery_from = 60});
  add({.name = "camera-switch", .switches = {{60, 0.040, false}}, .recovery_from = 60});
  add({.name = "camera-back", .switches = {{60, -0.010, false}}, .recovery_from = 60});
  add({.name = "encoder-switch", .switches = {{60, 0.040, true}}, .recovery_from = 60});
  add({.name = "video-reset", .restarts = {{kVideo, 60, false}}, .recovery_from = 60});
  add({.name = "audio-reset", .restarts = {{kAudio, 60, false}}, .recovery_from = 60});
  add({.name = "both-reset",
       .restarts = {{kAudio, 60, false}, {kVideo, 60, false}},
       .recovery_from = 60});
  add({.name = "video-ssrc", .restarts = {{kVideo, 60, true}}, .recovery_from = 60});
  add({.name = "audio-ssrc", .restarts = {{kAudio, 60, true}}, .recovery_from = 60});
  add({.name = "both-ssrc",
       .restarts = {{kAudio, 60, true}, {kVideo, 60, true}},
       .recovery_from = 60});
  add({.name = "both-ssrc-lte",
       .weather = Weather::Lte,
       .restarts = {{kAudio, 60, true}, {kVideo, 60, true}},
       .recovery_from = 60});
  add({.name = "dtx", .sparse = {{kAudio, 30, 90}}});
  add({.name = "dtx-from-start-lte", .weather = Weather::Lte, .sparse = {{kAudio, 0, 1e9}}});
  add({.name = "outage-lost", .outages = {{60, 62, false}}, .recovery_from = 62});
  add({.name = "outage-held", .outages = {{60, 62, true}}, .recovery_from = 62});
  return scenarios;
}

// At rates that fit into a minute of work.
Scenario three_days() {
  return {.name = "72h",
          .length = 72 * 3600,
          .audio_interval = 0.400,
          .frame_rate = 2,
          .bit_rate = 2 * 8 * 600,
          .audio_ppm = 80,
          .video_ppm = -35};
}

Scenario chaos(std::uint64_t number) {
  Random random{0xc4a05U + number};
  const auto pick = [&random](std::ptrdiff_t count) {
    return static_cast<std::ptrdiff_t>(random.uniform(0, static_cast<double>(count)));
  };
  constexpr Reports kKinds[] = {Reports::None, Reports::Honest, Reports::Honest,  Reports::Garbage,
                                Reports::Late, Reports::Lost,   Reports::NtpStep, Reports::Sfu};
  Scenario scenario{.name = "chaos-" + std::to_string(number),
                    .weather = kNetworks[pick(std::ssize(kNetworks))].weather,
                    .is_separate = random.chance(0.15),
                    .reports = kKinds[pick(std::ssize(kKinds))],
                    .reference = Reference::Either,
                    .frame_rate = random.chance(0.5) ? 30.0 : 15.0,
                    .is_framed = random.chance(0.3)};
  for (auto events = pick(4); events > 0; --events) {
    const auto at = random.uniform(0, 70);
    const auto medium = random.chance(0.5) ? kAudio : kVideo;
    const auto until = at + random.uniform(0.1, 15);
    switch (pick(6)) {
      case 0:
        scenario.silences.push_back({medium, at, until, random.chance(0.5)});
        break;
      case 1:
        scenario.sparse.push_back({kAudio, at, until});
        break;
      case 2:
        scenario.restarts.push_back({medium, at, random.chance(0.5)});
        break;
      case 3:
        for (const auto each : kMedia)
          scenario.restarts.push_back({each, at + random.uniform(0, 0.3), random.chance(0.5)});
        break;
      case 4:
        scenario.switches.push_back({at / 2, random.uniform(-0.009, 0.06), random.chance(0.5)});
        break;
      default:
        scenario.outages.push_back({at, at + random.uniform(0.3, 3), random.chance(0.5)});
        break;
    }
  }
  std::sort(scenario.switches.begin(), scenario.switches.end(),
            [](const Switch& one, const Switch& other) { return one.at < other.at; });
  return scenario;
}

std::vector<Scenario> all_scenarios() {
  auto scenarios = weather_scenarios();
  for (auto make : {report_scenarios, case_scenarios})
    for (auto& scenario : make())
      scenarios.push_back(std::move(scenario));
  return scenarios;
}

Scenario find_scenario(const std::string& name) {
  constexpr std::string_view kChaos = "chaos-";
  if (name.starts_with(kChaos))
    return chaos(std::stoull(name.substr(kChaos.size())));
  auto days = three_days();
  if (name == days.name)
    return days;
  if (name == days.name + std::string{kWithReports}) {
    days.name = name;
    days.reports = Reports::Honest;
    days.reference = Reference::Truth;
    return days;
  }
  for (auto& scenario : all_scenarios())
    if (scenario.name == name)
      return scenario;
  throw std::invalid_argument{"no such scenario: " + name};
}

std::uint64_t mix(const Scenario& scenario, std::uint64_t seed) {
  std::string_view name = scenario.name;
  if (name.ends_with(kWithReports))
    name.remove_suffix(kWithReports.size());
  auto hash = 0xcbf29ce484222325U ^ seed;  // FNV-1a
  for (const auto letter : name)
    hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100000001b3U;
  return hash;
}

}  // namespace onair::sim::sync
