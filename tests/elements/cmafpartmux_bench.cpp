// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cmafpartmux_bench.hpp"

#include <cstdlib>

#include <gtest/gtest.h>

namespace onair::test {
namespace {

constexpr const char* kMarker = "onair-part";

std::string name_of(GstBuffer* buffer) {
  if (GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_HEADER))
    return "init";
  return GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT) ? "fragment-" : "fragment";
}

}  // namespace

MuxedStream::MuxedStream(GstElement* element, const char* name)
    : element_{element},
      in_{GstPtr<GstPad>::adopt(gst_element_request_pad_simple(element, name))},
      is_video_{std::string{name}.rfind("video", 0) == 0} {
  if (!in_) {
    ADD_FAILURE() << "no pad " << name;
    std::abort();
  }
  feed(in_.get());
}

MuxedStream::~MuxedStream() {
  stop_feeding();
}

void MuxedStream::open(const std::optional<std::string>& caps) {
  open_stream(caps.value_or(is_video_ ? kAvcCaps : kAacCaps));
}

GstFlowReturn MuxedStream::frame(Duration pts, const std::string& data, bool is_key,
                                 Duration duration) {
  auto buffer = GstPtr<GstBuffer>::adopt(gst_buffer_new_memdup(data.data(), data.size()));
  GST_BUFFER_PTS(buffer.get()) = ns(pts);
  GST_BUFFER_DURATION(buffer.get()) =
      ns(duration != Duration::min() ? duration : (is_video_ ? 40ms : 20ms));
  if (!is_key)
    GST_BUFFER_FLAG_SET(buffer.get(), GST_BUFFER_FLAG_DELTA_UNIT);
  return push_buffer(std::move(buffer));
}

bool MuxedStream::mark(int part, std::optional<Duration> end) {
  auto* structure = gst_structure_new(kMarker, "part", G_TYPE_INT, part, nullptr);
  if (end)
    gst_structure_set(structure, "end", G_TYPE_UINT64, ns(*end), nullptr);
  return push_event(gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM, structure));
}

void MuxedStream::give_back() {
  gst_element_release_request_pad(element_, in_.get());
  in_.reset();
}

PartMuxBench::PartMuxBench() : ElementBench{"cmafpartmux"}, out_{clock(), name_of} {
  out_.record(static_pad("src").get());
  set_state(GST_STATE_PLAYING);
}

PartMuxBench::~PartMuxBench() {
  out_.stop_recording();
  streams_.clear();
  set_state(GST_STATE_NULL);
}

MuxedStream& PartMuxBench::add(const char* name) {
  return *streams_.emplace_back(std::make_unique<MuxedStream>(element(), name));
}

std::string PartMuxBench::news() {
  std::string text;
  const auto items = out_.items();
  for (; told_ < items.size(); ++told_) {
    const auto& item = items[told_];
    if (item.name == "stream-start" || item.name == "caps" || item.name == "segment")
      continue;
    auto name = item.name;
    gint part = 0;
    if (name == kMarker &&
        gst_structure_get_int(gst_event_get_structure(item.event.get()), "part", &part))
      name = "part" + std::to_string(part);
    text += (text.empty() ? "" : " ") + name;
  }
  return text;
}

std::vector<std::vector<std::uint8_t>> PartMuxBench::bytes(GstBufferFlags with,
                                                           GstBufferFlags without) {
  std::vector<std::vector<std::uint8_t>> found;
  for (const auto& item : out_.buffers()) {
    const auto flags = GST_BUFFER_FLAGS(item.buffer.get());
    if ((flags & with) != with || (flags & without) != 0)
      continue;
    auto& bytes = found.emplace_back(gst_buffer_get_size(item.buffer.get()));
    gst_buffer_extract(item.buffer.get(), 0, bytes.data(), bytes.size());
  }
  return found;
}

std::vector<IsoFragment> PartMuxBench::fragments() {
  std::vector<IsoFragment> fragments;
  for (const auto& bytes : bytes(GstBufferFlags{}, GST_BUFFER_FLAG_HEADER))
    fragments.push_back(iso_fragment(bytes));
  return fragments;
}

}  // namespace onair::test
