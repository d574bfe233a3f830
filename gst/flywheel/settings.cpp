// SPDX-License-Identifier: LGPL-2.1-or-later
#include "settings.hpp"

#include <array>

namespace onair {

namespace {

constexpr std::array<Property<FlywheelSettings>, 4> kProperties{{
    {"max-wait", "Longest wait",
     "Nanoseconds beyond its usual lag that the input is waited for, before its place is filled; "
     "more "
     "than the jitter buffer may hold. Filler comes that much later, and adds as much to the "
     "latency",
     &FlywheelSettings::max_wait},
    {"tolerance", "Tolerance",
     "Nanoseconds by which a sound's timestamp may be off the grid of samples and still be joined "
     "as "
     "it is; more corrects less often, and by more",
     &FlywheelSettings::tolerance},
    {"slate-after", "Slate after",
     "Nanoseconds that the last picture is repeated before the slate is shown in its place; "
     "0 shows it at once",
     &FlywheelSettings::slate_after},
    {"max-queue", "Longest queue",
     "Nanoseconds of input that wait while downstream blocks, before upstream is blocked too",
     &FlywheelSettings::max_queue},
}};

}  // namespace

std::span<const Property<FlywheelSettings>> flywheel_properties() {
  return kProperties;
}

}  // namespace onair
