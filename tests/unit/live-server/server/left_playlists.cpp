// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/left_playlists.hpp"

#include <fstream>

#include <gtest/gtest.h>

#include "support/temporary_directory.hpp"

namespace live {
namespace {

constexpr const char* kMaster = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n0.m3u8\n";
constexpr const char* kLive = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n0-0.ts\n";
constexpr const char* kEnded =
    "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n0-0.ts\n#EXT-X-ENDLIST\n";

class LeftPlaylists : public testing::Test {
 protected:
  void write(const std::string& name, const char* text) {
    std::ofstream{folder_.path() / name} << text;
  }
  [[nodiscard]] bool have_ended() const { return has_ended(folder_.path()); }

 private:
  onair::test::TemporaryDirectory folder_;
};

TEST_F(LeftPlaylists, HaveEndedWhenAllHave) {
  write("master.m3u8", kMaster);
  write("0-0.ts", "segment");
  write("0.m3u8", kEnded);
  EXPECT_TRUE(have_ended());
  write("1.m3u8", kLive);
  EXPECT_FALSE(have_ended());
  write("1.m3u8", kEnded);
  EXPECT_TRUE(have_ended());
}

TEST_F(LeftPlaylists, ThatAreNotThereHaveNotEnded) {
  EXPECT_FALSE(have_ended());
  EXPECT_FALSE(has_ended("/nowhere"));
  write("master.m3u8", kMaster);
  EXPECT_FALSE(have_ended()) << "it names what is still to come";
}

}  // namespace
}  // namespace live
