// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>
#include <gtest/gtest.h>

namespace onair::test {

// Starts GStreamer before the first test. A test file that needs it says, at namespace scope:
//   const auto* const kGStreamer = testing::AddGlobalTestEnvironment(new
//   onair::test::GstEnvironment);
class GstEnvironment : public testing::Environment {
 public:
  void SetUp() override { gst_init(nullptr, nullptr); }
};

}  // namespace onair::test
