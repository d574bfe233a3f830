// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <glib.h>
#include <gtest/gtest.h>

namespace onair::test {

// A warning from GLib is a mistake of ours, and ends the test.
class FatalWarningsTest : public testing::Test {
 protected:
  FatalWarningsTest()
      : former_fatal_{g_log_set_always_fatal(static_cast<GLogLevelFlags>(
            G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING))} {}
  ~FatalWarningsTest() override { g_log_set_always_fatal(former_fatal_); }

 private:
  GLogLevelFlags former_fatal_;
};

}  // namespace onair::test
