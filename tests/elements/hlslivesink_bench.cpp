// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hlslivesink_bench.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "patience.hpp"

namespace onair::test {
namespace {

using namespace std::string_literals;

constexpr const char* kSoundCaps =
    "audio/mpeg, mpegversion=(int)1, layer=(int)3, parsed=(boolean)true, rate=(int)48000, "
    "channels=(int)2";
constexpr const char* kPictureCaps =
    "video/x-h264, stream-format=(string)byte-stream, alignment=(string)au, width=(int)640, "
    "height=(int)360, framerate=(fraction)10/1";

// Of a key frame: the parameter sets, of which nobody here reads more than the profile, and a slice.
const std::string kKeyHead = "\0\0\0\1\x67\x42\xc0\x1e\0\0\0\1\x68\xce\0\0\0\1\x65"s;
const std::string kDeltaHead = "\0\0\0\1\x41"s;
// A frame is no longer than this.
constexpr std::size_t kFrameSize = 48;

// "K1000;D1100;" of whatever bytes these are within.
std::string labels(std::string_view bytes, std::string_view kinds) {
  std::string found;
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    const auto end = bytes.find(';', at);
    if (kinds.find(bytes[at]) == kinds.npos || end == bytes.npos || end == at + 1)
      continue;
    const auto digits = bytes.substr(at + 1, end - at - 1);
    if (digits.size() > 9 || digits.find_first_not_of("0123456789") != digits.npos)
      continue;
    found.append(found.empty() ? "" : " ").append(bytes.substr(at, end - at));
  }
  return found;
}

std::string labels(const std::vector<segments::Unit>& units, std::string_view kinds) {
  std::string text;
  for (const auto& unit : units)
    text +=
        (text.empty() ? "" : " ") +
        labels({reinterpret_cast<const char*>(unit.payload.data()), unit.payload.size()}, kinds);
  return text;
}

Duration next_sound(Duration from) {
  return (from + kSoundFrame - 1ns) / kSoundFrame * kSoundFrame;
}

std::string optional_text(const GstStructure* structure, const char* field) {
  const auto* text = gst_structure_get_string(structure, field);
  return text ? text : "";
}

}  // namespace

// ---- a stream

LiveStream::LiveStream(GstElement* element, const char* name)
    : element_{element}, in_{GstPtr<GstPad>::adopt(gst_element_request_pad_simple(element, name))} {
  if (!in_) {
    ADD_FAILURE() << "no pad " << name;
    std::abort();
  }
  name_ = GST_OBJECT_NAME(in());
  feed(in());
}

LiveStream::~LiveStream() {
  stop_feeding();
}

void LiveStream::open(const std::string& caps) {
  is_encoding_ = false;
  open_stream(caps.empty() ? (is_audio() ? kSoundCaps : kPictureCaps) : caps, name());
}

void LiveStream::give_back() {
  gst_pad_unlink(feeder(), in());
  gst_element_release_request_pad(element_, in());
  in_.reset();
}

void LiveStream::hold() {
  const auto balancer =
      GstPtr<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(element_), "balancer"));
  auto source = name_;
  source.insert(source.find('_'), "_src");
  held_ = GstPtr<GstPad>::adopt(gst_element_get_static_pad(balancer.get(), source.c_str()));
  hold_ = gst_pad_add_probe(
      held_.get(),
      static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BLOCK | GST_PAD_PROBE_TYPE_BUFFER),
      [](GstPad*, GstPadProbeInfo*, gpointer) { return GST_PAD_PROBE_OK; }, nullptr, nullptr);
}

void LiveStream::release() {
  gst_pad_remove_probe(held_.get(), hold_);
}

GstFlowReturn LiveStream::push(Duration pts, const std::string& head, const std::string& label,
                               bool is_delta) {
  auto data =
      head + label + std::to_string(std::chrono::round<std::chrono::milliseconds>(pts) / 1ms) + ";";
  data.resize(kFrameSize, '.');
  auto buffer = GstPtr<GstBuffer>::adopt(gst_buffer_new_memdup(data.data(), data.size()));
  GST_BUFFER_PTS(buffer.get()) = GST_BUFFER_DTS(buffer.get()) = ns(pts);
  GST_BUFFER_DURATION(buffer.get()) = ns(is_audio() ? kSoundFrame : kPicture);
  if (is_delta)
    GST_BUFFER_FLAG_SET(buffer.get(), GST_BUFFER_FLAG_DELTA_UNIT);
  return push_buffer(std::move(buffer));
}

GstFlowReturn LiveStream::sound(Duration pts) {
  return push(pts, {}, "S", false);
}

GstFlowReturn LiveStream::sounds(Duration from, Duration to) {
  auto flow = GST_FLOW_OK;
  for (auto pts = next_sound(from); pts < to && flow == GST_FLOW_OK; pts += kSoundFrame)
    flow = sound(pts);
  return flow;
}

GstFlowReturn LiveStream::key(Duration pts) {
  is_encoding_ = true;
  return push(pts, kKeyHead, "K", false);
}

GstFlowReturn LiveStream::picture(Duration pts) {
  return push(pts, kDeltaHead, "D", true);
}

GstFlowReturn LiveStream::encode(Duration pts) {
  const bool is_asked_for = requests_.answer(*this, pts);
  return is_asked_for || !is_encoding_ ? key(pts) : picture(pts);
}

GstFlowReturn LiveStream::encode(Duration from, Duration to) {
  auto flow = GST_FLOW_OK;
  for (auto pts = (from + kPicture - 1ns) / kPicture * kPicture; pts < to && flow == GST_FLOW_OK;
       pts += kPicture)
    flow = encode(pts);
  return flow;
}

void LiveStream::push_timeline(Duration running_time, Duration since_1970, bool is_captured) {
  constexpr Duration kNtpToUnix = std::chrono::seconds(2'208'988'800);
  auto* mapping =
      gst_structure_new("onair-timeline", "running-time", G_TYPE_UINT64, ns(running_time),
                        "unix-time", G_TYPE_UINT64, ns(since_1970), nullptr);
  if (is_captured)
    gst_structure_set(mapping, "ntp-time", G_TYPE_UINT64, ns(since_1970 + kNtpToUnix), nullptr);
  push_event(gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM_STICKY, mapping));
}

// ---- the element

Answer ask(GstElement* source, const std::string& target, guint64 offset) {
  GstStructure* raw = nullptr;
  g_signal_emit_by_name(source, "request-resource", target.c_str(), offset, &raw);
  const StructurePtr structure{raw};
  EXPECT_TRUE(gst_structure_has_name(raw, "hls-resource"));
  Answer answer{.status = uint_of(raw, "status"),
                .type = optional_text(raw, "content-type"),
                .cache_control = optional_text(raw, "cache-control"),
                .reason = optional_text(raw, "reason"),
                .wait_for = optional_text(raw, "wait-for")};
  guint64 patience = 0;
  if (gst_structure_get_uint64(raw, "patience", &patience))
    answer.patience = Duration{static_cast<Duration::rep>(patience)};
  if (answer.status == 200)
    answer.is_complete = flag_of(raw, "complete");
  const auto* value = gst_structure_get_value(raw, "data");
  if (auto* buffer = value ? gst_value_get_buffer(value) : nullptr) {
    answer.data.resize(gst_buffer_get_size(buffer));
    gst_buffer_extract(buffer, 0, answer.data.data(), answer.data.size());
  }
  return answer;
}

LiveSinkBench::LiveSinkBench(const std::string& properties, GstState state)
    : ElementBench{"hlslivesink " + properties} {
  g_signal_connect(element(), "resource-changed", G_CALLBACK(on_change), this);
  set_state(state);
}

LiveSinkBench::~LiveSinkBench() {
  for (auto& stream : streams_)
    stream->stop_feeding();
  set_state(GST_STATE_NULL);
}

LiveStream& LiveSinkBench::add(const char* name, const std::string& caps) {
  auto& stream = *streams_.emplace_back(std::make_unique<LiveStream>(element(), name));
  if (GST_STATE(element()) > GST_STATE_READY)
    stream.open(caps);
  return stream;
}

void LiveSinkBench::broadcast(Duration from, Duration to) {
  std::vector<std::future<GstFlowReturn>> flows;
  for (auto& stream : streams_)
    if (stream->in())
      flows.push_back(on_a_thread([&its = *stream, from, to] {
        return its.is_audio() ? its.sounds(from, to) : its.encode(from, to);
      }));
  for (auto& flow : flows)
    EXPECT_EQ(flow.get(), GST_FLOW_OK);
}

void LiveSinkBench::end() {
  std::vector<std::future<void>> ends;
  for (auto& stream : streams_)
    if (stream->in())
      ends.push_back(on_a_thread([&its = *stream] { its.end(); }));
}

// What players would get now, for a parser that is not ours (see tests/e2e/playlists.test.mjs).
void LiveSinkBench::keep(const std::string& playlist) {
  static const auto* const directory = std::getenv("ONAIR_PLAYLISTS");
  if (!directory)
    return;
  for (const auto* query : {"", "?_HLS_skip=YES"}) {
    const auto text = get(playlist + query).data;
    // Each text once.
    const auto name = std::to_string(std::hash<std::string>{}(text)) + ".m3u8";
    std::ofstream{std::filesystem::path{directory} / name} << text;
  }
}

void LiveSinkBench::on_change(GstElement*, const char* name, gpointer raw) {
  auto* self = static_cast<LiveSinkBench*>(raw);
  if (std::string_view{name}.ends_with(".m3u8"))
    self->keep(name);
  const std::lock_guard lock{self->mutex_};
  self->changes_.emplace_back(name);
  self->changed_.notify_all();
}

bool LiveSinkBench::wait(const std::function<bool()>& is_true) {
  constexpr std::chrono::milliseconds kLook{20};
  const auto patience = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < patience) {
    std::size_t seen = 0;
    {
      const std::lock_guard lock{mutex_};
      seen = changes_.size();
    }
    if (is_true())
      return true;
    std::unique_lock lock{mutex_};
    changed_.wait_for(lock, kLook, [&] { return changes_.size() > seen; });
    lock.unlock();
    clock().end_due_waits();
  }
  return false;
}

Answer LiveSinkBench::wait_for(const std::string& target,
                               const std::function<bool(const Answer&)>& is_true) {
  Answer answer;
  const bool is_there = wait([&] {
    answer = get(target);
    return is_true(answer);
  });
  EXPECT_TRUE(is_there) << target << " stays " << answer.status << '\n'
                        << (answer.data.starts_with("#EXTM3U") ? answer.data : "");
  return answer;
}

std::string LiveSinkBench::wait_for(const std::string& target, std::string_view text) {
  return wait_for(
             target,
             [text](const Answer& answer) { return answer.data.find(text) != std::string::npos; })
      .data;
}

Strings LiveSinkBench::lines(const std::string& playlist) {
  Strings lines;
  std::istringstream in{playlist};
  for (std::string line; std::getline(in, line);)
    lines.push_back(line);
  const auto head = std::find_if(lines.begin(), lines.end(), [](const auto& line) {
    return line.starts_with("#EXT-X-DISCONTINUITY-SEQUENCE");
  });
  lines.erase(lines.begin(), head == lines.end() ? head : head + 1);
  std::erase_if(lines, [](const auto& line) {
    return line.starts_with("#EXT-X-PROGRAM-DATE-TIME");  // of the machine's clock
  });
  return lines;
}

Strings LiveSinkBench::tags(const std::string& playlist, std::string_view tag) {
  Strings found;
  std::istringstream in{playlist};
  for (std::string line; std::getline(in, line);)
    if (line.starts_with(tag))
      found.push_back(line);
  return found;
}

Media LiveSinkBench::read(const std::string& bytes) {
  Media media;
  try {
    media.stream = segments::read_transport_stream(segments::Bytes{bytes.begin(), bytes.end()});
  } catch (const std::exception& exception) {
    ADD_FAILURE() << exception.what();
  }
  media.pictures = labels(media.stream.video, "KD");
  media.sounds = labels(media.stream.audio, "S");
  return media;
}

Media LiveSinkBench::media(const std::string& name) {
  const auto file = get(name);
  EXPECT_EQ(file.status, 200U) << name;
  return file.status == 200 ? read(file.data) : Media{};
}

guint64 LiveSinkBench::progress(const char* field, const char* rendition) {
  const auto all = stats();
  const auto* value = gst_structure_get_value(all.get(), ("rendition-"s + rendition).c_str());
  return value ? uint64_of(gst_value_get_structure(value), field) : 0;
}

bool LiveSinkBench::wait_for_progress(const char* field, guint64 value, const char* rendition) {
  return wait([&] { return progress(field, rendition) == value; });
}

Strings LiveSinkBench::changes() {
  const std::lock_guard lock{mutex_};
  return changes_;
}

bool LiveSinkBench::wait_for_change(const std::string& name) {
  return wait([&] {
    const auto told = changes();
    return std::find(told.begin(), told.end(), name) != told.end();
  });
}

Strings LiveSinkBench::texts(GstMessageType type) {
  Strings texts;
  for (const auto& message : messages(type)) {
    GError* error = nullptr;
    if (type == GST_MESSAGE_WARNING)
      gst_message_parse_warning(message.get(), &error, nullptr);
    else
      gst_message_parse_error(message.get(), &error, nullptr);
    texts.emplace_back(error->message);
    g_clear_error(&error);
  }
  return texts;
}

guint64 LiveSinkBench::balancer_stat(const char* field) {
  GstStructure* stats = nullptr;
  gst_child_proxy_get(GST_CHILD_PROXY(element()), "balancer::stats", &stats, nullptr);
  return uint64_of(StructurePtr{stats}.get(), field);
}

Strings LiveSinkBench::warnings() {
  return texts(GST_MESSAGE_WARNING);
}

Strings LiveSinkBench::errors() {
  return texts(GST_MESSAGE_ERROR);
}

}  // namespace onair::test
