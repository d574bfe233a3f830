// SPDX-License-Identifier: LGPL-2.1-or-later
#include "settings.hpp"

#include <cstdio>
#include <fstream>
#include <vector>

#include <glib.h>
#include <glib/gstdio.h>
#include <gtest/gtest.h>

#include "glue/gstptr.hpp"

namespace live::test {
namespace {

constexpr const char* kOne = R"([{"video":{"width":640,"height":360,"bps":800000}}])";

std::variant<Settings, Help, Mistake> read(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "onair-live-server");
  std::vector<char*> argv;
  for (auto& argument : arguments)
    argv.push_back(argument.data());
  return read_settings(static_cast<int>(argv.size()), argv.data());
}

std::string mistake_of(const std::vector<std::string>& arguments) {
  const auto settings = read(arguments);
  const auto* mistake = std::get_if<Mistake>(&settings);
  return mistake ? mistake->text : "";
}

std::size_t renditions_of(const std::vector<std::string>& arguments) {
  const auto settings = read(arguments);
  const auto* right = std::get_if<Settings>(&settings);
  EXPECT_TRUE(right) << mistake_of(arguments);
  return right ? right->renditions.size() : 0;
}

// Gone with the test.
class File {
 public:
  explicit File(const std::string& content) {
    gchar* path = nullptr;
    g_close(g_file_open_tmp("onair-settings-XXXXXX", &path, nullptr), nullptr);
    path_ = onair::GMemory<char>{path}.get();
    std::ofstream{path_} << content;
  }
  ~File() { std::remove(path_.c_str()); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

TEST(Settings, RenditionsAreReadFromTheCommandLine) {
  EXPECT_EQ(renditions_of({}), 0u);
  EXPECT_EQ(renditions_of({"--renditions", kOne}), 1u);
  EXPECT_EQ(renditions_of({std::string{"--renditions="} + kOne}), 1u);
}

TEST(Settings, RenditionsAreReadFromAFile) {
  const File file{std::string{kOne} + "\n"};
  EXPECT_EQ(renditions_of({"--renditions", "@" + file.path()}), 1u);
  EXPECT_EQ(mistake_of({"--renditions", "@/nonexistent.json"})
                .find("--renditions: The file /nonexistent.json can't be read: "),
            0u);
}

TEST(Settings, RenditionsAreReadFromTheConfigFileAndTheCommandLineWins) {
  const File config{std::string{"[live]\nrenditions = "} + kOne + "\n"};
  EXPECT_EQ(renditions_of({"--config", config.path()}), 1u);
  EXPECT_EQ(
      renditions_of({"--config", config.path(), "--renditions", R"([{"audio":{}},{"audio":{}}])"}),
      2u);
}

TEST(Settings, TheListSaysHowLongSegmentsAreAndWherePlayersBegin) {
  const auto read_all = [](const std::vector<std::string>& arguments) {
    return std::get<Settings>(read(arguments));
  };
  constexpr auto kList = R"([{"durationSeconds":2.5,"startTimeOffset":-4,"audio":{}}])";
  const auto settings = read_all({"--target-duration", "3", "--renditions", kList});
  EXPECT_EQ(settings.target_duration, 2.5);
  EXPECT_EQ(settings.start_offset, -4);
  EXPECT_EQ(read_all({"--renditions", kList, "--target-duration", "3"}).target_duration, 3);
  const auto others = read_all({"--target-duration", "3", "--renditions", kOne});
  EXPECT_EQ(others.target_duration, 3);
  EXPECT_FALSE(others.start_offset);
}

TEST(Settings, WhoVanishesMayBeAwayForNothingToADay) {
  const auto seconds = [](const char* text) {
    const auto settings = read({"--hold-seconds", text});
    const auto* right = std::get_if<Settings>(&settings);
    return right ? right->hold_seconds : -1;
  };
  EXPECT_EQ(Settings{}.hold_seconds, 10);
  EXPECT_EQ(seconds("0"), 0);
  EXPECT_EQ(seconds("0.5"), 0.5);
  EXPECT_EQ(seconds("86400"), 86'400);
  EXPECT_EQ(mistake_of({"--hold-seconds", "86400.1"}),
            "--hold-seconds is 86400.100000, but must be from 0 to 86400 seconds.");
  EXPECT_NE(mistake_of({"--hold-seconds", "-0.1"}), "");
}

TEST(Settings, AChannelOfSeveralPublishersHasAtLeastOne) {
  EXPECT_EQ(Settings{}.max_connections, 16u);
  EXPECT_EQ(mistake_of({"--max-connections", "1"}), "");
  EXPECT_EQ(mistake_of({"--max-connections", "1000"}), "");
  for (const auto* wrong : {"0", "1001"})
    EXPECT_EQ(mistake_of({"--max-connections", wrong}),
              std::string{"--max-connections is "} + wrong + ", but must be from 1 to 1000.");
}

TEST(Settings, AMistakeInTheRenditionsNamesOptionAndField) {
  EXPECT_EQ(mistake_of({"--renditions", R"([{"audio":{"bps":0}}])"}),
            "--renditions: hls[0].audio.bps is 0, but must be a whole number from 1 to 1000000.");
}

TEST(Settings, ArchivesAreOfOneChannelOrOfThoseOfTheApi) {
  EXPECT_EQ(mistake_of({"--disk-quota", "1000000"}), "");
  EXPECT_NE(mistake_of({"--disk-quota", "0.5"}), "");
  EXPECT_EQ(mistake_of({"--archive", "kept"}), "");
  EXPECT_EQ(mistake_of({"--archive-directory", "/srv"}), "");
  EXPECT_EQ(mistake_of({"--archive-directory", "srv"}),
            "--archive-directory is 'srv', but must be an absolute path.");
  EXPECT_EQ(
      mistake_of({"--renditions", R"([{"audio":{},"archive":{"archive_destination_id":"d1"}}])"}),
      "--renditions: archive is for channels of the API; --archive keeps what one channel "
      "broadcasts.");
}

TEST(Settings, LimitsAndProxiesAreChecked) {
  EXPECT_EQ(mistake_of({"--publishers-per-address", "3", "--requests-per-second", "0.5",
                        "--trusted-proxies", "127.0.0.1, 10.0.0.0/8"}),
            "");
  EXPECT_EQ(mistake_of({"--requests-per-second", "0"}), "");
  EXPECT_EQ(mistake_of({"--requests-per-second", "0.25"}), "");
  EXPECT_EQ(
      mistake_of({"--requests-per-second", "0.24"}),
      "--requests-per-second is 0.240000, but must be 0 (any number), or from 0.25 to 1000000.");
  EXPECT_EQ(mistake_of({"--requests-per-second", "many"}),
            "--requests-per-second is 'many', but must be a number, such as 20 or 0.5.");
  EXPECT_EQ(
      mistake_of({"--trusted-proxies", "nginx"}),
      "--trusted-proxies: 'nginx' is neither an IP address nor a network such as 10.0.0.0/8.");
}

}  // namespace
}  // namespace live::test
