// SPDX-License-Identifier: LGPL-2.1-or-later
#include "avaligner_bench.hpp"

#include <gtest/gtest.h>

namespace onair::test {
namespace {

constexpr const char* kAudioCaps = "audio/x-opus, channel-mapping-family=(int)0";
constexpr const char* kVideoCaps =
    "video/x-h264, stream-format=(string)byte-stream, alignment=(string)au";

std::string name_unit(GstBuffer* buffer) {
  return "#" + std::to_string(GST_BUFFER_OFFSET(buffer));
}

}  // namespace

// ---- a pair of pads

AlignerStream::AlignerStream(AlignerBench& bench, const char* name)
    : PairedStream{bench, name, name_unit}, bench_{bench} {}

void AlignerStream::open(const std::string& caps) {
  open_stream(caps.empty() ? (is_audio() ? kAudioCaps : kVideoCaps) : caps, name());
}

TestUnit AlignerStream::unit(std::int64_t n) const {
  const auto captured = n * (is_audio() ? kAudioSpacing : kVideoSpacing);
  TestUnit unit;
  unit.n = n;
  unit.media = (is_audio() ? kAudioMedia : kVideoMedia) + captured;
  unit.arrival = captured;
  unit.pts = ns(captured);
  unit.ssrc = is_audio() ? kAudioSsrc : kVideoSsrc;
  unit.clock_rate = is_audio() ? 48'000 : 90'000;
  return unit;
}

GstFlowReturn AlignerStream::push(const TestUnit& unit) {
  bench_.set_time(unit.arrival);
  return push_now(unit);
}

GstFlowReturn AlignerStream::push_now(const TestUnit& unit) {
  auto buffer = GstPtr<GstBuffer>::adopt(gst_buffer_new_allocate(nullptr, 20, nullptr));
  GST_BUFFER_OFFSET(buffer.get()) = static_cast<guint64>(unit.n);
  GST_BUFFER_PTS(buffer.get()) = unit.pts;
  GST_BUFFER_DTS(buffer.get()) = unit.dts;
  if (unit.has_metas) {
    metas_.add_times(buffer.get(), unit.ssrc, unit.clock_rate, MediaTime{unit.media},
                     RunningTime{unit.arrival});
    if (unit.ntp)
      metas_.add_ntp(buffer.get(), NtpTime{*unit.ntp}, unit.ntp_source);
  }
  return push_buffer(std::move(buffer));
}

void AlignerStream::push_all(std::int64_t from, std::int64_t to) {
  for (std::int64_t n = from; n <= to; ++n)
    ASSERT_EQ(push(n), GST_FLOW_OK) << "unit " << n;
}

GstPtr<GstBuffer> AlignerStream::buffer(std::int64_t n) {
  for (const auto& item : buffers()) {
    if (GST_BUFFER_OFFSET(item.buffer.get()) == static_cast<guint64>(n))
      return item.buffer;
  }
  ADD_FAILURE() << name() << ": unit " << n << " has not come out";
  return GstPtr<GstBuffer>::adopt(gst_buffer_new());
}

Duration AlignerStream::pts(std::int64_t n) {
  return Duration{static_cast<Duration::rep>(GST_BUFFER_PTS(buffer(n).get()))};
}

// ---- the element

AlignerBench::AlignerBench(const std::string& properties, Start start)
    : ElementBench{"avaligner " + properties} {
  set_state(start == Start::Playing ? GST_STATE_PLAYING : GST_STATE_READY);
}

AlignerBench::~AlignerBench() {
  for (auto& stream : streams_)
    stream->stop();
  set_state(GST_STATE_NULL);
}

AlignerStream& AlignerBench::add(const char* name, const std::string& caps) {
  auto& stream = *streams_.emplace_back(std::make_unique<AlignerStream>(*this, name));
  if (GST_STATE(element()) == GST_STATE_PLAYING)
    stream.open(caps);
  return stream;
}

void AlignerBench::give_back(const AlignerStream& stream) {
  const auto parent = GstPtr<GstObject>::adopt(gst_pad_get_parent(stream.in()));
  if (parent)
    gst_element_release_request_pad(element(), stream.in());
}

void AlignerBench::release(AlignerStream& stream) {
  give_back(stream);
  std::erase_if(streams_, [&](const auto& each) { return each.get() == &stream; });
}

StructurePtr AlignerBench::stats(const AlignerStream& stream) {
  const auto all = stats();
  GstStructure* its = nullptr;
  EXPECT_TRUE(
      gst_structure_get(all.get(), stream.name().c_str(), GST_TYPE_STRUCTURE, &its, nullptr))
      << stream.name();
  return StructurePtr{its ? its : gst_structure_new_empty("none")};
}

guint64 AlignerBench::count(const AlignerStream& stream, const char* field) {
  return uint64_of(stats(stream).get(), field);
}

}  // namespace onair::test
