// SPDX-License-Identifier: LGPL-2.1-or-later
#include "programme.hpp"

#include <cmath>
#include <sstream>

#include "thinner.hpp"

namespace onair::segments {
namespace {

// What stands in front of each writer: a small queue, so that encoders are ahead of it by as much as
// they are in a live programme and not by what the processor allows.
constexpr const char* kQueue = " ! queue max-size-buffers=2 ! ";

double length_of(const Programme& programme) {
  return (programme.segments + 0.5) * programme.target_seconds();
}

int frames_in(const Picture& picture, double seconds) {
  return static_cast<int>(std::lround(seconds * picture.frames / picture.seconds));
}

std::string encoder(const Picture& picture) {
  const auto distance = std::to_string(picture.key_distance > 0 ? picture.key_distance : 1 << 30);
  switch (picture.encoder) {
    case Picture::Encoder::X264:
      return "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=" + distance;
    case Picture::Encoder::X264WithBFrames:
      return "x264enc speed-preset=ultrafast bframes=2 b-adapt=false rc-lookahead=0 "
             "sync-lookahead=0 threads=1 key-int-max=" +
             distance;
    case Picture::Encoder::OpenH264:
      return "openh264enc complexity=low scene-change-detection=false gop-size=" + distance;
  }
  return {};
}

std::string rate_of(const Picture& picture) {
  return "framerate=" + std::to_string(picture.frames) + "/" + std::to_string(picture.seconds);
}

// One camera for all renditions: what encodes them cannot be further apart than their queues are long.
std::string camera(const Programme& programme) {
  if (programme.pictures.empty())
    return {};
  const auto& picture = programme.pictures.front();
  std::ostringstream out;
  out << " videotestsrc pattern=ball num-buffers=" << frames_in(picture, length_of(programme))
      << " ! video/x-raw,format=I420,width=160,height=120," << rate_of(picture)
      << " ! tee name=camera";
  return out.str();
}

std::string picture_chain(const Programme& programme, std::size_t index) {
  const auto& picture = programme.pictures[index];
  std::string out = " camera.";
  out += kQueue;
  if (index > 0)
    out += "videorate drop-only=true ! video/x-raw," + rate_of(picture) + " ! ";
  if (picture.varies)
    out += "identity name=" + std::string{kThinner} + std::to_string(index) + " ! ";
  return out + encoder(picture) +
         " ! h264parse ! video/x-h264,stream-format=byte-stream,alignment=au" + kQueue;
}

std::string sound_chain(const Programme& programme) {
  const auto& sound = *programme.sound;
  std::ostringstream out;
  out << " audiotestsrc samplesperbuffer=" << sound.frame_length()
      << " num-buffers=" << std::ceil(length_of(programme) / sound.frame_duration())
      << " ! audio/x-raw,channels=2,rate=" << sound.rate;
  // With another rate lamemp3enc takes one that it likes better.
  if (sound.codec == Sound::Codec::Mp3)
    out << " ! lamemp3enc encoding-engine-quality=fast ! audio/mpeg,rate=" << sound.rate
        << " ! mpegaudioparse";
  else
    out << " ! avenc_aac ! aacparse ! audio/mpeg,stream-format=adts";
  out << kQueue;
  return out.str();
}

std::string hlssink(const std::string& name, const std::filesystem::path& folder) {
  return " hlssink2 name=" + name +
         " max-files=0 playlist-length=0 location=" + (folder / "segment%05d.ts").string() +
         " playlist-location=" + (folder / "playlist.m3u8").string();
}

std::size_t playlists_of(const Programme& programme) {
  return std::max<std::size_t>(programme.pictures.size(), 1);
}

}  // namespace

std::filesystem::path rendition(const std::filesystem::path& folder, std::size_t index) {
  return folder / std::to_string(index);
}

std::string stock_pipeline(const Programme& programme, const std::filesystem::path& folder) {
  const auto target =
      std::to_string(std::chrono::duration_cast<std::chrono::seconds>(programme.target).count());
  std::string out;
  for (std::size_t i = 0; i < playlists_of(programme); ++i)
    out += hlssink("hls" + std::to_string(i), rendition(folder, i)) + " target-duration=" + target;
  out += camera(programme);
  for (std::size_t i = 0; i < programme.pictures.size(); ++i)
    out += picture_chain(programme, i) + "hls" + std::to_string(i) + ".video";
  if (programme.sound)
    out += sound_chain(programme) + "hls0.audio";
  return out;
}

std::string our_pipeline(const Programme& programme, const std::filesystem::path& folder) {
  // Nothing here is live: a thread that a busy machine keeps waiting has not died.
  std::string out =
      "hlsbalancer name=b max-wait=30000000000 target-duration=" +
      std::to_string(
          std::chrono::duration_cast<std::chrono::nanoseconds>(programme.target).count());
  for (std::size_t i = 0; i < playlists_of(programme); ++i)
    out += hlssink("hls" + std::to_string(i), rendition(folder, i));
  out += camera(programme);
  for (std::size_t i = 0; i < programme.pictures.size(); ++i) {
    const auto number = std::to_string(i);
    out += picture_chain(programme, i) + "b.video_" + number;
    out += " b.video_src_" + number + " ! hls" + number + ".video";
  }
  if (programme.sound)
    out += sound_chain(programme) + "b.audio_0 b.audio_src_0 ! hls0.audio";
  return out;
}

std::string live_pipeline(const Programme& programme, bool is_low_latency) {
  const auto target =
      std::chrono::duration_cast<std::chrono::nanoseconds>(programme.target).count();
  std::string out = "hlslivesink name=hls balancer::max-wait=30000000000 playlist-type=event " +
                    std::string{"low-latency="} + (is_low_latency ? "true" : "false") +
                    " target-duration=" + std::to_string(target) + camera(programme);
  for (std::size_t i = 0; i < programme.pictures.size(); ++i)
    out += picture_chain(programme, i) + "hls.video_" + std::to_string(i);
  if (programme.sound)
    out += sound_chain(programme) + "hls.audio_0";
  return out;
}

std::string ffmpeg_command(const Programme& programme, const std::filesystem::path& folder) {
  const auto target = programme.target_seconds();
  std::ostringstream out;
  out << "ffmpeg -v error -nostdin -y";
  if (!programme.pictures.empty()) {
    const auto& picture = programme.pictures.front();
    out << " -f lavfi -i 'testsrc=size=160x120:rate=" << picture.frames << '/' << picture.seconds
        << ",format=yuv420p";
    if (picture.varies)
      out << "," << thinner_of_ffmpeg();
    out << "'";
  }
  if (programme.sound)
    out << " -f lavfi -i sine=sample_rate=" << programme.sound->rate;
  out << " -t " << length_of(programme);
  if (!programme.pictures.empty()) {
    const auto& picture = programme.pictures.front();
    out << " -c:v libx264 -preset ultrafast -tune zerolatency -fps_mode vfr";
    if (picture.key_distance > 0)
      out << " -g " << picture.key_distance;
    else
      out << " -g " << (1 << 30) << " -force_key_frames 'expr:gte(t,n_forced*" << target << ")'";
  }
  if (programme.sound)
    out << " -ac 2 -c:a " << (programme.sound->codec == Sound::Codec::Mp3 ? "libmp3lame" : "aac");
  out << " -f hls -hls_time " << target << " -hls_list_size 0 -hls_segment_filename '"
      << (rendition(folder) / "segment%05d.ts").string() << "' '"
      << (rendition(folder) / "playlist.m3u8").string() << "'";
  return out.str();
}

}  // namespace onair::segments
