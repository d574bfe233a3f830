// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>

namespace live {

// Of MPEG-1 Layer III (ISO 11172-3 table 2.4.2.3), in kbit/s.
inline constexpr std::array<unsigned, 14> kMp3Kbps{32,  40,  48,  56,  64,  80,  96,
                                                   112, 128, 160, 192, 224, 256, 320};

}  // namespace live
