// SPDX-License-Identifier: LGPL-2.1-or-later
#include "avaligner_bench.hpp"

#include <algorithm>
#include <cstdlib>
#include <thread>
#include <utility>

#include <gtest/gtest.h>

namespace onair::test {
namespace {

// Running time is the clock's less this.
constexpr GstClockTime kBaseTime = 3600 * GST_SECOND;

constexpr const char* kAudioCaps = "audio/x-opus, channel-mapping-family=(int)0";
constexpr const char* kVideoCaps =
    "video/x-h264, stream-format=(string)byte-stream, alignment=(string)au";

// With templates, so that the pads accept other caps than those that they have.
GstStaticPadTemplate feeder_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);
GstStaticPadTemplate recorder_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

AlignerStream* self_of(GstPad* pad) {
  return static_cast<AlignerStream*>(gst_pad_get_element_private(pad));
}

std::string name_of(GstEvent* event) {
  const GstStructure* structure = gst_event_get_structure(event);
  switch (GST_EVENT_TYPE(event)) {
    case GST_EVENT_CUSTOM_DOWNSTREAM:
    case GST_EVENT_CUSTOM_DOWNSTREAM_OOB:
    case GST_EVENT_CUSTOM_DOWNSTREAM_STICKY:
      return gst_structure_get_name(structure);
    default:
      return GST_EVENT_TYPE_NAME(event);
  }
}

}  // namespace

// ---- a pair of pads

AlignerStream::AlignerStream(AlignerBench& bench, GstPad* sink)
    : bench_{bench},
      name_{GST_OBJECT_NAME(sink)},
      in_{GstPtr<GstPad>::adopt(sink)},
      feeder_{GstPtr<GstPad>::sink(gst_pad_new_from_static_template(&feeder_template, "src"))},
      recorder_{
          GstPtr<GstPad>::sink(gst_pad_new_from_static_template(&recorder_template, "sink"))} {
  auto out = name_;
  out.insert(5, "_src");  // audio_src_0
  out_ = GstPtr<GstPad>::adopt(gst_element_get_static_pad(bench.element(), out.c_str()));
  if (!out_) {
    ADD_FAILURE() << "no pad " << out;
    std::abort();
  }
  gst_pad_set_element_private(feeder(), this);
  gst_pad_set_event_function(feeder(), on_upstream_event);
  gst_pad_set_query_function(feeder(), on_upstream_query);
  gst_pad_set_element_private(recorder(), this);
  gst_pad_set_chain_function(recorder(), on_buffer);
  gst_pad_set_event_function(recorder(), on_event);
  gst_pad_set_query_function(recorder(), on_query);
  gst_pad_set_active(recorder(), TRUE);
  gst_pad_set_active(feeder(), TRUE);
  gst_pad_link(this->out(), recorder());
  gst_pad_link(feeder(), in());
}

AlignerStream::~AlignerStream() {
  unblock();
  gst_pad_set_active(feeder(), FALSE);
  gst_pad_set_active(recorder(), FALSE);
}

void AlignerStream::unlink() {
  gst_pad_unlink(feeder(), in());
  gst_pad_unlink(out(), recorder());
}

void AlignerStream::open(const std::string& caps) {
  push_event(gst_event_new_stream_start(name_.c_str()));
  push_caps(caps.empty() ? (is_audio() ? kAudioCaps : kVideoCaps) : caps);
  push_segment(0, 0);
}

void AlignerStream::push_caps(const std::string& caps) {
  const auto parsed = GstPtr<GstCaps>::adopt(gst_caps_from_string(caps.c_str()));
  push_event(gst_event_new_caps(parsed.get()));
}

void AlignerStream::push_segment(GstClockTime start, GstClockTime base) {
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  segment.start = segment.time = segment.position = start;
  segment.base = base;
  push_event(gst_event_new_segment(&segment));
}

bool AlignerStream::push_custom(const char* name) {
  return push_event(
      gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM, gst_structure_new_empty(name)));
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
  return gst_pad_push(feeder(), buffer.release());
}

void AlignerStream::push_all(std::int64_t from, std::int64_t to) {
  for (std::int64_t n = from; n <= to; ++n)
    ASSERT_EQ(push(n), GST_FLOW_OK) << "unit " << n;
}

bool AlignerStream::wait(const std::function<bool(const std::vector<Item>&)>& is_true) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  std::unique_lock lock{mutex_};
  // The element may have looked at the clock just before the test moved it, and wait for an instant
  // that has passed; a real clock would let it go on.
  while (!changed_.wait_for(lock, 2ms, [&] { return is_true(items_); })) {
    if (std::chrono::steady_clock::now() > deadline)
      return false;
    lock.unlock();
    bench_.end_due_waits();
    lock.lock();
  }
  return true;
}

bool AlignerStream::wait_for_buffers(std::size_t count) {
  return wait([count](const auto& items) {
    return std::count_if(items.begin(), items.end(), [](const Item& item) {
             return static_cast<bool>(item.buffer);
           }) >= static_cast<std::ptrdiff_t>(count);
  });
}

bool AlignerStream::wait_for(const std::string& name) {
  return wait([&](const auto& items) {
    return std::any_of(items.begin(), items.end(),
                       [&](const Item& item) { return item.name == name; });
  });
}

std::vector<AlignerStream::Item> AlignerStream::items() {
  const std::lock_guard lock{mutex_};
  return items_;
}

std::vector<AlignerStream::Item> AlignerStream::buffers() {
  auto buffers = items();
  std::erase_if(buffers, [](const Item& item) { return !item.buffer; });
  return buffers;
}

std::string AlignerStream::order() {
  std::string text;
  for (const auto& item : items())
    text += (text.empty() ? "" : " ") + item.name;
  return text;
}

GstPtr<GstBuffer> AlignerStream::buffer(std::int64_t n) {
  for (const auto& item : buffers()) {
    if (GST_BUFFER_OFFSET(item.buffer.get()) == static_cast<guint64>(n))
      return item.buffer;
  }
  ADD_FAILURE() << name_ << ": unit " << n << " has not come out";
  return GstPtr<GstBuffer>::adopt(gst_buffer_new());
}

Duration AlignerStream::pts(std::int64_t n) {
  return Duration{static_cast<Duration::rep>(GST_BUFFER_PTS(buffer(n).get()))};
}

std::vector<GstPtr<GstEvent>> AlignerStream::events(const std::string& name) {
  std::vector<GstPtr<GstEvent>> found;
  for (const auto& item : items()) {
    if (item.event && item.name == name)
      found.push_back(item.event);
  }
  return found;
}

void AlignerStream::forget() {
  const std::lock_guard lock{mutex_};
  items_.clear();
}

void AlignerStream::note(Item item) {
  const std::lock_guard lock{mutex_};
  items_.push_back(std::move(item));
  changed_.notify_all();
}

GstFlowReturn AlignerStream::on_buffer(GstPad* pad, GstObject*, GstBuffer* raw) {
  auto* self = self_of(pad);
  self->note({.buffer = GstPtr<GstBuffer>::adopt(raw),
              .name = "#" + std::to_string(GST_BUFFER_OFFSET(raw))});
  std::unique_lock lock{self->mutex_};
  if (self->blocks_) {
    self->is_blocked_ = true;
    self->changed_.notify_all();
    self->changed_.wait(lock, [&] { return !self->blocks_; });
    self->is_blocked_ = false;
  }
  return self->flow_;
}

gboolean AlignerStream::on_event(GstPad* pad, GstObject*, GstEvent* raw) {
  self_of(pad)->note({.event = GstPtr<GstEvent>::adopt(raw), .name = name_of(raw)});
  return TRUE;
}

gboolean AlignerStream::on_query(GstPad* pad, GstObject* parent, GstQuery* query) {
  auto* self = self_of(pad);
  if (!GST_QUERY_IS_SERIALIZED(query) || !self->answer_query)
    return gst_pad_query_default(pad, parent, query);
  return self->answer_query(query);
}

gboolean AlignerStream::on_upstream_event(GstPad* pad, GstObject*, GstEvent* event) {
  auto* self = self_of(pad);
  const std::lock_guard lock{self->mutex_};
  self->upstream_.push_back(GstPtr<GstEvent>::adopt(event));
  return TRUE;
}

gboolean AlignerStream::on_upstream_query(GstPad* pad, GstObject* parent, GstQuery* query) {
  if (GST_QUERY_TYPE(query) != GST_QUERY_LATENCY)
    return gst_pad_query_default(pad, parent, query);
  gst_query_set_latency(query, TRUE, 7 * GST_MSECOND, 8 * GST_MSECOND);
  return TRUE;
}

void AlignerStream::answer_buffers_with(GstFlowReturn flow) {
  const std::lock_guard lock{mutex_};
  flow_ = flow;
}

void AlignerStream::block() {
  const std::lock_guard lock{mutex_};
  blocks_ = true;
}

bool AlignerStream::wait_until_blocked() {
  std::unique_lock lock{mutex_};
  return changed_.wait_for(lock, kPatience, [&] { return is_blocked_; });
}

void AlignerStream::unblock() {
  const std::lock_guard lock{mutex_};
  blocks_ = false;
  changed_.notify_all();
}

std::vector<GstPtr<GstEvent>> AlignerStream::upstream(GstEventType type) {
  const std::lock_guard lock{mutex_};
  auto events = upstream_;
  std::erase_if(events, [&](const auto& event) { return GST_EVENT_TYPE(event.get()) != type; });
  return events;
}

// ---- the element

AlignerBench::AlignerBench(const std::string& properties, Start start)
    : clock_{GstPtr<GstTestClock>::sink(
          GST_TEST_CLOCK(gst_test_clock_new_with_start_time(kBaseTime)))},
      bus_{GstPtr<GstBus>::adopt(gst_bus_new())} {
  const auto line = "avaligner " + properties;
  GError* raw = nullptr;
  GstElement* made = gst_parse_launch(line.c_str(), &raw);
  const ErrorPtr error{raw};
  if (!made || error) {
    ADD_FAILURE() << line << ": " << (error ? error->message : "no element");
    std::abort();
  }
  element_ = GstPtr<GstElement>::sink(made);
  gst_element_set_bus(element(), bus_.get());
  gst_element_set_clock(element(), GST_CLOCK(clock_.get()));
  gst_element_set_base_time(element(), kBaseTime);
  set_state(start == Start::Playing ? GST_STATE_PLAYING : GST_STATE_READY);
}

AlignerBench::~AlignerBench() {
  for (auto& stream : streams_) {
    stream->unblock();
    gst_pad_set_active(stream->feeder(), FALSE);
  }
  set_state(GST_STATE_NULL);
  streams_.clear();
  gst_element_set_bus(element(), nullptr);
}

GstStateChangeReturn AlignerBench::set_state(GstState state) {
  return gst_element_set_state(element(), state);
}

AlignerStream& AlignerBench::add(const char* name, const std::string& caps) {
  GstPad* sink = gst_element_request_pad_simple(element(), name);
  if (!sink) {
    ADD_FAILURE() << "no pad " << name;
    std::abort();
  }
  auto& stream = *streams_.emplace_back(std::make_unique<AlignerStream>(*this, sink));
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

void AlignerBench::set_time(Duration running_time) {
  const GstClockTime time =
      std::max(kBaseTime + ns(running_time), gst_clock_get_time(GST_CLOCK(clock_.get())));
  gst_test_clock_set_time(clock_.get(), time);
  end_due_waits();
}

void AlignerBench::end_due_waits() {
  while (const GstClockID id = gst_test_clock_process_next_clock_id(clock_.get()))
    gst_clock_id_unref(id);
}

// Several streams may wait, all for the same instant.
Duration AlignerBench::wait_for_deadline() {
  const auto patience = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < patience) {
    const GstClockTime next = gst_test_clock_peek_id_count(clock_.get()) > 0
                                  ? gst_test_clock_get_next_entry_time(clock_.get())
                                  : GST_CLOCK_TIME_NONE;
    if (next != GST_CLOCK_TIME_NONE && next > gst_clock_get_time(GST_CLOCK(clock_.get())))
      return Duration{static_cast<Duration::rep>(next) - static_cast<Duration::rep>(kBaseTime)};
    end_due_waits();
    std::this_thread::yield();
  }
  ADD_FAILURE() << "the element waits for nothing";
  return {};
}

Duration AlignerBench::crank() {
  const auto deadline = wait_for_deadline();
  set_time(deadline);
  return deadline;
}

std::vector<GstPtr<GstMessage>> AlignerBench::messages(const char* name) {
  while (auto message =
             GstPtr<GstMessage>::adopt(gst_bus_pop_filtered(bus_.get(), GST_MESSAGE_ELEMENT)))
    messages_.push_back(std::move(message));
  auto found = messages_;
  std::erase_if(found, [&](const auto& each) { return !gst_message_has_name(each.get(), name); });
  return found;
}

bool AlignerBench::wait_for_error() {
  const auto patience = static_cast<GstClockTime>(kPatience.count()) * GST_SECOND;
  const auto message = GstPtr<GstMessage>::adopt(
      gst_bus_timed_pop_filtered(bus_.get(), patience, GST_MESSAGE_ERROR));
  return static_cast<bool>(message);
}

StructurePtr AlignerBench::stats() {
  GstStructure* stats = nullptr;
  g_object_get(element(), "stats", &stats, nullptr);
  return StructurePtr{stats};
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

// ---- structures

guint64 uint64_of(const GstStructure* structure, const char* field) {
  guint64 value = 0;
  EXPECT_TRUE(structure && gst_structure_get_uint64(structure, field, &value)) << field;
  return value;
}

gint64 int64_of(const GstStructure* structure, const char* field) {
  gint64 value = 0;
  EXPECT_TRUE(structure && gst_structure_get_int64(structure, field, &value)) << field;
  return value;
}

bool flag_of(const GstStructure* structure, const char* field) {
  gboolean value = FALSE;
  EXPECT_TRUE(structure && gst_structure_get_boolean(structure, field, &value)) << field;
  return value != FALSE;
}

std::string text_of(const GstStructure* structure, const char* field) {
  const gchar* value = structure ? gst_structure_get_string(structure, field) : nullptr;
  EXPECT_TRUE(value) << field;
  return value ? value : "";
}

}  // namespace onair::test
