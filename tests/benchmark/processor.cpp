// SPDX-License-Identifier: LGPL-2.1-or-later
#include "processor.hpp"

#include <ctime>

#include <sched.h>

namespace onair::benchmark {

void stay_on_one_processor() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0)
    return;
  for (int processor = 0; processor < CPU_SETSIZE; ++processor) {
    if (CPU_ISSET(processor, &allowed)) {
      CPU_ZERO(&allowed);
      CPU_SET(processor, &allowed);
      sched_setaffinity(0, sizeof allowed, &allowed);
      return;
    }
  }
}

double processor_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

}  // namespace onair::benchmark
