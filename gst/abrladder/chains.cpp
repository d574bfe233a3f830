// SPDX-License-Identifier: LGPL-2.1-or-later
#include "chains.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

namespace onair {
namespace {

using Settings = std::vector<std::pair<std::string, std::string>>;

const char* to_string(Profile profile) {
  switch (profile) {
    case Profile::Baseline:
      return "baseline";
    case Profile::Main:
      return "main";
    case Profile::High:
      return "high";
  }
  return "main";
}

std::string size(const VideoRendition& rendition) {
  return "width=" + std::to_string(rendition.width) +
         ",height=" + std::to_string(rendition.height) + ",pixel-aspect-ratio=1/1";
}

// `crop`, `inner` and `box` are set for each picture size; without work they pass buffers on as
// they are.
std::string scale_in_memory(const VideoRendition& rendition) {
  return "videocrop name=crop ! videoconvertscale name=scale add-borders=" +
         std::string{rendition.fit == Fit::Letterbox ? "true" : "false"} +
         " ! capsfilter name=inner ! videobox name=box ! capsfilter name=frame "
         "caps=video/x-raw,format=I420," +
         size(rendition);
}

// The GPU has no element that crops, and none that puts small pictures into a larger frame: for encoders that
// take pictures there, where it can do without.
std::optional<std::string> scale_on_gpu(const VideoRendition& rendition) {
  if (rendition.fit == Fit::Crop || !rendition.upscale)
    return std::nullopt;
  return "cudaconvertscale add-borders=" +
         std::string{rendition.fit == Fit::Letterbox ? "true" : "false"} +
         " ! video/x-raw(memory:CUDAMemory),format=NV12," + size(rendition);
}

// What is scaled is fetched, not the whole picture. In I420, which videobox takes.
std::optional<std::string> scale_and_fetch(const VideoRendition& rendition) {
  if (rendition.fit == Fit::Crop)
    return std::nullopt;
  return "cudaconvertscale name=scale ! capsfilter name=inner ! cudadownload ! videobox name=box ! "
         "capsfilter name=frame caps=video/x-raw,format=I420," +
         size(rendition);
}

// An encoder by itself: what follows a scaler.
struct Encoder {
  const char* factory;
  const char* family;
  bool takes_cuda;
  std::string options;
  Settings settings;
};

// None of them reorders frames or looks ahead, and none makes a key frame unless it is asked for.
std::vector<Encoder> encoders(const VideoRendition& rendition) {
  const auto threads = std::to_string(encoder_threads(rendition));
  // Both names of each: of 1.22 to 1.24, and of later versions.
  const Settings nvidia{{"preset", "low-latency-hq"},
                        {"preset", "p4"},
                        {"tune", "ultra-low-latency"},
                        {"rc-mode", "cbr"},
                        {"rate-control", "cbr"},
                        {"gop-size", "-1"},
                        {"bframes", "0"},
                        {"b-frames", "0"},
                        {"zerolatency", "true"},
                        {"zero-reorder-delay", "true"},
                        {"aud", "false"}};
  return {
      // Of 1.22 to 1.24: takes another bit rate without a key frame, as nvh264enc does from 1.26 on.
      {"nvcudah264enc", "nvidia", true, "", nvidia},
      {"nvh264enc", "nvidia", true, "", nvidia},
      {"x264enc",
       "x264",
       false,
       " tune=zerolatency speed-preset=veryfast key-int-max=2147483647 option-string=scenecut=0"
       " threads=" +
           threads,
       {}},
      {"openh264enc",
       "openh264",
       false,
       " rate-control=bitrate gop-size=0 scene-change-detection=false enable-frame-skip=true"
       " complexity=low multi-thread=" +
           threads,
       {}},
  };
}

}  // namespace

int encoder_threads(const VideoRendition& rendition) {
  constexpr double kOneThread = 1280.0 * 720 * 30;
  const double load = static_cast<double>(rendition.width) * rendition.height * rendition.fps.num /
                      rendition.fps.den;
  return load <= kOneThread ? 1 : load <= 2.5 * kOneThread ? 2 : 4;
}

std::vector<std::pair<std::string, std::string>> rate_settings(const std::string& encoder,
                                                               const RateBudget::Rate& rate) {
  const auto kilobits = std::to_string(std::max(1, rate.bps / 1000));
  const auto buffer_ms = std::chrono::duration_cast<std::chrono::milliseconds>(rate.buffer).count();
  if (encoder == "x264enc")
    return {{"bitrate", kilobits}, {"vbv-buf-capacity", std::to_string(buffer_ms)}};
  if (encoder == "openh264enc")
    return {{"bitrate", std::to_string(rate.bps)}, {"max-bitrate", std::to_string(rate.bps)}};
  if (encoder.starts_with("nv"))
    return {{"bitrate", kilobits},
            {"max-bitrate", kilobits},
            {"vbv-buffer-size",
             std::to_string(std::llround(rate.bps / 1e3 * in_ms(rate.buffer) / 1e3))}};
  return {};
}

std::vector<Chain> video_chains(const VideoRendition& rendition, Memory memory,
                                const Families& families) {
  struct Ranked {
    std::size_t rank;
    Chain chain;
  };
  std::vector<Ranked> ranked;
  const bool is_there = memory == Memory::Cuda;
  const auto on_gpu = is_there ? scale_on_gpu(rendition) : std::nullopt;
  const auto fetched = is_there ? scale_and_fetch(rendition) : std::nullopt;
  const auto in_memory = (is_there ? "cudadownload ! " : "") + scale_in_memory(rendition);
  const auto rate = RateBudget{rendition.bps, rendition.fps}.rate();
  for (const auto& [factory, family, takes_cuda, options, settings] : encoders(rendition)) {
    const auto rank = families.rank(family);
    if (!rank)
      continue;
    const auto encoder = " ! " + std::string{factory} + " name=codec" + options +
                         " ! capsfilter caps=video/x-h264,profile=" + to_string(rendition.profile);
    auto all = rate_settings(factory, rate);
    all.insert(all.begin(), settings.begin(), settings.end());
    if (on_gpu && takes_cuda)
      ranked.push_back({*rank, {factory, family, *on_gpu + encoder, all}});
    // NVIDIA's newer ones take NV12 and no I420.
    const std::string convert = takes_cuda ? " ! videoconvert" : "";
    if (fetched)
      ranked.push_back({*rank, {factory, family, *fetched + convert + encoder, all}});
    ranked.push_back({*rank, {factory, family, in_memory + convert + encoder, all}});
  }
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const Ranked& a, const Ranked& b) { return a.rank < b.rank; });
  std::vector<Chain> chains;
  for (auto& [rank, chain] : ranked)
    chains.push_back(std::move(chain));
  return chains;
}

std::vector<Chain> audio_chains(const AudioRendition& rendition) {
  if (rendition.codec == AudioCodec::Mp3)
    return {{"lamemp3enc",
             "lame",
             "lamemp3enc name=codec target=bitrate cbr=true bitrate=" +
                 std::to_string(floor_to_mp3(rendition.bps) / 1000) +
                 " ! audio/mpeg,rate=48000 ! mpegaudioparse",
             {}}};
  std::vector<Chain> chains;
  for (const auto& [factory, family] :
       {std::pair{"avenc_aac", "libav"}, {"fdkaacenc", "fdk"}, {"voaacenc", "vo"}})
    chains.push_back({factory,
                      family,
                      "audioconvert ! " + std::string{factory} +
                          " name=codec bitrate=" + std::to_string(rendition.bps) + " ! aacparse",
                      {}});
  return chains;
}

}  // namespace onair
