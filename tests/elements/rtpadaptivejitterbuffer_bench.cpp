// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtpadaptivejitterbuffer_bench.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include <gst/rtp/gstrtpbuffer.h>
#include <gtest/gtest.h>

namespace onair::test {
namespace {

// Running time is the clock's less this.
constexpr GstClockTime kBaseTime = 3600 * GST_SECOND;

// With templates, so that the pads accept other caps than those that they have.
GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);
GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

JitterBufferBench* self_of(GstPad* pad) {
  return static_cast<JitterBufferBench*>(gst_pad_get_element_private(pad));
}

// GLib's and GStreamer's own complaints: nothing that comes from outside may cause any.
void fail_on_complaint(const gchar* domain, GLogLevelFlags level, const gchar* text, gpointer) {
  if (level & (G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING))
    ADD_FAILURE() << (domain ? domain : "") << ": " << text;
  else
    g_log_default_handler(domain, level, text, nullptr);
}

std::string name_of(GstEvent* event) {
  const GstStructure* structure = gst_event_get_structure(event);
  if (structure && (GST_EVENT_TYPE(event) == GST_EVENT_CUSTOM_DOWNSTREAM ||
                    GST_EVENT_TYPE(event) == GST_EVENT_CUSTOM_DOWNSTREAM_OOB ||
                    GST_EVENT_TYPE(event) == GST_EVENT_CUSTOM_UPSTREAM))
    return gst_structure_get_name(structure);
  return GST_EVENT_TYPE_NAME(event);
}

}  // namespace

GstPtr<GstBuffer> RtpPacket::make() const {
  auto buffer = GstPtr<GstBuffer>::adopt(gst_rtp_buffer_new_allocate(payload_size, padding, 0));
  GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
  gst_rtp_buffer_map(buffer.get(), GST_MAP_WRITE, &rtp);
  gst_rtp_buffer_set_ssrc(&rtp, ssrc);
  gst_rtp_buffer_set_seq(&rtp, sequence);
  gst_rtp_buffer_set_timestamp(&rtp, rtp_time);
  gst_rtp_buffer_set_payload_type(&rtp, payload_type);
  gst_rtp_buffer_set_marker(&rtp, marker);
  if (!extension.empty()) {
    const auto size = static_cast<guint>(extension.size());
    const gboolean added = extension_form == Form::OneByte
                               ? gst_rtp_buffer_add_extension_onebyte_header(&rtp, extension_id,
                                                                             extension.data(), size)
                               : gst_rtp_buffer_add_extension_twobytes_header(
                                     &rtp, 0, extension_id, extension.data(), size);
    EXPECT_TRUE(added);
  }
  gst_rtp_buffer_unmap(&rtp);
  if (arrival)
    GST_BUFFER_DTS(buffer.get()) = ns(*arrival);
  if (is_retransmission)
    GST_BUFFER_FLAG_SET(buffer.get(), GST_RTP_BUFFER_FLAG_RETRANSMISSION);
  return buffer;
}

JitterBufferBench::JitterBufferBench(const std::string& properties, Start start)
    : clock_{GstPtr<GstTestClock>::sink(
          GST_TEST_CLOCK(gst_test_clock_new_with_start_time(kBaseTime)))},
      bus_{GstPtr<GstBus>::adopt(gst_bus_new())},
      src_{GstPtr<GstPad>::sink(gst_pad_new_from_static_template(&src_template, "src"))},
      sink_{GstPtr<GstPad>::sink(gst_pad_new_from_static_template(&sink_template, "sink"))} {
  g_log_set_default_handler(fail_on_complaint, nullptr);
  const auto line = "rtpadaptivejitterbuffer " + properties;
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

  gst_pad_set_element_private(src(), this);
  gst_pad_set_event_function(src(), on_upstream_event);
  gst_pad_set_query_function(src(), on_upstream_query);
  gst_pad_set_element_private(sink(), this);
  gst_pad_set_chain_function(sink(), on_buffer);
  gst_pad_set_event_function(sink(), on_event);
  gst_pad_set_query_function(sink(), on_query);
  const auto in = GstPtr<GstPad>::adopt(gst_element_get_static_pad(element(), "sink"));
  const auto out = GstPtr<GstPad>::adopt(gst_element_get_static_pad(element(), "src"));
  gst_pad_link(src(), in.get());
  gst_pad_link(out.get(), sink());
  gst_pad_set_active(src(), TRUE);
  gst_pad_set_active(sink(), TRUE);
  set_state(start == Start::Playing ? GST_STATE_PLAYING : GST_STATE_READY);
  if (start == Start::Playing)
    open_stream();
}

JitterBufferBench::~JitterBufferBench() {
  unblock();
  gst_pad_set_active(src(), FALSE);
  set_state(GST_STATE_NULL);
  gst_pad_set_active(sink(), FALSE);
  gst_element_set_bus(element(), nullptr);
}

GstStateChangeReturn JitterBufferBench::set_state(GstState state) {
  return gst_element_set_state(element(), state);
}

void JitterBufferBench::open_stream(const std::string& caps) {
  push_event(gst_event_new_stream_start("stream"));
  if (!caps.empty()) {
    const auto parsed = GstPtr<GstCaps>::adopt(gst_caps_from_string(caps.c_str()));
    push_event(gst_event_new_caps(parsed.get()));
  }
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  push_event(gst_event_new_segment(&segment));
}

GstFlowReturn JitterBufferBench::push(const RtpPacket& packet) {
  if (packet.arrival)
    set_time(*packet.arrival);
  return gst_pad_push(src(), packet.make().release());
}

void JitterBufferBench::push_all(std::int64_t from, std::int64_t to) {
  for (std::int64_t n = from; n <= to; ++n)
    ASSERT_EQ(push(n), GST_FLOW_OK) << "packet " << n;
}

bool JitterBufferBench::push_custom(const char* name) {
  return push_event(
      gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM, gst_structure_new_empty(name)));
}

void JitterBufferBench::set_time(Duration running_time) {
  const GstClockTime time =
      std::max(kBaseTime + ns(running_time), gst_clock_get_time(GST_CLOCK(clock_.get())));
  gst_test_clock_set_time(clock_.get(), time);
  end_due_waits();
}

void JitterBufferBench::end_due_waits() {
  while (const GstClockID id = gst_test_clock_process_next_clock_id(clock_.get()))
    gst_clock_id_unref(id);
}

Duration JitterBufferBench::wait_for_deadline() {
  const auto patience = std::chrono::duration_cast<std::chrono::milliseconds>(kPatience).count();
  for (;;) {
    if (!gst_test_clock_timed_wait_for_multiple_pending_ids(
            clock_.get(), 1, static_cast<guint>(patience), nullptr)) {
      ADD_FAILURE() << "the element waits for nothing";
      return {};
    }
    const GstClockTime next = gst_test_clock_get_next_entry_time(clock_.get());
    if (next != GST_CLOCK_TIME_NONE && next > gst_clock_get_time(GST_CLOCK(clock_.get())))
      return Duration{static_cast<Duration::rep>(next) - static_cast<Duration::rep>(kBaseTime)};
    end_due_waits();
  }
}

Duration JitterBufferBench::crank() {
  const auto deadline = wait_for_deadline();
  set_time(deadline);
  return deadline;
}

GstClockTime JitterBufferBench::running_time() {
  return gst_clock_get_time(GST_CLOCK(clock_.get())) - kBaseTime;
}

bool JitterBufferBench::wait(const std::function<bool(const std::vector<Item>&)>& is_true) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  std::unique_lock lock{mutex_};
  // The element may have looked at the clock just before the test moved it, and wait for an instant
  // that has passed; a real clock would let it go on.
  while (!changed_.wait_for(lock, 2ms, [&] { return is_true(items_); })) {
    if (std::chrono::steady_clock::now() > deadline)
      return false;
    lock.unlock();
    end_due_waits();
    lock.lock();
  }
  return true;
}

bool JitterBufferBench::wait_for_packets(std::size_t count) {
  return wait([count](const auto& items) {
    return std::count_if(items.begin(), items.end(), [](const Item& item) {
             return static_cast<bool>(item.buffer);
           }) >= static_cast<std::ptrdiff_t>(count);
  });
}

bool JitterBufferBench::wait_for(const std::string& name) {
  return wait([&](const auto& items) {
    return std::any_of(items.begin(), items.end(),
                       [&](const Item& item) { return item.name == name; });
  });
}

std::vector<JitterBufferBench::Item> JitterBufferBench::items() {
  const std::lock_guard lock{mutex_};
  return items_;
}

std::vector<JitterBufferBench::Item> JitterBufferBench::packets() {
  auto packets = items();
  std::erase_if(packets, [](const Item& item) { return !item.buffer; });
  return packets;
}

std::string JitterBufferBench::order() {
  std::string text;
  for (const auto& item : items())
    text += (text.empty() ? "" : " ") + item.name;
  return text;
}

void JitterBufferBench::forget() {
  const std::lock_guard lock{mutex_};
  items_.clear();
}

void JitterBufferBench::note(Item item) {
  item.when = running_time();
  const std::lock_guard lock{mutex_};
  items_.push_back(std::move(item));
  changed_.notify_all();
}

GstFlowReturn JitterBufferBench::on_buffer(GstPad* pad, GstObject*, GstBuffer* raw) {
  auto* self = self_of(pad);
  auto buffer = GstPtr<GstBuffer>::adopt(raw);
  GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
  EXPECT_TRUE(gst_rtp_buffer_map(raw, GST_MAP_READ, &rtp));
  const guint16 sequence = gst_rtp_buffer_get_seq(&rtp);
  gst_rtp_buffer_unmap(&rtp);
  const auto n = static_cast<gint16>(sequence - RtpPacket{0}.sequence);
  self->note({.buffer = std::move(buffer), .name = "#" + std::to_string(n), .sequence = sequence});
  std::unique_lock lock{self->mutex_};
  if (self->blocks_) {
    self->is_blocked_ = true;
    self->changed_.notify_all();
    self->changed_.wait(lock, [&] { return !self->blocks_; });
    self->is_blocked_ = false;
  }
  return self->flow_;
}

gboolean JitterBufferBench::on_event(GstPad* pad, GstObject*, GstEvent* raw) {
  auto* self = self_of(pad);
  self->note({.event = GstPtr<GstEvent>::adopt(raw), .name = name_of(raw)});
  return TRUE;
}

gboolean JitterBufferBench::on_query(GstPad* pad, GstObject* parent, GstQuery* query) {
  auto* self = self_of(pad);
  if (!GST_QUERY_IS_SERIALIZED(query))
    return gst_pad_query_default(pad, parent, query);
  self->note({.name = "query"});
  return self->answer_query ? self->answer_query(query) : TRUE;
}

gboolean JitterBufferBench::on_upstream_event(GstPad* pad, GstObject*, GstEvent* event) {
  auto* self = self_of(pad);
  const std::lock_guard lock{self->mutex_};
  self->upstream_.push_back(GstPtr<GstEvent>::adopt(event));
  self->changed_.notify_all();
  return TRUE;
}

gboolean JitterBufferBench::on_upstream_query(GstPad* pad, GstObject* parent, GstQuery* query) {
  if (GST_QUERY_TYPE(query) != GST_QUERY_LATENCY)
    return gst_pad_query_default(pad, parent, query);
  gst_query_set_latency(query, TRUE, 7 * GST_MSECOND, 8 * GST_MSECOND);
  return TRUE;
}

void JitterBufferBench::answer_buffers_with(GstFlowReturn flow) {
  const std::lock_guard lock{mutex_};
  flow_ = flow;
}

void JitterBufferBench::block() {
  const std::lock_guard lock{mutex_};
  blocks_ = true;
}

bool JitterBufferBench::wait_until_blocked() {
  std::unique_lock lock{mutex_};
  return changed_.wait_for(lock, kPatience, [&] { return is_blocked_; });
}

void JitterBufferBench::unblock() {
  const std::lock_guard lock{mutex_};
  blocks_ = false;
  changed_.notify_all();
}

bool JitterBufferBench::wait_for_upstream(const std::string& name, std::size_t count) {
  std::unique_lock lock{mutex_};
  return changed_.wait_for(lock, kPatience, [&] {
    return std::count_if(upstream_.begin(), upstream_.end(), [&](const auto& event) {
             return name_of(event.get()) == name;
           }) >= static_cast<std::ptrdiff_t>(count);
  });
}

std::vector<GstPtr<GstEvent>> JitterBufferBench::upstream(const std::string& name) {
  const std::lock_guard lock{mutex_};
  auto events = upstream_;
  std::erase_if(events, [&](const auto& event) { return name_of(event.get()) != name; });
  return events;
}

std::vector<GstPtr<GstMessage>> JitterBufferBench::messages(GstMessageType type, const char* name) {
  std::vector<GstPtr<GstMessage>> found;
  while (auto message = GstPtr<GstMessage>::adopt(gst_bus_pop_filtered(bus_.get(), type)))
    if (!name || gst_message_has_name(message.get(), name))
      found.push_back(std::move(message));
  return found;
}

StructurePtr JitterBufferBench::stats() {
  GstStructure* stats = nullptr;
  g_object_get(element(), "stats", &stats, nullptr);
  return StructurePtr{stats};
}

guint64 JitterBufferBench::stat(const char* field) {
  return uint64_of(stats().get(), field);
}

std::optional<GstClockTime> reference_timestamp(GstBuffer* buffer, const char* type) {
  const auto reference = GstPtr<GstCaps>::adopt(gst_caps_new_empty_simple(type));
  const auto* meta = gst_buffer_get_reference_timestamp_meta(buffer, reference.get());
  return meta ? std::optional{meta->timestamp} : std::nullopt;
}

guint uint_of(const GstStructure* structure, const char* field) {
  guint value = 0;
  EXPECT_TRUE(structure && gst_structure_get_uint(structure, field, &value)) << field;
  return value;
}

guint64 uint64_of(const GstStructure* structure, const char* field) {
  guint64 value = 0;
  EXPECT_TRUE(structure && gst_structure_get_uint64(structure, field, &value)) << field;
  return value;
}

}  // namespace onair::test
