// SPDX-License-Identifier: LGPL-2.1-or-later
#include "flywheel_bench.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numbers>
#include <thread>
#include <utility>

#include <gtest/gtest.h>

namespace onair::test {
namespace {

// Running time is the clock's less this.
constexpr GstClockTime kBaseTime = 3600 * GST_SECOND;

GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);
GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

FlywheelBench* self_of(GstPad* pad) {
  return static_cast<FlywheelBench*>(gst_pad_get_element_private(pad));
}

void fail_on_complaint(const gchar* domain, GLogLevelFlags level, const gchar* text, gpointer) {
  if (level & (G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING))
    ADD_FAILURE() << (domain ? domain : "") << ": " << text;
  else
    g_log_default_handler(domain, level, text, nullptr);
}

}  // namespace

FlywheelBench::FlywheelBench(const Options& options)
    : is_live_{options.is_live},
      clock_{GstPtr<GstTestClock>::sink(
          GST_TEST_CLOCK(gst_test_clock_new_with_start_time(kBaseTime + ns(options.now))))},
      bus_{GstPtr<GstBus>::adopt(gst_bus_new())},
      src_{GstPtr<GstPad>::sink(gst_pad_new_from_static_template(&src_template, "src"))},
      sink_{GstPtr<GstPad>::sink(gst_pad_new_from_static_template(&sink_template, "sink"))} {
  g_log_set_default_handler(fail_on_complaint, nullptr);
  const auto line = "flywheel " + options.properties;
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
  set_state(options.state);
  if (options.is_open)
    open_stream(options.caps);
}

FlywheelBench::~FlywheelBench() {
  unblock();
  gst_pad_set_active(src(), FALSE);
  set_state(GST_STATE_NULL);
  gst_pad_set_active(sink(), FALSE);
  gst_element_set_bus(element(), nullptr);
}

GstStateChangeReturn FlywheelBench::set_state(GstState state) {
  return gst_element_set_state(element(), state);
}

void FlywheelBench::set_base_time(GstClockTime base_time) {
  gst_element_set_base_time(element(), base_time);
}

void FlywheelBench::open_stream(const std::string& caps) {
  push_event(gst_event_new_stream_start("stream"));
  set_caps(caps);
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  push_event(gst_event_new_segment(&segment));
}

void FlywheelBench::set_caps(const std::string& text) {
  const auto caps = GstPtr<GstCaps>::adopt(gst_caps_from_string(text.c_str()));
  push_event(gst_event_new_caps(caps.get()));
}

bool FlywheelBench::push_custom(const char* name) {
  return push_event(
      gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM, gst_structure_new_empty(name)));
}

GstFlowReturn FlywheelBench::push_sound(Duration start, Duration length, guint rate) {
  set_time(std::max(now(), start + length + kLag));
  const auto frames = static_cast<gsize>(length.count() * rate / 1'000'000'000);
  auto buffer = GstPtr<GstBuffer>::adopt(gst_buffer_new_allocate(nullptr, 2 * frames, nullptr));
  GstMapInfo map;
  gst_buffer_map(buffer.get(), &map, GST_MAP_WRITE);
  auto* samples = reinterpret_cast<std::int16_t*>(map.data);
  const double first = static_cast<double>(start.count()) * 1e-9 * rate;
  for (gsize i = 0; i < frames; ++i)
    samples[i] = static_cast<std::int16_t>(
        10'000 * std::sin(2 * std::numbers::pi * 200 * (first + static_cast<double>(i)) / rate));
  gst_buffer_unmap(buffer.get(), &map);
  GST_BUFFER_PTS(buffer.get()) = ns(start);
  GST_BUFFER_DURATION(buffer.get()) = ns(length);
  return push(std::move(buffer));
}

void FlywheelBench::push_sounds(Duration from, Duration to) {
  for (Duration start = from; start < to; start += 20ms)
    ASSERT_EQ(push_sound(start), GST_FLOW_OK);
}

GstFlowReturn FlywheelBench::push_picture(Duration start, guint8 shade) {
  set_time(std::max(now(), start + kLag));
  constexpr gsize kSize = 64 * 48 * 3 / 2;
  auto buffer = GstPtr<GstBuffer>::adopt(gst_buffer_new_allocate(nullptr, kSize, nullptr));
  gst_buffer_memset(buffer.get(), 0, shade, kSize);
  GST_BUFFER_PTS(buffer.get()) = ns(start);
  return push(std::move(buffer));
}

void FlywheelBench::set_time(Duration running_time) {
  const GstClockTime time =
      std::max(kBaseTime + ns(running_time), gst_clock_get_time(GST_CLOCK(clock_.get())));
  gst_test_clock_set_time(clock_.get(), time);
  end_due_waits();
}

void FlywheelBench::end_due_waits() {
  while (const GstClockID id = gst_test_clock_process_next_clock_id(clock_.get()))
    gst_clock_id_unref(id);
}

Duration FlywheelBench::now() {
  return Duration{
      static_cast<Duration::rep>(gst_clock_get_time(GST_CLOCK(clock_.get())) - kBaseTime)};
}

Duration FlywheelBench::wait_for_deadline() {
  const auto patience =
      std::chrono::duration_cast<std::chrono::milliseconds>(kFlywheelPatience).count();
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

Duration FlywheelBench::crank() {
  const auto deadline = wait_for_deadline();
  set_time(deadline);
  return deadline;
}

void FlywheelBench::crank_until(Duration until) {
  while (wait_for_deadline() <= until)
    crank();
  set_time(until);
}

bool FlywheelBench::wait(const std::function<bool(const std::vector<Item>&)>& is_true) {
  const auto deadline = std::chrono::steady_clock::now() + kFlywheelPatience;
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

bool FlywheelBench::wait_for_buffers(std::size_t count) {
  return wait([count](const auto& items) {
    return std::count_if(items.begin(), items.end(), [](const Item& item) {
             return static_cast<bool>(item.buffer);
           }) >= static_cast<std::ptrdiff_t>(count);
  });
}

bool FlywheelBench::wait_for(const std::string& name) {
  return wait([&](const auto& items) {
    return std::any_of(items.begin(), items.end(),
                       [&](const Item& item) { return item.name == name; });
  });
}

// A query takes its turn behind all that came before.
bool FlywheelBench::wait_until_idle() {
  GstQuery* query = gst_query_new_allocation(nullptr, FALSE);
  const bool answered = gst_pad_peer_query(src(), query) != FALSE;
  gst_query_unref(query);
  return answered;
}

std::vector<FlywheelBench::Item> FlywheelBench::items() {
  const std::lock_guard lock{mutex_};
  return items_;
}

std::vector<GstBuffer*> FlywheelBench::buffers() {
  const std::lock_guard lock{mutex_};
  std::vector<GstBuffer*> buffers;
  for (const auto& item : items_)
    if (item.buffer)
      buffers.push_back(item.buffer.get());
  return buffers;
}

std::string FlywheelBench::order() {
  std::string text;
  for (const auto& item : items())
    if (!item.buffer)
      text += (text.empty() ? "" : " ") + item.name;
  return text;
}

void FlywheelBench::expect_contiguous(guint rate, guint frame_size) {
  GstClockTime end = GST_CLOCK_TIME_NONE;
  for (GstBuffer* buffer : buffers()) {
    if (end != GST_CLOCK_TIME_NONE) {
      EXPECT_EQ(GST_BUFFER_PTS(buffer), end);
    }
    end = GST_BUFFER_PTS(buffer) + GST_BUFFER_DURATION(buffer);
    const auto frames = gst_buffer_get_size(buffer) / frame_size;
    EXPECT_NEAR(static_cast<double>(GST_BUFFER_DURATION(buffer)),
                static_cast<double>(frames) * 1e9 / rate, 1.0);
  }
}

void FlywheelBench::note(Item item) {
  item.when = ns(now());
  const std::lock_guard lock{mutex_};
  items_.push_back(std::move(item));
  changed_.notify_all();
}

GstFlowReturn FlywheelBench::on_buffer(GstPad* pad, GstObject*, GstBuffer* raw) {
  auto* self = self_of(pad);
  self->note({.buffer = GstPtr<GstBuffer>::adopt(raw), .name = "buffer"});
  std::unique_lock lock{self->mutex_};
  if (self->blocks_) {
    self->is_blocked_ = true;
    self->changed_.notify_all();
    self->changed_.wait(lock, [&] { return !self->blocks_; });
    self->is_blocked_ = false;
  }
  return self->flow_;
}

gboolean FlywheelBench::on_event(GstPad* pad, GstObject*, GstEvent* raw) {
  auto* self = self_of(pad);
  const bool is_custom = GST_EVENT_TYPE(raw) == GST_EVENT_CUSTOM_DOWNSTREAM;
  self->note({.event = GstPtr<GstEvent>::adopt(raw),
              .name = is_custom ? gst_structure_get_name(gst_event_get_structure(raw))
                                : GST_EVENT_TYPE_NAME(raw)});
  if (GST_EVENT_TYPE(raw) == GST_EVENT_FLUSH_START || GST_EVENT_TYPE(raw) == GST_EVENT_FLUSH_STOP) {
    const bool starts = GST_EVENT_TYPE(raw) == GST_EVENT_FLUSH_START;
    self->answer_buffers_with(starts ? GST_FLOW_FLUSHING : GST_FLOW_OK);
    self->unblock();
  }
  return TRUE;
}

gboolean FlywheelBench::on_query(GstPad* pad, GstObject* parent, GstQuery* query) {
  return GST_QUERY_IS_SERIALIZED(query) ? TRUE : gst_pad_query_default(pad, parent, query);
}

gboolean FlywheelBench::on_upstream_query(GstPad* pad, GstObject* parent, GstQuery* query) {
  if (GST_QUERY_TYPE(query) != GST_QUERY_LATENCY)
    return gst_pad_query_default(pad, parent, query);
  if (self_of(pad)->is_live_)
    gst_query_set_latency(query, TRUE, 7 * GST_MSECOND, 8 * GST_MSECOND);
  else
    gst_query_set_latency(query, FALSE, 0, GST_CLOCK_TIME_NONE);
  return TRUE;
}

void FlywheelBench::answer_buffers_with(GstFlowReturn flow) {
  const std::lock_guard lock{mutex_};
  flow_ = flow;
}

void FlywheelBench::block() {
  const std::lock_guard lock{mutex_};
  blocks_ = true;
}

bool FlywheelBench::wait_until_blocked() {
  std::unique_lock lock{mutex_};
  return changed_.wait_for(lock, kFlywheelPatience, [&] { return is_blocked_; });
}

void FlywheelBench::unblock() {
  const std::lock_guard lock{mutex_};
  blocks_ = false;
  changed_.notify_all();
}

std::vector<GstPtr<GstMessage>> FlywheelBench::messages(GstMessageType type, const char* name) {
  std::vector<GstPtr<GstMessage>> found;
  while (auto message = GstPtr<GstMessage>::adopt(gst_bus_pop_filtered(bus_.get(), type)))
    if (!name || gst_message_has_name(message.get(), name))
      found.push_back(std::move(message));
  return found;
}

StructurePtr FlywheelBench::stats() {
  GstStructure* stats = nullptr;
  g_object_get(element(), "stats", &stats, nullptr);
  return StructurePtr{stats};
}

guint64 FlywheelBench::stat(const char* field) {
  guint64 value = 0;
  EXPECT_TRUE(gst_structure_get_uint64(stats().get(), field, &value)) << field;
  return value;
}

std::vector<guint8> FlywheelBench::bytes_of(GstBuffer* buffer) {
  std::vector<guint8> bytes(gst_buffer_get_size(buffer));
  gst_buffer_extract(buffer, 0, bytes.data(), bytes.size());
  return bytes;
}

std::vector<std::int16_t> FlywheelBench::samples_of(GstBuffer* buffer) {
  std::vector<std::int16_t> samples(gst_buffer_get_size(buffer) / 2);
  gst_buffer_extract(buffer, 0, samples.data(), 2 * samples.size());
  return samples;
}

}  // namespace onair::test
