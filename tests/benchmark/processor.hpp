// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

namespace onair::benchmark {

// Two threads that wake each other take turns in the same way each time when there is one processor
// for both; with more, instructions per packet differ by up to 8 % from run to run, and seconds by
// half. For this thread and those it starts from then on.
void stay_on_one_processor();
// That the threads of this program took together. By the wall, waiting would be measured.
double processor_seconds();

}  // namespace onair::benchmark
