// SPDX-License-Identifier: LGPL-2.1-or-later

// jitterbuffer_workload FACTORY WORKLOAD PACKETS [PROPERTY=VALUE]…
//
// Sends PACKETS packets of WORKLOAD through an element FACTORY ("none": past any) and prints what
// came of it. Runs with different PACKETS differ in nothing but the way of those packets through
// the element: all of them make, and free, the same number of buffers. See count_instructions.sh.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include <gst/gst.h>

#include "allocation_count.hpp"
#include "jitterbuffer_rig.hpp"
#include "processor.hpp"
#include "workload.hpp"

namespace {

using onair::benchmark::allocation_count;
using onair::benchmark::JitterBufferRig;

constexpr std::size_t kMostPackets = 8000;

int usage() {
  std::fprintf(stderr,
               "usage: jitterbuffer_workload FACTORY WORKLOAD PACKETS [PROPERTY=VALUE]...\n"
               "PACKETS: 1000 to %zu; WORKLOAD:",
               kMostPackets);
  for (const auto& workload : onair::benchmark::all_workloads()) {
    std::fprintf(stderr, " %s-%s", onair::benchmark::name(workload.medium).data(),
                 onair::benchmark::name(workload.disorder).data());
  }
  std::fprintf(stderr, "\n");
  return EXIT_FAILURE;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4)
    return usage();
  const auto workload = onair::benchmark::find_workload(argv[2]);
  const auto packets = static_cast<std::size_t>(std::strtoul(argv[3], nullptr, 10));
  if (!workload || packets < 1000 || packets > kMostPackets)
    return usage();
  JitterBufferRig::Config config{.factory = argv[1]};
  for (int i = 4; i < argc; ++i) {
    const std::string argument{argv[i]};
    const auto equals = argument.find('=');
    if (equals == std::string::npos)
      return usage();
    config.properties.push_back({argument.substr(0, equals), argument.substr(equals + 1)});
  }

  onair::benchmark::stay_on_one_processor();
  gst_init(nullptr, nullptr);
  JitterBufferRig rig{config, *workload, kMostPackets};
  // Queues and tables find their size in the first half.
  rig.push(packets / 2);
  const auto before = allocation_count();
  rig.push(packets - packets / 2);
  const auto allocations = allocation_count() - before;
  rig.drain();
  std::printf(
      "%zu packets, %zu came out, %zu lost events, %zu retransmission requests; "
      "%.3f allocations per packet\n",
      packets, rig.buffers_out(), rig.lost_events(), rig.retransmission_requests(),
      static_cast<double>(allocations) / static_cast<double>(packets - packets / 2));
  return EXIT_SUCCESS;
}
