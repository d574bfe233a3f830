// SPDX-License-Identifier: LGPL-2.1-or-later
// segment-table: how long segments are with stock hlssink2, with ffmpeg and with hlsbalancer, of the
// same programmes, as markdown.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <gst/gst.h>

#include "measure.hpp"
#include "pipeline.hpp"
#include "playlist.hpp"
#include "programme.hpp"

namespace {

using namespace onair::segments;
using namespace std::chrono_literals;

constexpr std::string_view kUsage = R"(usage: segment-table [OPTION]...
  --segments N    of each programme (60)
  --target MS     this target duration only
  --only TEXT     programmes whose name has this only
  --column NAME   stock, ffmpeg or ours only
)";

struct Options {
  int segments = 60;
  std::chrono::milliseconds target{0};
  std::string only;
  std::string column;
};

struct Row {
  std::string name;
  std::vector<Picture> pictures;
  std::optional<Sound> sound;
};

std::vector<Row> all_rows() {
  const Sound mp3{};
  const Sound mp3_at_44{.rate = 44'100};
  const Sound aac{.codec = Sound::Codec::Aac};
  return {
      {"MP3 48 kHz, 30 fps", {{.frames = 30}}, mp3},
      {"MP3 44.1 kHz, 29.97 fps", {{.frames = 30'000, .seconds = 1001}}, mp3_at_44},
      {"AAC 48 kHz, 25 fps", {{.frames = 25}}, aac},
      {"MP3 48 kHz, 15 fps", {{.frames = 15}}, mp3},
      {"AAC 48 kHz, 23.976 fps", {{.frames = 24'000, .seconds = 1001}}, aac},
      {"MP3 48 kHz, 60 to 5.5 fps", {{.frames = 60, .varies = true}}, mp3},
      {"MP3 48 kHz, 30 fps, GOP 1 s", {{.frames = 30, .key_distance = 30}}, mp3},
      {"MP3 48 kHz, 30 fps, GOP 17", {{.frames = 30, .key_distance = 17}}, mp3},
      {"MP3 48 kHz, 30 fps, GOP 250", {{.frames = 30, .key_distance = 250}}, mp3},
      {"29.97 fps, no sound", {{.frames = 30'000, .seconds = 1001}}, {}},
      {"MP3 48 kHz, no picture", {}, mp3},
      {"MP3 44.1 kHz, no picture", {}, mp3_at_44},
      {"AAC 48 kHz, no picture", {}, aac},
  };
}

void run_pipeline(const std::string& description) {
  Pipeline{description}.run();
}

void run_command(const std::string& command) {
  if (std::system(command.c_str()) != 0)
    throw std::runtime_error{command};
}

struct Column {
  std::string name;
  std::string title;
  std::string (*describe)(const Programme&, const std::filesystem::path&);
  void (*run)(const std::string&);
};

const std::vector<Column> kColumns{
    {"stock", "hlssink2", stock_pipeline, run_pipeline},
    {"ffmpeg", "ffmpeg", ffmpeg_command, run_command},
    {"ours", "hlsbalancer ! hlssink2", our_pipeline, run_pipeline},
};

std::string cell(const Column& column, const Programme& programme) {
  // The property is in whole seconds.
  if (column.name == "stock" && programme.target % 1s != 0s)
    return "cannot";
  const TemporaryFolder folder;
  std::filesystem::create_directory(rendition(folder.path()));
  try {
    column.run(column.describe(programme, folder.path()));
    const auto score = measure(read_playlist(rendition(folder.path())), programme.target_seconds());
    char text[200];
    std::snprintf(text, sizeof text, "%.1f (%.0f to %.0f) · %.1f", 1e3 * score.mean,
                  1e3 * score.shortest, 1e3 * score.longest, 1e3 * score.end_error);
    std::string result = text;
    if (programme.sound && !programme.pictures.empty()) {
      std::snprintf(text, sizeof text, " · %.1f", 1e3 * score.start_difference);
      result += text;
    }
    return result;
  } catch (const std::exception& exception) {
    std::fprintf(stderr, "%s\n", exception.what());
    return "**failed**";
  }
}

int print_table(const Options& options) {
  std::printf(
      "Each cell: mean (shortest to longest) EXTINF · |sum − n·T| at the end · the most by which "
      "sound "
      "and picture of a segment begin apart, in ms. %d segments.\n\n| T | programme |",
      options.segments);
  std::vector<Column> columns;
  for (const auto& each : kColumns)
    if (options.column.empty() || options.column == each.name)
      columns.push_back(each);
  for (const auto& each : columns)
    std::printf(" %s |", each.title.c_str());
  std::printf("\n|---|---|");
  for (std::size_t i = 0; i < columns.size(); ++i)
    std::printf("---|");
  std::printf("\n");
  for (const std::chrono::milliseconds target : {500ms, 1000ms, 2000ms, 6000ms}) {
    if (options.target != 0ms && options.target != target)
      continue;
    for (const auto& [name, pictures, sound] : all_rows()) {
      if (name.find(options.only) == std::string::npos)
        continue;
      const Programme programme{
          .target = target, .segments = options.segments, .pictures = pictures, .sound = sound};
      std::printf("| %g s | %s |", programme.target_seconds(), name.c_str());
      for (const auto& each : columns) {
        std::printf(" %s |", cell(each, programme).c_str());
        std::fflush(stdout);
      }
      std::printf("\n");
    }
  }
  return EXIT_SUCCESS;
}

int usage() {
  std::fputs(kUsage.data(), stderr);
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  gst_init(&argc, &argv);
  Options options;
  for (auto i = 1; i < argc; ++i) {
    const std::string_view option = argv[i];
    const auto value = [&]() -> const char* { return i + 1 < argc ? argv[++i] : ""; };
    if (option == "--segments")
      options.segments = std::atoi(value());
    else if (option == "--target")
      options.target = std::chrono::milliseconds{std::atoi(value())};
    else if (option == "--only")
      options.only = value();
    else if (option == "--column")
      options.column = value();
    else
      return usage();
  }
  return options.segments > 0 ? print_table(options) : usage();
}
