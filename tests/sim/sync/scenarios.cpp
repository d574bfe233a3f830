// SPDX-License-Identifier: LGPL-2.1-or-later
#include <stdexcept>
#include <string_view>
#include <tuple>
#include <utility>

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

std::vector<Scenario> all_scenarios() {
  auto scenarios = weather_scenarios();
  for (auto make : {report_scenarios, case_scenarios})
    for (auto& scenario : make())
      scenarios.push_back(std::move(scenario));
  return scenarios;
}

Scenario find_scenario(const std::string& name) {
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
