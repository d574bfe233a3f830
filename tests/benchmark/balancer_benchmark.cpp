// SPDX-License-Identifier: LGPL-2.1-or-later

// balancer_benchmark [--benchmark_…]
//
// Processor time per buffer through hlsbalancer and through stock identity, in one process, less that of
// the rig without an element, as a table in markdown.
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <gst/gst.h>

#include "balancer_rig.hpp"
#include "processor.hpp"

namespace {

using onair::benchmark::BalancerRig;
using onair::benchmark::processor_seconds;
using onair::benchmark::Segments;

constexpr std::size_t kBuffers = 20'000;
constexpr std::size_t kWarmUp = 1'000;
constexpr int kRepetitions = 15;

void run(benchmark::State& state, const std::string& factory, Segments segments) {
  for (auto _ : state) {
    BalancerRig rig{factory, segments, kBuffers};
    rig.push(kWarmUp);
    const auto start = processor_seconds();
    rig.push(kBuffers);
    state.SetIterationTime(processor_seconds() - start);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kBuffers - kWarmUp));
}

// Of the repetitions the quickest counts: whatever else the machine does only ever makes them slower.
class Recorder : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const auto& run : runs) {
      const auto rate = run.counters.find("items_per_second");
      if (rate == run.counters.end() || run.run_type != Run::RT_Iteration)
        continue;
      const double spent = 1e9 / rate->second.value;
      const auto [best, is_new] = nanoseconds_.try_emplace(run.run_name.function_name, spent);
      best->second = std::min(best->second, spent);
    }
  }
  [[nodiscard]] double nanoseconds(const std::string& name) const {
    const auto found = nanoseconds_.find(name);
    return found == nanoseconds_.end() ? 0 : found->second;
  }

 private:
  std::map<std::string, double> nanoseconds_;
};

std::string name_of(const std::string& factory, Segments segments) {
  return factory + " " + std::string{onair::benchmark::name(segments)};
}

}  // namespace

int main(int argc, char** argv) {
  onair::benchmark::stay_on_one_processor();
  gst_init(nullptr, nullptr);
  // Those of a row alternate, so that a busy minute hits all.
  std::vector<char*> arguments{argv, argv + argc};
  std::string interleaving{"--benchmark_enable_random_interleaving=true"};
  arguments.insert(arguments.begin() + 1, interleaving.data());
  argc = static_cast<int>(arguments.size());
  arguments.push_back(nullptr);
  benchmark::Initialize(&argc, arguments.data());

  constexpr std::array kWorkloads{Segments::None, Segments::EachSecond};
  for (const auto segments : kWorkloads) {
    for (const std::string factory : {"none", "identity", "hlsbalancer"}) {
      benchmark::RegisterBenchmark(
          name_of(factory, segments).c_str(),
          [factory, segments](benchmark::State& state) { run(state, factory, segments); })
          ->UseManualTime()
          ->Repetitions(kRepetitions)
          ->MinTime(0.02);
    }
  }
  Recorder recorder;
  benchmark::RunSpecifiedBenchmarks(&recorder);

  std::printf("| workload | identity: ns/buffer | hlsbalancer: ns/buffer | ratio |\n");
  std::printf("|---|---:|---:|---:|\n");
  for (const auto segments : kWorkloads) {
    const auto rig = recorder.nanoseconds(name_of("none", segments));
    const auto theirs = recorder.nanoseconds(name_of("identity", segments)) - rig;
    const auto mine = recorder.nanoseconds(name_of("hlsbalancer", segments)) - rig;
    std::printf("| %s | %.0f | %.0f | %.2f |\n", onair::benchmark::name(segments).data(), theirs,
                mine, mine / theirs);
  }
  return EXIT_SUCCESS;
}
