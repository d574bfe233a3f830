// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <string_view>

// Offers as browsers write them, and the means to break them.
namespace onair::test {

// Chromium's offer for a camera and a microphone, both sendonly: 20 video formats, header
// extensions, RTX, SSRC lines, one host candidate. What it names leads nowhere.
std::string chromium_offer();
// The same with a data channel as third m-line.
std::string chromium_offer_with_data_channel();
// A browser without H.264: VP8 only.
std::string vp8_offer();

// `text` with the first `what` replaced. `what` must occur: a test that edits nothing proves
// nothing.
std::string replaced(std::string text, std::string_view what, std::string_view with);
// `text` without the lines that begin with `start`, of which there must be one.
std::string without_lines(std::string_view text, std::string_view start);
// The rest of the first line that begins with `start`; empty when there is none.
std::string line_after(std::string_view text, std::string_view start);

}  // namespace onair::test
