// SPDX-License-Identifier: LGPL-2.1-or-later
#include "file_name.hpp"

#include <string>

#include <gtest/gtest.h>

namespace onair::test {
namespace {

TEST(FileName, IsThatOfASegmentOrAPartOrAnInitializationSection) {
  EXPECT_EQ(parse_file_name("0-12.ts"), (FileName{"0", 12}));
  EXPECT_EQ(parse_file_name("17-0.m4s"), (FileName{"17", 0}));
  EXPECT_EQ(parse_file_name("0-12.3.ts"), (FileName{"0", 12}));
  EXPECT_EQ(parse_file_name("3-12.10.m4s"), (FileName{"3", 12}));
  EXPECT_EQ(parse_file_name("0-init-7.mp4"), (FileName{"0", 7}));
  EXPECT_EQ(parse_file_name("audio-1-18446744073709551615.ts"),
            (FileName{"audio-1", 18'446'744'073'709'551'615U}));
  EXPECT_EQ(parse_file_name("audio-0-init-2.mp4"), (FileName{"audio-0", 2}));
}

// Whatever else lies in that directory is somebody's.
TEST(FileName, IsNoOtherOne) {
  for (const std::string name : {"",
                                 ".ts",
                                 "-.ts",
                                 "-1.ts",
                                 "0-.ts",
                                 "0.ts",
                                 "0-1",
                                 "0-1.mp3",
                                 "0-1.mp4",
                                 "0-1.ts.bak",
                                 "0-01.ts",
                                 "00-1.ts",
                                 "0-+1.ts",
                                 "0--1.ts",
                                 "0-1.02.ts",
                                 "0-1.ts.ts",
                                 "0-1..ts",
                                 "0-1.2.3.ts",
                                 "0- 1.ts",
                                 "0-18446744073709551616.ts",
                                 "camera-1.ts",
                                 "audio-1.ts",
                                 "audio--1.ts",
                                 "audio-audio-0-1.ts",
                                 "0-init-1.ts",
                                 "0-init-1.m4s",
                                 "0-init.mp4",
                                 "0-init-1.2.mp4",
                                 "init-1.mp4",
                                 "0.m3u8",
                                 "master.m3u8"})
    EXPECT_EQ(parse_file_name(name), std::nullopt) << name;
}

}  // namespace
}  // namespace onair::test
