// SPDX-License-Identifier: LGPL-2.1-or-later

// jitterbuffer_benchmark [--ours=FACTORY] [--property=NAME=VALUE]… [--benchmark_…]
//
// Packets per second of processor time, of all threads, through FACTORY (rtpadaptivejitterbuffer)
// and through stock rtpjitterbuffer, in one process, as a table in markdown. Properties are
// for FACTORY alone; the workloads' own properties are set on both.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <benchmark/benchmark.h>
#include <gst/gst.h>

#include "jitterbuffer_rig.hpp"
#include "processor.hpp"
#include "workload.hpp"

namespace {

using onair::benchmark::Disorder;
using onair::benchmark::JitterBufferRig;
using onair::benchmark::processor_seconds;
using onair::benchmark::Property;
using onair::benchmark::Workload;

constexpr const char* kStock = "rtpjitterbuffer";
constexpr std::size_t kPackets = 20'000;
constexpr std::size_t kWarmUp = 1'000;
// Seconds depend on how often threads wake each other. So that they don't measure that alone, this
// many packets come at a time.
constexpr std::size_t kStride = 32;
constexpr std::chrono::milliseconds kPatience{1};
constexpr int kRepetitions = 7;

struct Case {
  std::string name;
  Workload workload;
  std::vector<Property> properties;
};

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const auto& workload : onair::benchmark::all_workloads()) {
    auto name = std::string{onair::benchmark::name(workload.medium)} + "-" +
                std::string{onair::benchmark::name(workload.disorder)};
    if (workload.disorder != Disorder::Repaired)
      cases.push_back({name, workload, {}});
    if (workload.disorder == Disorder::Lost || workload.disorder == Disorder::Repaired) {
      cases.push_back({name + " do-lost do-retransmission",
                       workload,
                       {{"do-lost", "true"}, {"do-retransmission", "true"}}});
    }
  }
  return cases;
}

void run(benchmark::State& state, const JitterBufferRig::Config& config, const Workload& workload) {
  for (auto _ : state) {
    JitterBufferRig rig{config, workload, kPackets};
    rig.push(kWarmUp);
    const auto start = processor_seconds();
    rig.push(kPackets - kWarmUp);
    rig.drain();
    state.SetIterationTime(processor_seconds() - start);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kPackets - kWarmUp));
}

// Keeps packets per second by name; the table wants two of them in a row. Of the repetitions the
// quickest counts: whatever else the machine does only ever makes them slower.
class Recorder : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const auto& run : runs) {
      const auto rate = run.counters.find("items_per_second");
      if (rate == run.counters.end() || run.run_type != Run::RT_Iteration)
        continue;
      auto& best = rates_[run.run_name.function_name];
      best = std::max(best, rate->second.value);
    }
  }
  [[nodiscard]] double rate(const std::string& name) const {
    const auto found = rates_.find(name);
    return found == rates_.end() ? 0 : found->second;
  }

 private:
  std::map<std::string, double> rates_;
};

}  // namespace

int main(int argc, char** argv) {
  onair::benchmark::stay_on_one_processor();
  gst_init(nullptr, nullptr);
  // The two of a row alternate, so that a busy minute hits both.
  std::vector<char*> arguments{argv, argv + argc};
  std::string interleaving{"--benchmark_enable_random_interleaving=true"};
  arguments.insert(arguments.begin() + 1, interleaving.data());
  argc = static_cast<int>(arguments.size());
  arguments.push_back(nullptr);
  argv = arguments.data();
  benchmark::Initialize(&argc, argv);
  JitterBufferRig::Config ours{
      .factory = "rtpadaptivejitterbuffer", .stride = kStride, .patience = kPatience};
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument{argv[i]};
    constexpr std::string_view kOurs{"--ours="};
    constexpr std::string_view kProperty{"--property="};
    if (argument.starts_with(kOurs)) {
      ours.factory = argument.substr(kOurs.size());
    } else if (argument.starts_with(kProperty)) {
      const std::string property{argument.substr(kProperty.size())};
      const auto equals = property.find('=');
      if (equals == std::string::npos) {
        std::fprintf(stderr, "--property=NAME=VALUE\n");
        return EXIT_FAILURE;
      }
      ours.properties.push_back({property.substr(0, equals), property.substr(equals + 1)});
    } else {
      std::fprintf(stderr, "unknown argument %s\n", argv[i]);
      return EXIT_FAILURE;
    }
  }

  const auto cases = all_cases();
  for (const auto& [name, workload, properties] : cases) {
    JitterBufferRig::Config theirs{
        .properties = properties, .stride = kStride, .patience = kPatience};
    auto mine = ours;
    mine.properties.insert(mine.properties.begin(), properties.begin(), properties.end());
    for (const auto& [prefix, config] : {std::pair{"stock ", theirs}, std::pair{"ours ", mine}}) {
      benchmark::RegisterBenchmark((prefix + name).c_str(),
                                   [config = config, &workload = workload](
                                       benchmark::State& state) { run(state, config, workload); })
          ->UseManualTime()
          ->Repetitions(kRepetitions)
          ->MinTime(0.1);
    }
  }
  Recorder recorder;
  benchmark::RunSpecifiedBenchmarks(&recorder);

  std::printf("| workload | %s: packets/s | %s: packets/s | ratio |\n|---|---:|---:|---:|\n",
              kStock, ours.factory.c_str());
  for (const auto& [name, workload, properties] : cases) {
    const auto theirs = recorder.rate("stock " + name);
    const auto mine = recorder.rate("ours " + name);
    if (theirs > 0 && mine > 0)
      std::printf("| %s | %.0f | %.0f | %.2f |\n", name.c_str(), theirs, mine, mine / theirs);
  }
  return EXIT_SUCCESS;
}
